package live

import (
	"context"

	"github.com/postrider/postrider/internal/webhook"
)

// maxReads is how many reads there are at once, so that however many watch, and however
// far they are behind, most of the process's connections are left to others.
const maxReads = 4

// places bounds how many reads there are at once.
type places struct {
	store Events
	free  chan struct{}
}

func newPlaces(events Events) *places { return &places{events, make(chan struct{}, maxReads)} }

func (p *places) take(ctx context.Context) error {
	select {
	case p.free <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *places) leave() { <-p.free }

// Settled implements Events.
func (p *places) Settled(ctx context.Context) (id webhook.ID, err error) {
	if err := p.take(ctx); err != nil {
		return id, err
	}
	defer p.leave()
	return p.store.Settled(ctx)
}

// After implements Events.
func (p *places) After(ctx context.Context, ws webhook.WorkspaceID, after, until webhook.ID, n int) ([]webhook.EventHead, error) {
	if err := p.take(ctx); err != nil {
		return nil, err
	}
	defer p.leave()
	return p.store.After(ctx, ws, after, until, n)
}

// Events implements Events.
func (p *places) Events(ctx context.Context, ws webhook.WorkspaceID, ids []webhook.ID) ([]webhook.Event, error) {
	if err := p.take(ctx); err != nil {
		return nil, err
	}
	defer p.leave()
	return p.store.Events(ctx, ws, ids)
}
