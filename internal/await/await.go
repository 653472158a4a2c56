// Package await lets publishers wait for what becomes of their events. However
// many wait, one query at a time looks after all of them, and less often the
// longer they have waited; while nobody waits, nothing is asked.
package await

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/postrider/postrider/internal/webhook"
)

// Store knows how events stand.
type Store interface {
	// Settled returns which of the events have no delivery any more whose first
	// attempt is to be waited for.
	Settled(ctx context.Context, events []webhook.Awaited) ([]webhook.ID, error)
	// Of returns an event's first deliveries, webhook.MaxOutcomes at most.
	Of(ctx context.Context, e webhook.Awaited) ([]webhook.Delivery, error)
}

// Config of Waits; zero values are defaults.
type Config struct {
	// MaxWaiters wait at once, so that they leave room at work for others; half of
	// them are one workspace's at most. Default 256.
	MaxWaiters int
	// Stopping is closed when the process is about to stop. Default never.
	Stopping   <-chan struct{}
	Logger     *slog.Logger // default: discards
	Registerer prometheus.Registerer
}

// Waits is where publishers wait. Make it with New, then Start.
type Waits struct {
	store   Store
	cfg     Config
	metrics metrics

	mu      sync.Mutex
	waiters map[*waiter]struct{}
	looked  time.Time // when the last look began

	joined    chan struct{} // has room for one: somebody came
	quit      chan struct{}
	done      chan struct{}
	startOnce sync.Once
	stopOnce  sync.Once
}

// New makes one.
func New(store Store, cfg Config) *Waits {
	if cfg.MaxWaiters <= 0 {
		cfg.MaxWaiters = 256
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Waits{
		store: store, cfg: cfg, metrics: newMetrics(cfg.Registerer), waiters: make(map[*waiter]struct{}),
		joined: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{}),
	}
}

// Start looks after waiters from now on.
func (w *Waits) Start() { w.startOnce.Do(func() { go w.run() }) }

// Stop ends the looking. Whoever still waits does so until its time is over.
func (w *Waits) Stop() {
	w.stopOnce.Do(func() { close(w.quit) })
	w.Start() // never started: let it end at once
	<-w.done
}

// readTimeout bounds what a waiter is told at the end, which it is told also when
// its time is over.
const readTimeout = 2 * time.Second

// Wait waits for an event's deliveries, of which there are so many, for d at most
// or until ctx ends, and returns them as they are then.
func (w *Waits) Wait(ctx context.Context, e webhook.Awaited, deliveries int, d time.Duration) ([]webhook.Delivery, webhook.WaitEnd) {
	out, end := w.wait(ctx, e, deliveries, d)
	w.metrics.ends.WithLabelValues(string(end)).Inc()
	return out, end
}

func (w *Waits) wait(ctx context.Context, e webhook.Awaited, deliveries int, d time.Duration) ([]webhook.Delivery, webhook.WaitEnd) {
	if deliveries == 0 {
		return nil, webhook.WaitSettled
	}
	end := webhook.WaitLimit
	if deliveries <= webhook.MaxOutcomes {
		end = w.await(ctx, e, d)
	}
	// Its caller may be gone, but a key may keep the answer.
	reading, cancel := context.WithTimeout(context.WithoutCancel(ctx), readTimeout)
	defer cancel()
	out, err := w.store.Of(reading, e)
	if err != nil {
		w.cfg.Logger.WarnContext(ctx, "outcomes not read", "event_id", e.EventID.Format(webhook.EventPrefix), "error", err)
		return nil, webhook.WaitUnknown
	}
	if len(out) >= deliveries && settled(out) {
		end = webhook.WaitSettled
	}
	return out, end
}

// await returns when the event is settled, or why it was not waited for any longer.
func (w *Waits) await(ctx context.Context, e webhook.Awaited, d time.Duration) webhook.WaitEnd {
	if d <= 0 {
		return webhook.WaitTimeout
	}
	me := &waiter{Awaited: e, settled: make(chan struct{})}
	if !w.join(me) {
		return webhook.WaitLimit
	}
	defer w.leave(me)
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-me.settled:
		return webhook.WaitSettled
	case <-timer.C:
		return webhook.WaitTimeout
	case <-w.cfg.Stopping:
		return webhook.WaitStopping
	case <-ctx.Done():
		return webhook.WaitDisconnected
	}
}

// settled says of deliveries what Store.Settled says of their event.
func settled(all []webhook.Delivery) bool {
	for i := range all {
		d := &all[i]
		passing := d.HeldReason == "" || slices.Contains(webhook.PassingHolds(), d.HeldReason)
		if d.Status == webhook.StatusPending && d.Attempts == 0 && passing {
			return false
		}
	}
	return true
}
