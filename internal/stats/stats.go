// Package stats keeps the counts of deliveries up to date: what was marked as
// changed is counted again from the truth. A round takes a small part of the time,
// whatever waits; what waits longer is older when it is read, and never wrong.
package stats

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/postrider/postrider/internal/webhook"
)

// Store is where deliveries are counted.
type Store interface {
	// Take returns up to limit minutes to count, whose first change is older than
	// settle.
	Take(ctx context.Context, settle time.Duration, limit int) ([]webhook.StatsMinute, error)
	// Count counts a minute as it is, unless that was done since Take.
	Count(ctx context.Context, m webhook.StatsMinute, now time.Time) error
	// Merge joins an old hour's minutes and reports whether there was one.
	Merge(ctx context.Context, now time.Time) (bool, error)
	// RollUp adds up some hours that are long over, and reports whether there were any.
	RollUp(ctx context.Context, now time.Time) (bool, error)
	// Backfill counts some of what is older than counting, and reports whether
	// more may be left.
	Backfill(ctx context.Context, now time.Time) (bool, error)
	// Remove forgets what is counted of days that are gone, and returns how many rows.
	Remove(ctx context.Context) (int, error)
	// Paused is how long all of the above waited without working, since the start.
	Paused() time.Duration
	// Lag is how long the oldest change waits to be counted.
	Lag(ctx context.Context) (time.Duration, error)
}

// Config of a Counter; zero values are defaults.
type Config struct {
	Registerer prometheus.Registerer
	// Settle is how long a change waits for others of its minute. Default 3 s.
	Settle time.Duration
	// Round is how long a round may work before it starts nothing more. Default 100 ms.
	Round time.Duration
	// Rest is how many times as long as a round worked it rests, in the round or
	// after it. Default 30.
	Rest int
	Now  func() time.Time
}

const (
	marksAtOnce = 200
	removeEvery = 10 * time.Minute
)

// Counter counts in rounds, which must not overlap; of several processes' one
// counts at a time.
type Counter struct {
	store Store
	cfg   Config

	resume, removed time.Time
	paused          time.Duration // before this round

	counted  prometheus.Counter
	lag      prometheus.Gauge
	backfill prometheus.Gauge
}

// New makes a Counter.
func New(store Store, cfg Config) *Counter {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Settle <= 0 {
		cfg.Settle = 3 * time.Second
	}
	if cfg.Round <= 0 {
		cfg.Round = 100 * time.Millisecond
	}
	if cfg.Rest <= 0 {
		cfg.Rest = 30
	}
	f := promauto.With(cfg.Registerer) // a nil Registerer registers nowhere
	return &Counter{
		store: store, cfg: cfg,
		counted: f.NewCounter(prometheus.CounterOpts{
			Name: "postrider_stats_recounts_total", Help: "Minutes of workspaces whose deliveries were counted again.",
		}),
		lag: f.NewGauge(prometheus.GaugeOpts{
			Name: "postrider_stats_lag_seconds", Help: "How long the oldest change waits to be counted. Set by the leader.",
		}),
		backfill: f.NewGauge(prometheus.GaugeOpts{
			Name: "postrider_stats_backfill_running", Help: "1 while deliveries from before an upgrade are being counted. Set by the leader.",
		}),
	}
}

// Forget sets what was measured to 0: from now on it is another's to say.
func (c *Counter) Forget() {
	c.lag.Set(0)
	c.backfill.Set(0)
}

// RunOnce is a round, or only a look at the lag while it is too early for one.
func (c *Counter) RunOnce(ctx context.Context) error {
	lag, err := c.store.Lag(ctx)
	if err != nil {
		return err
	}
	c.lag.Set(lag.Seconds())
	begin := c.cfg.Now()
	if begin.Before(c.resume) {
		return nil
	}
	c.paused = c.store.Paused()
	err = c.round(ctx, begin)
	rest := time.Duration(c.cfg.Rest)*c.worked(begin) - (c.store.Paused() - c.paused)
	c.resume = c.cfg.Now().Add(max(rest, 0))
	return err
}

// round does something of each kind, so that none keeps another from its turn.
func (c *Counter) round(ctx context.Context, begin time.Time) error {
	if err := c.count(ctx, begin); err != nil {
		return err
	}
	if err := c.repeat(ctx, begin, c.store.Merge); err != nil {
		return err
	}
	if err := c.repeat(ctx, begin, c.store.RollUp); err != nil {
		return err
	}
	if err := c.fill(ctx, begin); err != nil {
		return err
	}
	return c.remove(ctx, begin)
}

func (c *Counter) count(ctx context.Context, begin time.Time) error {
	minutes, err := c.store.Take(ctx, c.cfg.Settle, marksAtOnce)
	if err != nil {
		return err
	}
	var failed error
	for i, m := range minutes {
		if i > 0 && c.over(begin) {
			break
		}
		// One that can't be counted keeps no other from it.
		if err := c.store.Count(ctx, m, c.cfg.Now()); err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		c.counted.Inc()
	}
	return failed
}

// worked is for how long the round did, without its pauses.
func (c *Counter) worked(begin time.Time) time.Duration {
	return c.cfg.Now().Sub(begin) - (c.store.Paused() - c.paused)
}

func (c *Counter) over(begin time.Time) bool { return c.worked(begin) >= c.cfg.Round }

// repeat calls step at least once, and until nothing is left or the round is over.
func (c *Counter) repeat(ctx context.Context, begin time.Time, step func(context.Context, time.Time) (bool, error)) error {
	for {
		more, err := step(ctx, c.cfg.Now())
		if err != nil || !more || c.over(begin) {
			return err
		}
	}
}

func (c *Counter) fill(ctx context.Context, begin time.Time) error {
	more := false
	err := c.repeat(ctx, begin, func(ctx context.Context, now time.Time) (_ bool, err error) {
		more, err = c.store.Backfill(ctx, now)
		return more, err
	})
	if err != nil {
		return err
	}
	c.backfill.Set(0)
	if more {
		c.backfill.Set(1)
	}
	return nil
}

func (c *Counter) remove(ctx context.Context, now time.Time) error {
	if now.Sub(c.removed) < removeEvery {
		return nil
	}
	if _, err := c.store.Remove(ctx); err != nil {
		return err
	}
	c.removed = now
	return nil
}
