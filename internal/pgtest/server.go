package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postrider/postrider/internal/local"
	"github.com/postrider/postrider/internal/postgres"
)

// Env names the variable that points all test processes to one server. Its value
// is a postgres:// URL of a role that may create databases.
const Env = "POSTRIDER_TEST_POSTGRES"

func serverFromEnv() string { return os.Getenv(Env) }

// maxSlots bounds how many servers of this package may run at once.
const maxSlots = 64

// Server is a test server that its owner may stop and start again. What was
// committed survives even Kill, as on a server that syncs.
type Server struct {
	bin      local.Binaries
	cfg      local.PostgresConfig
	postgres *local.Postgres
	dsn      string // one for all the server's life
}

// Run starts a server in the first data directory that no other process uses.
// They are kept from run to run, since making one takes a second, but whatever
// databases are in them are dropped. The server ends with this process.
func Run(ctx context.Context) (*Server, error) {
	bin, err := local.FindPostgres(ctx, local.Options{Output: os.Stderr})
	if err != nil {
		return nil, err
	}
	cache, err := local.CacheDir()
	if err != nil {
		return nil, err
	}
	for slot := range maxSlots {
		s := &Server{bin: bin, cfg: local.PostgresConfig{
			DataDir:    filepath.Join(cache, "test", fmt.Sprintf("postgres-%d", slot)),
			Database:   "postgres",
			Disposable: true,
			Settings:   map[string]string{"max_connections": "400", "max_wal_size": "2GB"},
		}}
		err := s.Start(ctx)
		if errors.Is(err, local.ErrInUse) {
			continue
		}
		if err != nil {
			return nil, err
		}
		s.dsn = s.postgres.DSN("")
		return s, dropAll(ctx, s.dsn)
	}
	return nil, fmt.Errorf("%d test servers are running already", maxSlots)
}

// NewServer is a server that no other test sees, for tests that stop it. Its
// DSN is of a database with the current schema.
func NewServer(t testing.TB) *Server {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	s, err := Run(ctx)
	if err != nil {
		t.Fatalf("start Postgres for this test: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Stop(context.Background()); err != nil {
			t.Errorf("stop Postgres after the test: %v", err)
		}
	})
	name, err := template(ctx, s.dsn, schemaKey(time.Now()), postgres.Migrate)
	if err != nil {
		t.Fatalf("migrate Postgres for this test: %v", err)
	}
	if err := execAll(s.dsn, "CREATE DATABASE test TEMPLATE "+name); err != nil {
		t.Fatalf("create test database: %v", err)
	}
	s.dsn = withDatabase(s.dsn, "test")
	return s
}

// DSN is the connection string of the server's database. It stays the same when
// the server is started again.
func (s *Server) DSN() string { return s.dsn }

// Stop shuts the server down, if it runs: connections are cut.
func (s *Server) Stop(ctx context.Context) error { return s.postgres.Stop(ctx) }

// Kill ends the server as a crash would, if it runs.
func (s *Server) Kill(ctx context.Context) error { return s.postgres.Kill(ctx) }

// Start brings a server that was stopped or killed back, with its data.
func (s *Server) Start(ctx context.Context) error {
	p, err := local.StartPostgres(ctx, s.bin, s.cfg)
	if err != nil {
		return err
	}
	s.postgres = p
	return nil
}

// dropAll drops what earlier runs left, templates included: they may come from
// other code than today's.
func dropAll(ctx context.Context, dsn string) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer conn.Close(ctx) // nothing is lost with it
	rows, err := conn.Query(ctx, "SELECT datname FROM pg_database WHERE datname NOT IN ('postgres', 'template0', 'template1')")
	if err != nil {
		return fmt.Errorf("list test databases: %w", err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("list test databases: %w", err)
	}
	for _, name := range names {
		if _, err := conn.Exec(ctx, "DROP DATABASE "+pgx.Identifier{name}.Sanitize()+" WITH (FORCE)"); err != nil {
			return fmt.Errorf("drop test database %s: %w", name, err)
		}
	}
	return nil
}
