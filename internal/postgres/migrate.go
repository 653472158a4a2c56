package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib" // goose speaks database/sql
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/postrider/postrider/db"
)

// MigrationStatus is one migration and whether it has been applied.
type MigrationStatus struct {
	Version int64
	Name    string
	Applied bool
}

// Migrator applies the schema's migrations. It takes goose's table-based lock:
// a session lock does not hold through a pooler in transaction mode.
type Migrator struct {
	db       *sql.DB
	provider *goose.Provider
	// tries and pause are lockTries and lockPause, but in tests.
	tries int
	pause time.Duration
	// pooled: url leads to a pooler, as far as is known.
	pooled atomic.Bool
}

// Migrations run beside a release that serves. A statement that waits for a
// table's lock makes everybody wait who comes after it, so it gives up before
// callers of the API do, and its migration, undone, is tried again.
const (
	lockTimeout = "2s"
	lockTries   = 30
	lockPause   = time.Second
)

// NewMigrator connects to url (postgres.direct_url when there is a pooler).
func NewMigrator(url string) (*Migrator, error) {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("open postgres for migrations: %w", err)
	}
	cfg.RuntimeParams["application_name"] = "postrider-migrate"
	cfg.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe // through a pooler as well
	seekWritable(cfg)
	m := &Migrator{tries: lockTries, pause: lockPause}
	m.db = stdlib.OpenDB(*cfg, stdlib.OptionAfterConnect(func(ctx context.Context, c *pgx.Conn) error {
		pooled, err := throughPooler(ctx, c.PgConn(), "lock_timeout", lockTimeout)
		m.pooled.Store(pooled)
		return err
	}))
	files, err := fs.Sub(db.Schema, "schema")
	if err != nil {
		return nil, err
	}
	locker, err := lock.NewPostgresTableLocker()
	if err != nil {
		return nil, fmt.Errorf("make the migrations' locker: %w", err)
	}
	if m.provider, err = goose.NewProvider(goose.DialectPostgres, m.db, files, goose.WithLocker(locker)); err != nil {
		m.db.Close()
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	return m, nil
}

// Close ends the connection.
func (m *Migrator) Close() error { return m.db.Close() }

// Up applies what is pending and returns the names of what it applied, also
// beside an error.
func (m *Migrator) Up(ctx context.Context) (names []string, err error) {
	err = m.patiently(ctx, func() error {
		if pending, err := m.provider.HasPending(ctx); err != nil || !pending {
			return err
		}
		if err := m.checkSession(ctx); err != nil {
			return err
		}
		if err := m.buildDayIndexes(ctx); err != nil {
			return err
		}
		res, err := m.provider.Up(ctx)
		var partial *goose.PartialError
		if errors.As(err, &partial) {
			res = partial.Applied
		}
		for _, r := range res {
			names = append(names, r.Source.Path)
		}
		return err
	})
	if err != nil {
		return names, fmt.Errorf("migrate up: %w", err)
	}
	return names, nil
}

// Down takes the newest applied migration back.
func (m *Migrator) Down(ctx context.Context) (name string, err error) {
	err = m.patiently(ctx, func() error {
		if err := m.checkSession(ctx); err != nil {
			return err
		}
		res, err := m.provider.Down(ctx)
		if err == nil {
			name = res.Source.Path
		}
		return err
	})
	if err != nil {
		return "", fmt.Errorf("migrate down: %w", err)
	}
	return name, nil
}

// checkSession refuses to change what may be in use through a pooler: there is no
// lock_timeout there, so that a statement which waits would hold everybody up. A
// database that has no day yet, and so no event, is made in any way.
func (m *Migrator) checkSession(ctx context.Context) error {
	var inUse bool
	err := m.db.QueryRowContext(ctx,
		"SELECT EXISTS (SELECT FROM pg_catalog.pg_inherits WHERE inhparent = to_regclass('deliveries'))").Scan(&inUse)
	if err != nil || !inUse || !m.pooled.Load() {
		return err
	}
	return errPooler
}

// patiently calls run again where it failed for want of a lock: whoever holds
// that now is in the middle of its work.
func (m *Migrator) patiently(ctx context.Context, run func() error) error {
	for try := 1; ; try++ {
		err := run()
		if err == nil || try >= m.tries || !isConflict(err) && sqlState(err) != lockNotAvailable {
			return err
		}
		timer := time.NewTimer(m.pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return err
		case <-timer.C:
		}
	}
}

// lockNotAvailable is what Postgres says after lock_timeout.
const lockNotAvailable = "55P03"

// Status lists every migration, oldest first.
func (m *Migrator) Status(ctx context.Context) ([]MigrationStatus, error) {
	all, err := m.provider.Status(ctx)
	if err != nil {
		return nil, fmt.Errorf("migration status: %w", err)
	}
	out := make([]MigrationStatus, len(all))
	for i, s := range all {
		out[i] = MigrationStatus{Version: s.Source.Version, Name: s.Source.Path, Applied: s.State == goose.StateApplied}
	}
	return out, nil
}

// Migrate applies every pending migration. Partitions are EnsurePartitions's.
func Migrate(ctx context.Context, url string) error {
	m, err := NewMigrator(url)
	if err != nil {
		return err
	}
	defer m.Close()
	_, err = m.Up(ctx)
	return err
}
