package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/postrider/postrider/internal/pgtest"
	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/webhook"
)

// fewSessions is far below the connections that are made to the pooler: what needs
// the session of the statement before soon meets another one.
var fewSessions = map[string]string{"default_pool_size": "3"}

// through opens a DB that leads through a pooler.
func (s *stage) through(p *pgtest.Pooler) *postgres.DB {
	s.t.Helper()
	db, err := postgres.Open(context.Background(), postgres.Config{URL: p.Through(s.url), Keys: [][]byte{oneKey}, MaxConns: 12})
	must(s.t, err)
	s.t.Cleanup(db.Close)
	must(s.t, db.Ping(s.t.Context()))
	return db
}

func TestThroughAPooler(t *testing.T) {
	t.Parallel()

	t.Run("NothingIsPreparedByNameNorSet", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		p := pgtest.NewPooler(t, s.url, fewSessions)
		db := s.through(p)
		if !db.Pooled() || s.db.Pooled() {
			t.Fatalf("through a pooler: %v, and past it: %v", db.Pooled(), s.db.Pooled())
		}
		var all sync.WaitGroup
		const writers, groups = 12, 20
		for range writers {
			all.Go(func() {
				for range groups {
					if _, err := postgres.NewIngest(db).Commit(context.Background(), s.groupOf("")); err != nil {
						t.Error(err)
					}
					if _, _, err := postgres.NewDeliveries(db).List(context.Background(), "w", webhook.DeliveryFilter{}, webhook.Page{Limit: 5}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		s.wantStored(writers * groups)
		// All of the pooler's sessions at once, as they were left.
		raw, err := pgxpool.New(t.Context(), p.Through(s.url)+"&default_query_exec_mode=exec")
		must(t, err)
		defer raw.Close()
		for range 3 {
			tx, err := raw.Begin(t.Context())
			must(t, err)
			defer tx.Rollback(context.Background()) // nothing was written
			var prepared int
			var mode string
			must(t, tx.QueryRow(t.Context(), "SELECT (SELECT count(*) FROM pg_prepared_statements), current_setting('plan_cache_mode')").Scan(&prepared, &mode))
			if prepared != 0 || mode != "auto" {
				t.Errorf("a session keeps %d statements and plan_cache_mode = %s", prepared, mode)
			}
		}
	})

	t.Run("StatementsOnADayLockItAlone", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		must(t, s.db.EnsurePartitions(t.Context(), time.Now(), 60))
		cfg, err := pgx.ParseConfig(pgtest.NewPooler(t, s.url, map[string]string{"default_pool_size": "1"}).Through(s.url))
		must(t, err)
		for mode, most := range map[pgx.QueryExecMode]int{pgx.QueryExecModeCacheDescribe: maxDayLocks, pgx.QueryExecModeCacheStatement: 1000} {
			cfg.DefaultQueryExecMode = mode
			conn, err := pgx.ConnectConfig(t.Context(), cfg)
			must(t, err)
			defer conn.Close(context.Background())
			tx, err := conn.Begin(t.Context())
			must(t, err)
			// A statement that has a name is planned once and for all days after five times.
			for range 10 {
				_, err := dbsqlc.New(tx).EventByID(t.Context(), dbsqlc.EventByIDParams{WorkspaceID: "w", ID: pgtype.UUID{Bytes: webhook.NewID(time.Now()), Valid: true}})
				if !errors.Is(err, pgx.ErrNoRows) {
					t.Fatal(err)
				}
			}
			var n int
			must(t, tx.QueryRow(t.Context(), "SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'relation' AND relation >= 16384").Scan(&n))
			if n > most || most > maxDayLocks && n < 60 {
				t.Errorf("%d locks with %s", n, mode)
			}
			must(t, tx.Rollback(t.Context()))
		}
	})

	t.Run("OneHoldsALease", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		leases := postgres.NewLeases(s.through(pgtest.NewPooler(t, s.url, fewSessions)))
		var all sync.WaitGroup
		held := make(chan string, 12)
		for i := range cap(held) {
			all.Go(func() {
				name := fmt.Sprint(i)
				_, got, err := leases.Acquire(context.Background(), "scheduler", name, time.Minute)
				if err != nil {
					t.Error(err)
				}
				if got {
					held <- name
				}
			})
		}
		all.Wait()
		if len(held) != 1 {
			t.Fatalf("%d hold it", len(held))
		}
		must(t, leases.Release(t.Context(), "scheduler", <-held))
		if epoch, got, err := leases.Acquire(t.Context(), "scheduler", "next", time.Minute); !got || epoch != 2 || err != nil {
			t.Errorf("the next one: epoch %d, %v, %v", epoch, got, err)
		}
	})

	t.Run("ItsRestartIsAnOutageLikeAnyOther", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		p := pgtest.NewPooler(t, s.url, fewSessions)
		db := s.through(p)
		p.Stop()
		_, err := postgres.NewIngest(db).Commit(t.Context(), s.groupOf(""))
		wantCode(t, err, webhook.CodeUnavailable)
		must(t, p.Start())
		s.commits(db, s.groupOf(""))
	})

	t.Run("ThatCameOrWentIsNoticedByTheNextConnection", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		dir := t.TempDir()
		p := pgtest.NewPooler(t, s.url, fewSessions)
		u, err := url.Parse(s.url)
		must(t, err)
		file := filepath.Join(dir, ".s.PGSQL.5432")
		lead := func(to string) {
			_ = os.Remove(file) // there is none at first
			must(t, os.Symlink(to, file))
		}
		server := filepath.Join(u.Query().Get("host"), ".s.PGSQL.5432")
		lead(server)
		u.RawQuery = url.Values{"host": {dir}, "port": {"5432"}}.Encode()
		db, err := postgres.Open(t.Context(), postgres.Config{URL: u.String(), Keys: [][]byte{oneKey}, MaxConns: 2, ApplicationName: "moves"})
		must(t, err)
		defer db.Close()
		away := func(err error) bool { return err != nil && webhook.CodeOf(err) == webhook.CodeUnavailable }
		for _, pooled := range []bool{false, true, false} {
			if pooled {
				must(t, p.Start())
				lead(p.Socket())
			} else {
				lead(server)
				p.Stop() // which cuts off who is connected
			}
			s.exec("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = 'moves'")
			for tries := 0; tries < 4 && away(db.Ping(t.Context())); tries++ { // with connections that were open
			}
			for range 4 {
				s.commits(db, s.groupOf(""))
			}
			if db.Pooled() != pooled {
				t.Errorf("through a pooler: %v, want %v", db.Pooled(), pooled)
			}
		}
	})
}

