package postgres

import (
	"context"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"

	migrations "github.com/postrider/postrider/db"
	"github.com/postrider/postrider/internal/webhook"
)

// What Postgres says of a table, column or function that is not there.
const undefinedTable, undefinedColumn, undefinedFunction = "42P01", "42703", "42883"

// schemaBehind is for statements that a process of a new release makes before its
// migrations are applied: what they were for can be done later.
func schemaBehind() *webhook.Error {
	return &webhook.Error{
		Code: webhook.CodeUnavailable, RetryAfter: 5 * time.Second,
		Detail: "the database does not have this release's schema: run postrider migrate up",
	}
}

// MissingMigration returns the name of the oldest migration of this release that
// the database lacks, or "". What a newer release has added is not asked about:
// this one runs on it. It waits for no migration that runs, unlike Migrator, and
// changes nothing: it is asked by every health check.
func (db *DB) MissingMigration(ctx context.Context) (string, error) {
	applied, err := db.appliedMigrations(ctx)
	if err != nil {
		return "", fmt.Errorf("read which migrations are applied: %w", available(err))
	}
	files, err := fs.ReadDir(migrations.Schema, "schema") // sorted
	if err != nil {
		return "", err
	}
	for _, f := range files {
		version, err := goose.NumericComponent(f.Name())
		if err != nil {
			return "", fmt.Errorf("migration %s: %w", f.Name(), err)
		}
		if !applied[version] {
			return f.Name(), nil
		}
	}
	return "", nil
}

func (db *DB) appliedMigrations(ctx context.Context) (map[int64]bool, error) {
	store, err := database.NewStore(goose.DialectPostgres, goose.DefaultTablename)
	if err != nil {
		return nil, err
	}
	pool := stdlib.OpenDBFromPool(db.pool)
	defer pool.Close() // the pool's connections stay
	rows, err := store.ListMigrations(ctx, pool)
	if sqlState(err) == undefinedTable {
		return nil, nil // nothing was ever applied
	}
	if err != nil {
		return nil, err
	}
	applied := make(map[int64]bool, len(rows))
	for _, r := range rows { // newest first, which counts
		if _, later := applied[r.Version]; !later {
			applied[r.Version] = r.IsApplied
		}
	}
	return applied, nil
}
