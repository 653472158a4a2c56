package app

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/postrider/postrider/internal/api"
	"github.com/postrider/postrider/internal/await"
	"github.com/postrider/postrider/internal/console"
	"github.com/postrider/postrider/internal/deliver"
	"github.com/postrider/postrider/internal/health"
	"github.com/postrider/postrider/internal/ingest"
	"github.com/postrider/postrider/internal/live"
	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/queue"
	"github.com/postrider/postrider/internal/schema"
	"github.com/postrider/postrider/internal/telemetry"
)

func (a *App) buildAPI() error {
	sender, err := a.sender()
	if err != nil {
		return err
	}
	store := postgres.NewIngest(a.db)
	ingester := ingest.New(store, store, announcements{queue.NewClient(a.redis), queue.NewInspector(a.redis)}, ingest.Config{
		Logger: a.seldom, Registerer: a.registry, Shards: a.redis.Shards(), Types: &ingest.Types{Store: store, Compile: compileSchema},
	})
	waits := await.New(postgres.NewOutcomes(a.db), await.Config{Stopping: a.checks.Drain(), Logger: a.seldom, Registerer: a.registry})
	streams := live.New(postgres.NewLive(a.db), queue.NewLiveWatch(a.redis, a.seldom), live.Config{
		Stopping: a.checks.Drain(), Logger: a.seldom, Registerer: a.registry,
	})
	look := console.Config{
		AdminKey: a.cfg.API.AdminKey, URL: a.cfg.Console.URL, TrustedProxies: a.cfg.Console.TrustedProxies,
		Stopping: a.checks.Drain(), Version: telemetry.Version(), Logger: a.logger,
	}
	handler, err := api.New(api.Deps{
		Workspaces: postgres.NewWorkspaces(a.db), Keys: postgres.NewKeys(a.db), PortalLinks: postgres.NewPortalLinks(a.db), Endpoints: postgres.NewEndpoints(a.db),
		Events: postgres.NewEvents(a.db), Deliveries: postgres.NewDeliveries(a.db), Replays: postgres.NewReplays(a.db), Stats: postgres.NewStats(a.db), CatchUp: postgres.NewCatchUp(a.db),
		EventTypes: postgres.NewEventTypes(a.db), Schemas: schema.Checker{}, Explainer: postgres.NewExplain(a.db), Idempotency: postgres.NewIdempotency(a.db), AuditLog: postgres.NewAuditLog(a.db),
		Accepter: ingester, Waits: waits, Streams: streams,
		Tester: deliver.NewTester(a.deliverStore(), sender, sender, a.deliverConfig("")), URLs: a.policy(), Queues: queue.NewInspector(a.redis),
	}, api.Config{
		AdminKey: a.cfg.API.AdminKey, RateLimits: a.rateLimits(), Version: telemetry.Version(),
		ListsLag: a.cfg.Postgres.ReplicaURL != "", MaxDelay: a.cfg.Retention.MaxDelay(), BaseURL: console.BaseURL(look),
		Defaults: api.Defaults{
			Timeout: a.cfg.Delivery.Timeout, RetrySchedule: a.cfg.Delivery.DefaultSchedule(),
			MaxInFlight: a.cfg.Delivery.MaxInFlight,
		},
		Logger: a.logger, Registerer: a.registry,
	})
	if err != nil {
		return err
	}
	pages, err := console.New(console.Deps{API: handler, CheckKey: handler.CheckKey, As: api.As, Sessions: postgres.NewSessions(a.db)}, look)
	if err != nil {
		return err
	}
	a.api = newHTTPServer(a.cfg.API.Listen, a.tracer.Handler(pages.Beside(handler)), a.checks.Draining, a.logger)
	a.checks.Require("listener", a.api.ready)
	a.checks.Observe("redis", a.redis.Writable)
	a.add("partitions", a.makePartitions, nil)
	a.add("ingest", func(context.Context) error { ingester.Start(); return nil }, func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, announceGrace)
		defer cancel()
		ingester.Stop(ctx)
	})
	a.add("waits", func(context.Context) error { waits.Start(); return nil }, func(context.Context) { waits.Stop() })
	a.add("streams", nil, func(context.Context) { streams.Stop() })
	a.add("api", a.api.start, a.api.stop)
	return nil
}

// compileSchema is for a schema that was checked before it was stored.
func compileSchema(raw json.RawMessage) (ingest.Schema, error) {
	s, bad := schema.Compile(raw)
	if len(bad) > 0 {
		return nil, fmt.Errorf("the schema can't be compiled any more: %s %s", bad[0].Pointer, bad[0].Detail)
	}
	return s, nil
}

// rateLimits are nil where none are configured.
func (a *App) rateLimits() api.RateLimits {
	if a.cfg.API.RateLimit <= 0 {
		return nil
	}
	return health.NewQuotas(a.redis.Scripter(), a.cfg.API.RateLimit, a.logger)
}

// announceGrace is how long a stopping API goes on announcing what it committed;
// the scheduler has the rest.
const announceGrace = 2 * time.Second

// announcements is what ingest needs of Redis.
type announcements struct {
	*queue.Client
	*queue.Inspector
}

// partitionsAhead is how many days an API makes for itself at its start, so that
// it accepts events also where no scheduler has run yet.
const partitionsAhead = 3

// makePartitions fails no start: with Postgres away the process waits for it
// like for everything else, and the scheduler makes partitions too.
func (a *App) makePartitions(ctx context.Context) error {
	if err := a.db.EnsurePartitions(ctx, time.Now().Add(-24*time.Hour), partitionsAhead+1); err != nil {
		a.logger.Warn("partitions not made at the start", "error", err)
	}
	return nil
}
