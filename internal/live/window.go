package live

import (
	"bytes"
	"context"
	"sync"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// window is a workspace's newest events. Events commit in another order than that of
// their ids, so what is behind the position before which all is settled is read again
// and again.
type window struct {
	ws    webhook.WorkspaceID
	store Events
	cfg   *Config

	mu      sync.Mutex
	latest  *look         // nil before the first
	changed chan struct{} // closed at the next look
}

// look is what there was at a moment.
type look struct {
	// from is the position that everything behind it is here.
	from webhook.ID
	// heads are in the order of their ids.
	heads []webhook.EventHead
	// settled is how far nothing comes in any more, and is in heads or before from.
	settled webhook.ID
}

func newWindow(ws webhook.WorkspaceID, store Events, cfg *Config) *window {
	return &window{ws: ws, store: store, cfg: cfg, changed: make(chan struct{})}
}

// current is the last look, and what is closed when there is another.
func (w *window) current() (*look, <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.latest, w.changed
}

const (
	readTimeout = 5 * time.Second
	// retryEvery is how often Postgres is asked that gave no answer.
	retryEvery = time.Second
)

// run looks until ctx ends.
func (w *window) run(ctx context.Context) {
	var at webhook.ID
	for {
		pause := w.cfg.PollEvery
		l, err := w.look(ctx, at)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			w.cfg.Logger.WarnContext(ctx, "a stream's events can't be read: they come once they can", "workspace_id", string(w.ws), "error", err)
			pause = retryEvery
		default:
			at = l.settled
			w.publish(l)
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

// look reads what is behind a position; the first one begins where all is settled.
func (w *window) look(ctx context.Context, from webhook.ID) (*look, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	// Before anything is read: what commits later than this has an id behind it.
	settled, err := w.store.Settled(ctx)
	if err != nil {
		return nil, err
	}
	if from.IsZero() {
		from = settled
	}
	heads, err := w.store.After(ctx, w.ws, from, webhook.ID{}, w.cfg.MaxWindow)
	if err != nil {
		return nil, err
	}
	if len(heads) == w.cfg.MaxWindow {
		settled = earlier(settled, heads[len(heads)-1].ID) // there may be more behind it
	}
	return &look{from: from, heads: heads, settled: later(from, settled)}, nil
}

func (w *window) publish(l *look) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.latest = l
	close(w.changed)
	w.changed = make(chan struct{})
}

func compare(a, b webhook.ID) int { return bytes.Compare(a[:], b[:]) }

func earlier(a, b webhook.ID) webhook.ID {
	if compare(a, b) < 0 {
		return a
	}
	return b
}

func later(a, b webhook.ID) webhook.ID {
	if compare(a, b) > 0 {
		return a
	}
	return b
}
