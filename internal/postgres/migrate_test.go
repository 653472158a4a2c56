package postgres_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postrider/postrider/internal/pgtest"
	"github.com/postrider/postrider/internal/postgres"
)

func migrator(t *testing.T, url string) *postgres.Migrator {
	t.Helper()
	m, err := postgres.NewMigrator(url)
	must(t, err)
	t.Cleanup(func() { m.Close() })
	return m
}

// hasSchema is whether the schema's tables are there.
func hasSchema(t *testing.T, url string) bool {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), url)
	must(t, err)
	defer conn.Close(context.Background())
	var n int
	must(t, conn.QueryRow(context.Background(), `SELECT count(*) FROM pg_class
		WHERE relnamespace = 'public'::regnamespace AND relname IN ('workspaces', 'keys', 'endpoints', 'events', 'deliveries', 'attempts', 'leases')`).Scan(&n))
	if n != 0 && n != 7 {
		t.Errorf("%d of 7 tables are there", n)
	}
	return n == 7
}

// status is how many migrations there are, and how many are applied.
func status(t *testing.T, m *postgres.Migrator) (all, applied int) {
	t.Helper()
	list, err := m.Status(t.Context())
	must(t, err)
	for _, s := range list {
		if s.Applied {
			applied++
		}
	}
	return len(list), applied
}

