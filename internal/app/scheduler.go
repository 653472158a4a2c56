package app

import (
	"context"

	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/queue"
	"github.com/postrider/postrider/internal/recovery"
)

func (a *App) buildScheduler() error {
	inspector := queue.NewInspector(a.redis)
	s := recovery.New(recovery.Postgres{
		Leases: postgres.NewLeases(a.db), Feed: postgres.NewFeed(a.db), Audit: postgres.NewAudit(a.db),
		Parked: postgres.NewParked(a.db), Partitions: a.db, Retention: postgres.NewRetention(a.db),
		Upkeep: postgres.NewUpkeep(a.db),
	}, recovery.Redis{
		Queue: announcements{queue.NewClient(a.redis), inspector}, Tasks: inspector, Memory: inspector,
	}, recovery.Config{
		Logger: a.logger, Registerer: a.registry, DisableAfter: a.cfg.Breaker.DisableAfter,
		KeepDeliveries: a.cfg.Retention.Deliveries, KeepPayloads: a.cfg.Retention.Payloads,
	})
	a.checks.Observe("redis", a.redis.Ping)
	a.add("scheduler", func(context.Context) error { s.Start(); return nil }, func(context.Context) { s.Stop() })
	return nil
}
