// Package app is the composition root: it alone knows every package, builds the
// roles of a process from its configuration and takes them down again, last in
// first out.
package app

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/postrider/postrider/internal/config"
	"github.com/postrider/postrider/internal/egress"
	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/queue"
	"github.com/postrider/postrider/internal/telemetry"
	"github.com/postrider/postrider/internal/webhook"
)

// App is one process with one or more roles. Make it with New, Start it, Stop it.
type App struct {
	cfg      config.Config
	logger   *slog.Logger
	registry *prometheus.Registry
	checks   *telemetry.Checks
	db       *postgres.DB
	redis    *queue.Redis
	api      *httpServer // nil without the API's role
	metrics  *telemetry.Server
	out      *egress.Sender
	tracer   *telemetry.Tracer // nil without tracing
	// together is a process of several roles: dev's, which brings its own schema.
	together bool
	// seldom is the logger of what handles deliveries one by one.
	seldom *slog.Logger

	parts []part
	stop  sync.Once
}

// part is something that runs; it is stopped in the opposite order.
type part struct {
	name  string
	start func(ctx context.Context) error
	stop  func(ctx context.Context)
	// idle: it has a start that was not called yet, so there is nothing to stop.
	idle bool
}

// MaxConns is how many connections to Postgres a process makes at most: few, since
// every hot path shares one or two.
const MaxConns = 16

// New builds the roles. It connects to nothing yet.
func New(ctx context.Context, cfg config.Config, logger *slog.Logger, roles ...config.Role) (*App, error) {
	name := "postrider"
	if len(roles) == 1 {
		name = string(roles[0])
	}
	a := &App{
		cfg: cfg, logger: logger, seldom: telemetry.Seldom(logger),
		registry: telemetry.NewRegistry(name, telemetry.Version()), checks: telemetry.NewChecks(),
		together: len(roles) > 1,
	}
	var err error
	if a.redis, err = queue.Open(RedisConfig(cfg)); err != nil {
		return nil, err
	}
	a.add("redis", nil, func(context.Context) { a.redis.Close() })
	a.db, err = postgres.Open(ctx, postgres.Config{
		URL: cfg.Postgres.URL, Keys: cfg.Secrets.Keys, MaxConns: MaxConns, ApplicationName: "postrider-" + name,
		Operations: cfg.Operations.Workspace, Shards: a.redis.Shards(),
	})
	if err != nil {
		a.redis.Close()
		return nil, err
	}
	if err := a.buildTracer(ctx, name); err != nil {
		a.db.Close()
		a.redis.Close()
		return nil, err
	}
	a.add("postgres", nil, func(context.Context) { a.db.Close() })
	if cfg.Postgres.ReplicaURL != "" && slices.Contains(roles, config.RoleAPI) {
		if err := a.addReplica(ctx, name); err != nil {
			a.Stop(ctx)
			return nil, err
		}
	}
	a.registry.MustRegister(a.db.Collector(), a.redis.Collector())
	monitor := queue.NewMonitor(a.redis, queue.MonitorConfig{Logger: logger, Registerer: a.registry})
	a.add("redis monitor", func(ctx context.Context) error { monitor.Start(ctx); return nil }, func(context.Context) { monitor.Stop() })
	a.checks.Observe("redis_eviction", monitor.CheckEviction)
	a.checks.Require("postgres", a.db.Ping)
	a.checks.Require("migrations", a.schemaReady)
	for _, role := range roles {
		if err := a.build(role); err != nil {
			a.Stop(ctx)
			return nil, fmt.Errorf("build the %s: %w", role, err)
		}
	}
	// Started first, so that a process says what it waits for, and stopped last,
	// so that it can be seen draining.
	a.metrics = telemetry.NewServer(cfg.Metrics.Listen, a.registry, a.checks, telemetry.ServerConfig{Logger: logger})
	metrics := newPart("metrics", a.metrics.Start, func(ctx context.Context) { _ = a.metrics.Shutdown(ctx) })
	a.parts = append([]part{metrics}, a.parts...)
	return a, nil
}