func TestMigrator(t *testing.T) {
	t.Parallel()

	t.Run("GoesUpAndDownAgain", func(t *testing.T) {
		t.Parallel()
		url := pgtest.Empty(t)
		m := migrator(t, url)
		all, applied := status(t, m)
		if all == 0 || applied != 0 || hasSchema(t, url) {
			t.Fatalf("at first %d of %d are applied", applied, all)
		}
		for range 2 {
			names, err := m.Up(t.Context())
			must(t, err)
			if len(names) != all || !hasSchema(t, url) {
				t.Fatalf("up applied %q", names)
			}
			if names, err = m.Up(t.Context()); err != nil || len(names) != 0 {
				t.Fatalf("up again applied %q: %v", names, err)
			}
			if _, applied := status(t, m); applied != all {
				t.Errorf("after up %d are applied", applied)
			}
			for range all {
				_, err := m.Down(t.Context())
				must(t, err)
			}
			if _, applied := status(t, m); applied != 0 || hasSchema(t, url) {
				t.Errorf("after down %d are applied", applied)
			}
		}
		if name, err := m.Down(t.Context()); err == nil {
			t.Errorf("down from nothing took %q back", name)
		}
	})

	t.Run("GoesDownFromATableWithPartitions", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		s.pending(0, "")
		m := migrator(t, s.url)
		all, _ := status(t, m)
		for range all {
			_, err := m.Down(t.Context())
			must(t, err)
		}
		s.holds("SELECT count(*) = 0 FROM pg_class WHERE relname ~ '^(events|deliveries|attempts)'")
	})

	t.Run("SetsTheDaysThatAreThereAsNewOnes", func(t *testing.T) {
		t.Parallel()
		s := before(t, "vacuum")
		s.exec(`DO $$ BEGIN EXECUTE (SELECT string_agg(format('ALTER TABLE %s RESET (autovacuum_vacuum_scale_factor, autovacuum_vacuum_cost_limit)', inhrelid::regclass), ';')
			FROM pg_inherits WHERE inhparent = 'deliveries'::regclass); END $$`)
		_, err := migrator(t, s.url).Up(t.Context())
		must(t, err)
		must(t, s.db.EnsurePartitions(t.Context(), time.Now().AddDate(0, 0, 40), 1))
		s.holds(`SELECT count(*) > 1 AND count(DISTINCT c.reloptions) = 1 AND bool_and(c.reloptions IS NOT NULL)
			FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid WHERE h.inhparent = 'deliveries'::regclass`)
	})

	t.Run("LeavesOneConditionOnTheDaysThatAreThere", func(t *testing.T) {
		t.Parallel()
		s := before(t, "one_state_check")
		must(t, s.db.EnsurePartitions(t.Context(), time.Now().AddDate(0, 0, 40), 1)) // as the release before makes it
		s.holds("SELECT count(*) = 5 FROM pg_constraint WHERE contype = 'c' AND conrelid = 'deliveries'::regclass")
		_, err := migrator(t, s.url).Up(t.Context())
		must(t, err)
		must(t, s.db.EnsurePartitions(t.Context(), time.Now().AddDate(0, 0, 50), 1))
		s.holds(`SELECT count(*) > 2 AND count(*) = count(DISTINCT conrelid) AND bool_and(conname = 'deliveries_state') FROM pg_constraint
			WHERE contype = 'c' AND conrelid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = 'deliveries'::regclass)`)
		_, err = migrator(t, s.url).Down(t.Context())
		must(t, err)
		_, err = migrator(t, s.url).Up(t.Context())
		must(t, err)
	})

	t.Run("IndexesTheDaysThatAreThere", func(t *testing.T) {
		t.Parallel()
		s := before(t, "feed_share")
		s.holds("SELECT count(*) = 0 FROM pg_class WHERE relname ~ 'feed_share'")
		// What is left where it was ended half way.
		s.exec(`DO $$ BEGIN EXECUTE (SELECT format('CREATE INDEX %I ON %s (workspace_id COLLATE "C", bulk, next_attempt_at)
			WHERE status = ''pending'' AND task IS NULL AND NOT parked', min(inhrelid::regclass::text) || '_feed_share', min(inhrelid::regclass::text))
			FROM pg_inherits WHERE inhparent = 'deliveries'::regclass); END $$`)
		_, err := migrator(t, s.url).Up(t.Context())
		must(t, err)
		s.holds(`SELECT count(*) = (SELECT count(*) FROM pg_inherits WHERE inhparent = 'deliveries'::regclass) AND bool_and(i.indisvalid)
			FROM pg_inherits h JOIN pg_index i ON i.indexrelid = h.inhrelid WHERE h.inhparent = 'deliveries_feed_share'::regclass`)
		s.holds("SELECT indisvalid FROM pg_index WHERE indexrelid = 'deliveries_feed_share'::regclass")
	})

	t.Run("OfManyProcessesAppliesEachOnce", func(t *testing.T) {
		t.Parallel()
		url := pgtest.Empty(t)
		var all sync.WaitGroup
		var mu sync.Mutex
		applied := 0
		for range 3 {
			m := migrator(t, url)
			all.Go(func() {
				names, err := m.Up(context.Background())
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				applied += len(names)
				mu.Unlock()
			})
		}
		all.Wait()
		if total, done := status(t, migrator(t, url)); applied != total || done != total {
			t.Errorf("%d were applied of %d, which ran %d times", done, total, applied)
		}
	})

	t.Run("LeavesAHalfWayMigrationUndone", func(t *testing.T) {
		t.Parallel()
		url := pgtest.Empty(t)
		conn, err := pgx.Connect(t.Context(), url)
		must(t, err)
		defer conn.Close(context.Background())
		_, err = conn.Exec(t.Context(), "CREATE TABLE workers ()") // the last of the first migration's tables
		must(t, err)
		if err := postgres.Migrate(t.Context(), url); err == nil {
			t.Fatal("a table that is there already was made")
		}
		if hasSchema(t, url) {
			t.Error("half a migration is there")
		}
		_, err = conn.Exec(t.Context(), "DROP TABLE workers")
		must(t, err)
		must(t, postgres.Migrate(t.Context(), url))
		if !hasSchema(t, url) {
			t.Error("no schema after the second try")
		}
	})

	t.Run("EndsWithItsContext", func(t *testing.T) {
		t.Parallel()
		url := pgtest.Empty(t)
		ctx, cancel := context.WithTimeoutCause(context.Background(), time.Nanosecond, errors.New("too late"))
		defer cancel()
		if _, err := migrator(t, url).Up(ctx); err == nil {
			t.Error("up went on after its context's end")
		}
	})
}
