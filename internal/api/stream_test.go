package api

import (
	"context"

	"github.com/postrider/postrider/internal/live"
	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
)

// attempts are what a test tells of.
type attempts chan webhook.LiveAttempts

func (a attempts) Watch(ctx context.Context, _ webhook.WorkspaceID, tell func(webhook.LiveAttempts)) {
	for {
		select {
		case batch := <-a:
			tell(batch)
		case <-ctx.Done():
			return
		}
	}
}

func (b *bundle) streams(db *postgres.DB) *live.Hub {
	b.attempts = make(attempts)
	hub := live.New(postgres.NewLive(db), b.attempts, live.Config{Stopping: b.stopping})
	b.t.Cleanup(hub.Stop)
	return hub
}