func TestMigratorThroughAPooler(t *testing.T) {
	t.Parallel()

	t.Run("MakesANewDatabase", func(t *testing.T) {
		t.Parallel()
		direct := pgtest.Empty(t)
		m := migrator(t, pgtest.NewPooler(t, direct, fewSessions).Through(direct))
		all, _ := status(t, m)
		if names, err := m.Up(t.Context()); err != nil || len(names) != all {
			t.Fatalf("%d of %d: %v", len(names), all, err)
		}
		if !hasSchema(t, direct) {
			t.Error("no schema")
		}
	})

	t.Run("ChangesNoneInUse", func(t *testing.T) {
		t.Parallel()
		s := setup(t) // which has days
		direct := migrator(t, s.url)
		m := migrator(t, pgtest.NewPooler(t, s.url, fewSessions).Through(s.url))
		refused := func(err error) {
			t.Helper()
			if err == nil || !strings.Contains(err.Error(), "postgres.direct_url must lead to the server itself") {
				t.Errorf("got %v", err)
			}
		}
		_, err := m.Down(t.Context())
		refused(err)
		if names, err := m.Up(t.Context()); err != nil || len(names) != 0 { // there is nothing to do
			t.Errorf("%v: %v", names, err)
		}
		_, err = direct.Down(t.Context())
		must(t, err)
		_, err = m.Up(t.Context())
		refused(err)
		if names, err := direct.Up(t.Context()); err != nil || len(names) != 1 {
			t.Errorf("%v: %v", names, err)
		}
	})
}
