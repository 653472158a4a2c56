package postgres_test

import (
	"context"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/postrider/postrider/internal/pgtest"
	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
)

// administer runs a statement of somebody who may always write.
func administer(t *testing.T, url, sql string) {
	t.Helper()
	cfg, err := pgx.ParseConfig(url)
	must(t, err)
	cfg.RuntimeParams["default_transaction_read_only"] = "off"
	conn, err := pgx.ConnectConfig(t.Context(), cfg)
	must(t, err)
	defer conn.Close(context.Background())
	_, err = conn.Exec(t.Context(), sql)
	must(t, err)
}

// turnReadOnly makes every session of ours read-only, those that come as well.
func turnReadOnly(t *testing.T, url string) {
	t.Helper()
	administer(t, url, `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$`)
	administer(t, url, `SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
		WHERE datname = current_database() AND application_name = 'postrider'`)
}

// turnWritable makes those writable that come from now on, as after a failover:
// the URL leads to the new primary, and what is open to the old one.
func turnWritable(t *testing.T, url string) {
	t.Helper()
	administer(t, url, `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I RESET default_transaction_read_only', current_database()); END $$`)
}

// settle makes calls until no connection is left that was cut off.
func (s *stage) settle() {
	s.t.Helper()
	for range 20 {
		if _, err := postgres.NewWorkspaces(s.db).Get(s.t.Context(), "w"); err == nil {
			return
		}
	}
	s.t.Fatal("Postgres can't be read")
}

// occupy opens several connections, and leaves them open in the pool.
func (s *stage) occupy() {
	s.t.Helper()
	s.exec("CREATE TABLE IF NOT EXISTS busy ()")
	tx, err := s.raw.Begin(s.t.Context())
	must(s.t, err)
	_, err = tx.Exec(s.t.Context(), "LOCK workspaces")
	must(s.t, err)
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() { _, _ = postgres.NewWorkspaces(s.db).Get(context.Background(), "w") })
	}
	s.eventually("SELECT count(*) = 5 FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted AND datname = current_database()")
	must(s.t, tx.Rollback(s.t.Context()))
	all.Wait()
}

func (s *stage) rename() error {
	_, err := postgres.NewWorkspaces(s.db).Update(context.Background(), "w", rename("X"))
	return err
}

func TestReadOnlyPostgres(t *testing.T) {
	t.Parallel()

	t.Run("IsNotAvailableAndCanBeRead", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		must(t, s.db.Ping(t.Context()))
		turnReadOnly(t, s.url)
		s.settle()
		wantCode(t, s.rename(), webhook.CodeUnavailable)
		wantCode(t, s.db.Ping(t.Context()), webhook.CodeUnavailable)
		s.settle()
	})

	for name, notice := range map[string]func(*stage) error{
		"AWrite":            (*stage).rename,
		"TheReadinessCheck": func(s *stage) error { return s.db.Ping(context.Background()) },
		"TheGuard": func(s *stage) error {
			m := s.pending(0, "c_1")
			return second(s.deliver(s.db).Guard(context.Background(), []webhook.Member{m}))
		},
	} {
		t.Run("IsLeftForOneThatTakesWritesAfter"+name, func(t *testing.T) {
			t.Parallel()
			s := setup(t)
			turnReadOnly(t, s.url)
			s.settle()
			s.occupy()
			turnWritable(t, s.url)
			wantCode(t, notice(s), webhook.CodeUnavailable)
			for range 10 {
				must(t, s.db.Ping(t.Context()))
				must(t, s.rename())
			}
		})
	}

	t.Run("LetsNoRequestBeMade", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		m := []webhook.Member{s.pending(0, "c_1"), s.pending(0, "c_1"), s.pending(0, "c_1"), s.pending(0, "c_1")}
		must(t, second(s.deliver(s.db).Guard(t.Context(), m)))
		turnReadOnly(t, s.url)
		s.settle()
		wantCode(t, second(s.deliver(s.db).Guard(t.Context(), m)), webhook.CodeUnavailable)
		turnWritable(t, s.url)
		_ = s.db.Ping(t.Context())
		must(t, second(s.deliver(s.db).Guard(t.Context(), m)))
	})
}

// A URL with several hosts leads to the one that takes writes, also where it does
// not ask for that.
func TestSeveralHosts(t *testing.T) {
	t.Parallel()
	one, other := pgtest.NewServer(t).DSN(), pgtest.NewServer(t).DSN()
	turnReadOnly(t, one)
	both := hosts(t, one, other)
	db, err := postgres.Open(t.Context(), postgres.Config{URL: both, Keys: [][]byte{oneKey}})
	must(t, err)
	t.Cleanup(db.Close)
	create := func(id webhook.WorkspaceID) error {
		_, err := postgres.NewWorkspaces(db).Create(context.Background(), webhook.Workspace{ID: id, Name: "W"})
		return err
	}
	must(t, create("w"))
	migrator, err := postgres.NewMigrator(both)
	must(t, err)
	_, err = migrator.Up(t.Context())
	must(t, err)
	must(t, migrator.Close())

	// The two change places.
	turnWritable(t, one)
	turnReadOnly(t, other)
	for range 20 {
		if err = create("v"); err == nil {
			break
		}
		wantCode(t, err, webhook.CodeUnavailable)
	}
	must(t, err)
}

// hosts is one URL that leads to the servers, in this order.
func hosts(t *testing.T, urls ...string) string {
	t.Helper()
	var names, ports []string
	for _, raw := range urls {
		u, err := url.Parse(raw)
		must(t, err)
		names, ports = append(names, u.Query().Get("host")), append(ports, u.Query().Get("port"))
	}
	u, err := url.Parse(urls[0])
	must(t, err)
	u.RawQuery = url.Values{"host": {strings.Join(names, ",")}, "port": {strings.Join(ports, ",")}}.Encode()
	return u.String()
}
