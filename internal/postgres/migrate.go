package postgres

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"

	_ "github.com/jackc/pgx/v5/stdlib" // goose speaks database/sql
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
}

// NewMigrator connects to url (postgres.direct_url when there is a pooler).
func NewMigrator(url string) (*Migrator, error) {
	conn, err := sql.Open("pgx", url)
	if err != nil {
		return nil, fmt.Errorf("open postgres for migrations: %w", err)
	}
	files, err := fs.Sub(db.Schema, "schema")
	if err != nil {
		return nil, err
	}
	locker, err := lock.NewPostgresTableLocker()
	if err != nil {
		return nil, fmt.Errorf("make the migrations' locker: %w", err)
	}
	p, err := goose.NewProvider(goose.DialectPostgres, conn, files, goose.WithLocker(locker))
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	return &Migrator{db: conn, provider: p}, nil
}

// Close ends the connection.
func (m *Migrator) Close() error { return m.db.Close() }

// Up applies what is pending and returns the names of what it applied.
func (m *Migrator) Up(ctx context.Context) ([]string, error) {
	res, err := m.provider.Up(ctx)
	if err != nil {
		return nil, fmt.Errorf("migrate up: %w", err)
	}
	names := make([]string, len(res))
	for i, r := range res {
		names[i] = r.Source.Path
	}
	return names, nil
}

// Down takes the newest applied migration back.
func (m *Migrator) Down(ctx context.Context) (string, error) {
	res, err := m.provider.Down(ctx)
	if err != nil {
		return "", fmt.Errorf("migrate down: %w", err)
	}
	return res.Source.Path, nil
}

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