// RedisConfig is what cfg says of Redis.
func RedisConfig(cfg config.Config) queue.Config {
	r := cfg.Redis
	return queue.Config{
		URL: r.URL, TLS: queue.TLS{CAFile: r.CAFile, CertFile: r.CertFile, KeyFile: r.KeyFile}, Shards: webhook.Shards(r.Shards),
	}
}

func (a *App) build(role config.Role) error {
	switch role {
	case config.RoleAPI:
		return a.buildAPI()
	case config.RoleWorker:
		return a.buildWorker()
	case config.RoleScheduler:
		return a.buildScheduler()
	default:
		return fmt.Errorf("there is no role %q", role)
	}
}

func (a *App) add(name string, start func(context.Context) error, stop func(context.Context)) {
	a.parts = append(a.parts, newPart(name, start, stop))
}

func newPart(name string, start func(context.Context) error, stop func(context.Context)) part {
	return part{name: name, start: start, stop: stop, idle: start != nil}
}

// Start runs every part. On an error those that run are stopped.
func (a *App) Start(ctx context.Context) error {
	for i := range a.parts {
		p := &a.parts[i]
		if p.start == nil {
			continue
		}
		p.idle = false
		if err := p.start(ctx); err != nil {
			a.Stop(ctx)
			return fmt.Errorf("start %s: %w", p.name, err)
		}
	}
	return nil
}

// APIAddr is the address the HTTP API listens on, once started.
func (a *App) APIAddr() string { return a.api.addr() }

// MetricsAddr is the address of the metrics listener, once started.
func (a *App) MetricsAddr() string { return a.metrics.Addr() }

// Drain makes the process not ready, so that load balancers turn away.
func (a *App) Drain() { a.checks.SetDraining() }

// Stop takes every part down, last in first out. ctx bounds the waiting.
func (a *App) Stop(ctx context.Context) {
	a.stop.Do(func() {
		a.Drain()
		for i := len(a.parts) - 1; i >= 0; i-- {
			if p := &a.parts[i]; p.stop != nil && !p.idle {
				p.stop(ctx)
			}
		}
	})
}

// Shutdown figures of a server process.
const (
	// drainDelay is how long a process that is not ready goes on serving: load
	// balancers need that long to see it.
	drainDelay = 5 * time.Second
	// maxShutdown is above the longest timeout of an endpoint (60 s) plus what
	// its record takes.
	maxShutdown = 80 * time.Second
	// maxStop is how long a stop takes at most, drainDelay and all: what is still
	// in the way then hangs. docs/operations.md promises it to orchestrators.
	maxStop = 90 * time.Second
)

// Run is the life of a server process: it returns when ctx ends and everything
// is down.
func Run(ctx context.Context, cfg config.Config, logger *slog.Logger, roles ...config.Role) error {
	TuneGC(ctx, 56<<20)
	a, err := New(ctx, cfg, logger, roles...)
	if err != nil {
		return err
	}
	if err := a.Start(ctx); err != nil {
		if ctx.Err() != nil { // asked to stop before it had begun
			return nil
		}
		return err
	}
	logger.Info("started", "metrics", a.MetricsAddr(), "config", cfg)
	<-ctx.Done()
	logger.Info("shutting down")
	defer endLate(logger, maxStop, os.Exit)()
	a.Drain()
	if a.api != nil {
		awaitDrain()
	}
	stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), maxShutdown)
	defer cancel()
	a.Stop(stopCtx)
	logger.Info("stopped")
	return nil
}

// endLate ends the process unless done is called within limit. What it leaves
// behind is found as after a crash.
func endLate(logger *slog.Logger, limit time.Duration, exit func(code int)) (done func()) {
	timer := time.AfterFunc(limit, func() {
		logger.Error("the stop takes too long: ending at once", "limit", limit)
		exit(1)
	})
	return func() { timer.Stop() }
}

// awaitDrain lets drainDelay pass. It is not cut short: the context that ended
// is what brought us here, and a second signal ends the process anyway.
func awaitDrain() {
	timer := time.NewTimer(drainDelay)
	defer timer.Stop()
	<-timer.C
}
