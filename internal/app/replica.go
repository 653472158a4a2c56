package app

import (
	"context"

	"github.com/postrider/postrider/internal/postgres"
)

// addReplica has lists read from a replica. A process is ready without it: then the
// primary is read.
func (a *App) addReplica(ctx context.Context, name string) error {
	replica, err := postgres.NewReplica(ctx, a.db, a.cfg.Postgres.ReplicaURL, postgres.ReplicaConfig{
		MaxLag: a.cfg.Postgres.ReplicaMaxLag, MaxConns: MaxConns, ApplicationName: "postrider-" + name,
		Logger: a.seldom, Registerer: a.registry,
	})
	if err != nil {
		return err
	}
	a.checks.Observe("replica", replica.Check)
	a.add("replica's connections", nil, func(context.Context) { replica.Close() })
	a.add("replica", func(context.Context) error { replica.Start(); return nil }, func(context.Context) { replica.Stop() })
	return nil
}
