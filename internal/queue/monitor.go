package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// Monitor looks at Redis once a second and says in the log what an operator has
// to know of it, once when it begins and once when it is over: that it takes
// nothing, that it may throw away what it was given, and that its clock and this
// machine's differ.
type Monitor struct {
	redis  *Redis
	logger *slog.Logger

	takes, evicts, skew, used, most prometheus.Gauge

	refused bool   // it took nothing at the last look
	off     bool   // the clocks differed at the last look
	policy  string // under which it threw things away at the last look; "" is none

	start  sync.Once
	cancel context.CancelFunc // nil before Start
	done   chan struct{}
}

// MonitorConfig of a Monitor; zero values are defaults.
type MonitorConfig struct {
	// Logger is where problems go. Default nowhere.
	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

const (
	lookEvery   = time.Second
	lookTimeout = 2 * time.Second
)

// NewMonitor makes one; Start runs it.
func NewMonitor(r *Redis, cfg MonitorConfig) *Monitor {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	f := promauto.With(cfg.Registerer) // a nil Registerer registers nowhere
	gauge := func(name, help string) prometheus.Gauge {
		return f.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
	}
	return &Monitor{
		redis: r, logger: cfg.Logger, done: make(chan struct{}),
		takes: gauge("postrider_queue_redis_takes_tasks", "1 while Redis takes new tasks: it is there, not full, and no replica."),
		evicts: gauge("postrider_queue_redis_evicts",
			"1 while Redis's maxmemory-policy is another than noeviction, so that it may throw tasks away."),
		skew: gauge("postrider_queue_clock_skew_seconds", "How far this machine's clock is ahead of Redis's."),
		used: gauge("postrider_queue_redis_memory_used_bytes", "Memory that Redis uses of its maxmemory; on a cluster the master with the least room."),
		most: gauge("postrider_queue_redis_memory_max_bytes", "Redis's maxmemory; 0 where it has none. On a cluster the master's with the least room."),
	}
}

// Start looks at once, so that what is wrong from the beginning is said then, and
// holds nobody up: Redis may hang.
func (m *Monitor) Start(ctx context.Context) {
	m.start.Do(func() {
		ctx, m.cancel = context.WithCancel(context.WithoutCancel(ctx))
		go m.run(ctx)
	})
}

// Stop ends it.
func (m *Monitor) Stop() {
	m.start.Do(func() { close(m.done) }) // never started: nothing to wait for
	if m.cancel != nil {
		m.cancel()
	}
	<-m.done
}

func (m *Monitor) run(ctx context.Context) {
	defer close(m.done)
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		m.runOnce(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (m *Monitor) runOnce(ctx context.Context) {
	limited, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	err := m.redis.look(limited)
	if err == nil {
		err = errors.Join(m.redis.Writable(limited), m.redis.memory.room())
	}
	if ctx.Err() != nil {
		return // Stop cut the look off, which says nothing of Redis
	}
	used, limit := m.redis.memory.figures()
	m.used.Set(float64(used))
	m.most.Set(float64(limit))
	m.sayWhetherItTakes(ctx, err)
	m.sayWhatItEvicts(ctx, m.redis.memory.evicts())
	m.sayHowClocksAre(ctx)
}

func (m *Monitor) sayWhetherItTakes(ctx context.Context, err error) {
	m.takes.Set(asGauge(err == nil))
	switch refused := err != nil; {
	case refused && !m.refused:
		m.logger.WarnContext(ctx, "redis takes no tasks: deliveries wait in Postgres until it does", "error", err)
	case !refused && m.refused:
		m.logger.InfoContext(ctx, "redis takes tasks again")
	}
	m.refused = err != nil
}

func (m *Monitor) sayWhatItEvicts(ctx context.Context, policy string) {
	m.evicts.Set(asGauge(policy != ""))
	if policy != "" && policy != m.policy {
		m.logger.WarnContext(ctx, evictionAdvice, "maxmemory_policy", policy)
	}
	m.policy = policy
}

// evictionAdvice is what is wrong, what comes of it and what to do.
const evictionAdvice = "redis may throw tasks away when its memory is full, and their deliveries would be late by minutes: " +
	"set its maxmemory-policy to noeviction"

func (m *Monitor) sayHowClocksAre(ctx context.Context) {
	skew, _ := m.redis.clock.skew()
	m.skew.Set(skew.Seconds())
	err := m.redis.ClockOff()
	switch off := err != nil; {
	case off && !m.off:
		m.logger.WarnContext(ctx, "the clocks differ: a worker takes no tasks until they agree", "error", err)
	case !off && m.off:
		m.logger.InfoContext(ctx, "the clocks agree again")
	}
	m.off = err != nil
}

func asGauge(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// CheckEviction is a readiness check to be observed, not required: it goes by the
// last look.
func (m *Monitor) CheckEviction(context.Context) error {
	if policy := m.redis.memory.evicts(); policy != "" {
		return fmt.Errorf("redis's maxmemory-policy is %s: set it to noeviction", policy)
	}
	return nil
}
