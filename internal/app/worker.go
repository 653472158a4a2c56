package app

import (
	"context"
	"os"
	"sync/atomic"
	"time"

	"github.com/postrider/postrider/internal/deliver"
	"github.com/postrider/postrider/internal/egress"
	"github.com/postrider/postrider/internal/health"
	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/queue"
	"github.com/postrider/postrider/internal/telemetry"
	"github.com/postrider/postrider/internal/webhook"
)

// sender is made once a process: dev's worker and API share its connections.
func (a *App) sender() (*egress.Sender, error) {
	if a.out != nil {
		return a.out, nil
	}
	out, err := egress.NewSender(a.policy(), egress.SenderConfig{
		Proxy: a.cfg.Egress.Proxy, MaxIdlePerHost: a.cfg.Worker.Concurrency, Registerer: a.registry,
	})
	if err != nil {
		return nil, err
	}
	a.out = out
	a.add("egress", nil, func(context.Context) { out.Close() })
	return out, nil
}

func (a *App) policy() *egress.Policy {
	return egress.NewPolicy(egress.Config{Allow: a.cfg.Egress.Allow, HTTPSOnly: a.cfg.Egress.HTTPSOnly})
}

func (a *App) deliverConfig(id string) deliver.Config {
	return deliver.Config{
		WorkerID: id, UserAgent: telemetry.UserAgent(), Concurrency: a.cfg.Worker.Concurrency, BacklogShare: a.cfg.Worker.BacklogShare,
		Timeout: a.cfg.Delivery.Timeout, RetrySchedule: a.cfg.Delivery.DefaultSchedule(),
		MaxInFlight: a.cfg.Delivery.MaxInFlight, Shards: a.redis.Shards(), ClockOff: a.redis.ClockOff, Logger: a.seldom, Registerer: a.registry,
		MetricEndpoints: a.cfg.Metrics.Endpoints,
	}
}

func (a *App) deliverStore() *postgres.Deliver {
	return postgres.NewDeliver(a.db, postgres.Breaker{
		Failures: a.cfg.Breaker.Failures, Window: a.cfg.Breaker.Window, DisableAfter: a.cfg.Breaker.DisableAfter,
	})
}

func (a *App) buildWorker() error {
	sender, err := a.sender()
	if err != nil {
		return err
	}
	id := webhook.NewID(time.Now()).String()
	store := a.deliverStore()
	pulse := &pulse{store: store, id: id, logger: a.seldom, quit: make(chan struct{}), done: make(chan struct{})}
	watchers := queue.NewLiveSender(a.redis, a.seldom)
	cfg := a.deliverConfig(id)
	cfg.Watchers, cfg.Tracer = watchers, a.attemptTracer()
	runner := deliver.New(deliver.Deps{
		Rows: store, Sources: store, Outcomes: store, Sender: sender, Retries: queue.NewClient(a.redis),
		Rates: health.NewRates(a.redis.Scripter(), pulse.live, a.seldom),
	}, pulse.live, cfg)
	servers := queue.NewServers(a.redis, runner.Process, queue.ServerConfig{
		Concurrency: max(a.cfg.Worker.Concurrency/2, 1), ShutdownTimeout: maxShutdown - 5*time.Second, Logger: a.seldom,
	})
	a.registry.MustRegister(servers.Collector())
	a.checks.Require("redis", a.redis.Writable)
	a.checks.Require("clock", a.redis.CheckClock)
	a.addSchemaGate()
	a.checks.Require("recorder", runner.CheckRecorder)
	a.checks.Observe("secrets", runner.CheckSecrets)
	a.add("pulse", pulse.start, pulse.stop)
	a.add("watchers", func(context.Context) error { watchers.Start(); return nil }, func(context.Context) { watchers.Stop() })
	a.add("runner", func(context.Context) error { runner.Start(); return nil }, runner.Stop)
	a.add("servers", func(context.Context) error { return servers.Start() }, func(context.Context) {
		// What has not started goes back to Postgres first; then the tasks that
		// carried it end by themselves.
		servers.StopTaking()
		runner.HandBack()
		servers.Stop()
	})
	return nil
}

// pulse tells the fleet that this worker lives, and knows how many do.
type pulse struct {
	store   *postgres.Deliver
	id      string
	logger  logger
	workers atomic.Int64
	quit    chan struct{}
	done    chan struct{}
}

type logger interface {
	Warn(msg string, args ...any)
}

const pulseEvery = 3 * time.Second

func (p *pulse) live() int { return int(max(p.workers.Load(), 1)) }

func (p *pulse) start(ctx context.Context) error {
	p.beat(ctx)
	go func() {
		defer close(p.done)
		tick := time.NewTicker(pulseEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				p.beat(context.WithoutCancel(ctx))
			case <-p.quit:
				return
			}
		}
	}()
	return nil
}

func (p *pulse) beat(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, pulseEvery)
	defer cancel()
	host, _ := os.Hostname()
	n, err := p.store.Heartbeat(ctx, p.id, host)
	if err != nil {
		p.logger.Warn("no heartbeat", "error", err)
		return
	}
	p.workers.Store(int64(n))
}

func (p *pulse) stop(ctx context.Context) {
	close(p.quit)
	<-p.done
	// Requests that were waited for may have used up ctx; the name must go all the
	// same, or the rest of the fleet counts this worker in for a while.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), pulseEvery)
	defer cancel()
	if err := p.store.Leave(ctx, p.id); err != nil {
		p.logger.Warn("worker not signed off", "error", err)
	}
}
