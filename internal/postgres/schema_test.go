package postgres_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/postrider/postrider/internal/pgtest"
	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
)

// schemaStage is a database without a schema, seen by a process that asks for it.
func schemaStage(t *testing.T) (s *stage, m *postgres.Migrator) {
	t.Helper()
	url := pgtest.Empty(t)
	raw, err := pgxpool.New(t.Context(), url)
	must(t, err)
	t.Cleanup(raw.Close)
	s = &stage{t: t, url: url, raw: raw}
	s.db = s.open(oneKey)
	return s, migrator(t, url)
}

// missing asks for the missing migration, as a health check does.
func (s *stage) missing() string {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	name, err := s.db.MissingMigration(ctx)
	must(s.t, err)
	return name
}

func TestMissingMigration(t *testing.T) {
	t.Parallel()

	t.Run("IsTheOldestThatIsNotApplied", func(t *testing.T) {
		t.Parallel()
		s, m := schemaStage(t)
		all, err := m.Status(t.Context())
		must(t, err)
		if got := s.missing(); got != all[0].Name {
			t.Errorf("of an empty database: %q, want %q", got, all[0].Name)
		}
		_, err = m.Up(t.Context())
		must(t, err)
		if got := s.missing(); got != "" {
			t.Errorf("with all applied: %q", got)
		}
		last, err := m.Down(t.Context())
		must(t, err)
		if got := s.missing(); got != last {
			t.Errorf("after down: %q, want %q", got, last)
		}
	})

	t.Run("IsNoneOnANewerSchema", func(t *testing.T) {
		t.Parallel()
		s, m := schemaStage(t)
		_, err := m.Up(t.Context())
		must(t, err)
		s.exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, true)")
		if got := s.missing(); got != "" {
			t.Errorf("got %q", got)
		}
	})

	t.Run("MakesNoTable", func(t *testing.T) {
		t.Parallel()
		s, _ := schemaStage(t)
		s.missing()
		s.holds("SELECT count(*) = 0 FROM pg_class WHERE relname LIKE 'goose%'")
	})

	t.Run("WaitsForNoMigrationThatRuns", func(t *testing.T) {
		t.Parallel()
		s, m := schemaStage(t)
		_, err := m.Up(t.Context())
		must(t, err)
		// As a migration's process leaves it while it works.
		s.exec("UPDATE goose_lock SET locked = true, locked_at = now(), lease_expires_at = now() + interval '1 hour'")
		if got := s.missing(); got != "" {
			t.Errorf("got %q", got)
		}
	})
}

func TestMigrator_GivesUpOnALockAndTriesAgain(t *testing.T) {
	t.Parallel()
	s, m := schemaStage(t)
	_, err := m.Up(t.Context())
	must(t, err)
	_, err = m.Down(t.Context())
	must(t, err)
	// Each migration writes down that it was applied, which this does not let it.
	tx, err := s.raw.Begin(t.Context())
	must(t, err)
	defer func() { _ = tx.Rollback(context.Background()) }()
	_, err = tx.Exec(t.Context(), "LOCK TABLE goose_db_version IN SHARE MODE")
	must(t, err)
	type result struct {
		names []string
		err   error
	}
	results := make(chan result, 1)
	go func() {
		names, err := m.Up(context.Background())
		results <- result{names, err}
	}()
	const waiting = `SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database()
		AND application_name = 'postrider-migrate' AND wait_event_type = 'Lock'`
	s.eventually(waiting)
	s.eventually("SELECT NOT (" + waiting + ")") // others get through meanwhile
	must(t, tx.Commit(t.Context()))
	if r := <-results; r.err != nil || len(r.names) != 1 {
		t.Errorf("up applied %q: %v", r.names, r.err)
	}
}

func TestSchemaThatIsBehindIsUnavailable(t *testing.T) {
	t.Parallel()
	s, m := schemaStage(t)
	wantSoon := func(err error) {
		t.Helper()
		wantCode(t, err, webhook.CodeUnavailable)
		if err != nil && !strings.Contains(err.Error(), "postrider migrate up") {
			t.Errorf("does not say what to do: %v", err)
		}
	}
	_, err := postgres.NewWorkspaces(s.db).Get(t.Context(), "w")
	wantSoon(err)
	_, err = m.Up(t.Context())
	must(t, err)
	_, err = postgres.NewWorkspaces(s.db).Get(t.Context(), "w")
	wantCode(t, err, webhook.CodeNotFound)
	s.exec("ALTER TABLE workspaces RENAME COLUMN name TO not_there_yet")
	_, err = postgres.NewWorkspaces(s.db).Get(t.Context(), "w")
	wantSoon(err)
}
