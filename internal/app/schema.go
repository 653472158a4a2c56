package app

import (
	"context"
	"fmt"
	"time"
)

// schemaReady is a readiness check: a process of a new release is not ready
// before its migrations are applied. On a schema that is newer than its own it is:
// each migration leaves the release before running.
func (a *App) schemaReady(ctx context.Context) error {
	missing, err := a.db.MissingMigration(ctx)
	if err != nil {
		return err
	}
	if missing != "" {
		return fmt.Errorf("migration %s is not applied: run postrider migrate up", missing)
	}
	return nil
}

const (
	schemaEvery   = time.Second
	schemaTimeout = 5 * time.Second
)

// addSchemaGate keeps a worker or a scheduler of a new release from work that it
// could begin but not record. The process is alive meanwhile, and not ready.
func (a *App) addSchemaGate() {
	if !a.together {
		a.add("schema", a.awaitSchema, nil)
	}
}

// awaitSchema returns when the schema is there, or when ctx ends.
func (a *App) awaitSchema(ctx context.Context) error {
	tick := time.NewTicker(schemaEvery)
	defer tick.Stop()
	for said := false; ; said = true {
		err := a.checkSchema(ctx)
		if err == nil {
			return nil
		}
		if !said {
			a.logger.Warn("waiting for the database's schema", "error", err)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}

func (a *App) checkSchema(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, schemaTimeout)
	defer cancel()
	return a.schemaReady(ctx)
}
