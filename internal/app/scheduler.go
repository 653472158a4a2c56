package app

import (
	"context"
	"time"

	"github.com/postrider/postrider/internal/fleet"
	"github.com/postrider/postrider/internal/ingest"
	"github.com/postrider/postrider/internal/operations"
	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/queue"
	"github.com/postrider/postrider/internal/recovery"
	"github.com/postrider/postrider/internal/stats"
)

// measureEvery is how old the leader's figures of the whole fleet may be.
const measureEvery = 5 * time.Second

func (a *App) buildScheduler() error {
	inspector := queue.NewInspector(a.redis)
	counter := stats.New(postgres.NewStats(a.db), stats.Config{Registerer: a.registry})
	meter := fleet.New(postgres.NewFleet(a.db), inspector, fleet.Config{
		Registerer: a.registry, Queues: queue.Names(), States: queue.States(),
	})
	s := recovery.New(recovery.Postgres{
		Leases: postgres.NewLeases(a.db), Feed: postgres.NewFeed(a.db), Audit: postgres.NewAudit(a.db),
		Parked: postgres.NewParked(a.db), Partitions: a.db, Retention: postgres.NewRetention(a.db),
		Upkeep: postgres.NewUpkeep(a.db), Replays: postgres.NewReplays(a.db), Ordering: postgres.NewOrdering(a.db),
	}, recovery.Redis{
		Queue: announcements{queue.NewClient(a.redis), inspector}, Tasks: inspector, Memory: inspector,
	}, recovery.Config{
		Logger: a.logger, Registerer: a.registry, DisableAfter: a.cfg.Breaker.DisableAfter,
		KeepDeliveries: a.cfg.Retention.Deliveries, KeepPayloads: a.cfg.Retention.Payloads,
		Services: []recovery.Service{
			{Name: "operations", Every: time.Second, RunOnce: a.publisher().RunOnce},
			{Name: "idempotency", Every: time.Minute, RunOnce: postgres.NewIdempotency(a.db).RemoveOld},
			{Name: "audit_log", Every: time.Hour, RunOnce: func(ctx context.Context) error {
				return postgres.NewAuditLog(a.db).RemoveOld(ctx, a.cfg.Retention.Deliveries)
			}},
			{Name: "stats", Every: time.Second, RunOnce: counter.RunOnce, Ended: counter.Forget},
			{Name: "fleet", Every: measureEvery, RunOnce: meter.RunOnce, Ended: meter.Forget},
			{Name: "queues", Every: measureEvery, RunOnce: meter.MeasureQueues},
		},
	})
	a.checks.Observe("redis", a.redis.Writable)
	a.addSchemaGate()
	a.add("scheduler", func(context.Context) error { s.Start(); return nil }, func(context.Context) { s.Stop() })
	return nil
}

// publisher accepts operational events as the API accepts everybody's.
func (a *App) publisher() *operations.Publisher {
	ws := a.cfg.Operations.Workspace
	cfg := operations.Config{Logger: a.logger, Registerer: a.registry}
	if ws == "" {
		return operations.New(postgres.NewOperations(a.db), nil, ws, cfg)
	}
	store := postgres.NewIngest(a.db)
	// Its metrics are those of an API, which dev has in the same registry.
	ingester := ingest.New(store, store, announcements{queue.NewClient(a.redis), queue.NewInspector(a.redis)}, ingest.Config{
		Logger: a.seldom, Shards: a.redis.Shards(),
	})
	a.add("operations", func(context.Context) error { ingester.Start(); return nil }, func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, announceGrace)
		defer cancel()
		ingester.Stop(ctx)
	})
	return operations.New(postgres.NewOperations(a.db), ingester, ws, cfg)
}
