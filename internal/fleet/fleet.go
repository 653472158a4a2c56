// Package fleet measures what is one figure for a whole deployment: what is held,
// which endpoints fail, how much waits in Redis, how many workers live. The leader
// alone does, on a timer; nothing is asked when somebody looks at the metrics.
package fleet

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/postrider/postrider/internal/webhook"
)

// Store reads Postgres: each a statement that is bounded.
type Store interface {
	// Held is how many deliveries are held for which reason, of look that are looked at.
	Held(ctx context.Context, look int) (map[string]int, error)
	// Breakers is how many endpoints have an open breaker, and how many more fail.
	Breakers(ctx context.Context) (open, failing int, err error)
	// Endpoints counts look endpoints after the one given. last is zero at the end.
	Endpoints(ctx context.Context, after webhook.ID, look int) (active, disabled int, last webhook.ID, err error)
	// Workers is how many live.
	Workers(ctx context.Context) (int, error)
}

// Queues reads Redis.
type Queues interface {
	// Sizes is how many tasks are in each queue and state, and how long each queue's
	// oldest pending one waits.
	Sizes(ctx context.Context) (tasks map[string]map[string]int, latency map[string]time.Duration, err error)
}

// Config of a Meter; zero values are defaults.
type Config struct {
	Registerer prometheus.Registerer
	// Queues and States name those that there are.
	Queues, States []string
	// Look is how many held deliveries, and how many endpoints, a round looks at.
	// Default 10,000.
	Look int
}

// Meter measures in rounds, which must not overlap.
type Meter struct {
	store   Store
	queues  Queues
	cfg     Config
	metrics metrics
	walk    walk
}

// walk is a pass over all endpoints, which may take several rounds.
type walk struct {
	after            webhook.ID
	active, disabled int
}

// New makes a Meter, all of whose figures are 0 until it has measured.
func New(store Store, queues Queues, cfg Config) *Meter {
	if cfg.Look <= 0 {
		cfg.Look = 10_000
	}
	m := &Meter{store: store, queues: queues, cfg: cfg, metrics: newMetrics(cfg.Registerer)}
	m.metrics.zero(cfg.Queues, cfg.States)
	return m
}

// RunOnce measures what Postgres knows.
func (m *Meter) RunOnce(ctx context.Context) error {
	workers, err := m.store.Workers(ctx)
	if err != nil {
		return err
	}
	m.metrics.workers.Set(float64(workers))
	held, err := m.store.Held(ctx, m.cfg.Look)
	if err != nil {
		return err
	}
	for _, reason := range webhook.HeldReasons() {
		m.metrics.held.WithLabelValues(reason).Set(float64(held[reason]))
	}
	open, failing, err := m.store.Breakers(ctx)
	if err != nil {
		return err
	}
	m.metrics.breakers.WithLabelValues(breakerOpen).Set(float64(open))
	m.metrics.breakers.WithLabelValues(breakerFailing).Set(float64(failing))
	return m.countEndpoints(ctx)
}

// countEndpoints goes on with the pass, and shows what it came to at its end: up to
// look endpoints are counted anew in each round.
func (m *Meter) countEndpoints(ctx context.Context) error {
	active, disabled, last, err := m.store.Endpoints(ctx, m.walk.after, m.cfg.Look)
	if err != nil {
		return err
	}
	m.walk.active += active
	m.walk.disabled += disabled
	m.walk.after = last
	if !last.IsZero() {
		return nil
	}
	m.metrics.endpoints.WithLabelValues(endpointActive).Set(float64(m.walk.active))
	m.metrics.endpoints.WithLabelValues(endpointDisabled).Set(float64(m.walk.disabled))
	m.walk = walk{}
	return nil
}

// MeasureQueues measures what Redis knows.
func (m *Meter) MeasureQueues(ctx context.Context) error {
	tasks, latency, err := m.queues.Sizes(ctx)
	if err != nil {
		return err
	}
	for queue, states := range tasks {
		for state, n := range states {
			m.metrics.tasks.WithLabelValues(queue, state).Set(float64(n))
		}
		m.metrics.latency.WithLabelValues(queue).Set(latency[queue].Seconds())
	}
	return nil
}

// Forget sets everything to 0: from now on it is another's to measure.
func (m *Meter) Forget() {
	m.walk = walk{}
	m.metrics.workers.Set(0)
	m.metrics.zero(m.cfg.Queues, m.cfg.States)
}
