package postgres_test

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// before is a stage with deliveries whose schema is from before a migration.
func before(t *testing.T, migration string) *stage {
	t.Helper()
	s := setup(t)
	s.pending(1, "")
	m := migrator(t, s.url)
	for name := ""; !strings.Contains(name, migration); {
		var err error
		name, err = m.Down(t.Context())
		must(t, err)
	}
	return s
}

func TestDayIndexes(t *testing.T) {
	t.Parallel()
	for name, migration := range map[string]string{"_feed_share": "feed_share", "_held": "ordering"} {
		t.Run("OfEach"+name, func(t *testing.T) {
			t.Parallel()
			testDayIndex(t, name, migration)
		})
	}
}

// testDayIndex is about the index of a day whose name ends so.
func testDayIndex(t *testing.T, suffix, migration string) {
	broken := "SELECT count(*) = 1 FROM pg_index WHERE NOT indisvalid AND indexrelid::regclass::text LIKE '%" + suffix + "'"
	whole := `SELECT count(*) = (SELECT count(*) FROM pg_inherits WHERE inhparent = 'deliveries'::regclass) AND bool_and(i.indisvalid)
			FROM pg_inherits h JOIN pg_index i ON i.indexrelid = h.inhrelid WHERE h.inhparent = 'deliveries` + suffix + `'::regclass`
	// It waits for the writer, so that its index is in the catalog already.
	const building = "SELECT count(*) = 1 FROM pg_stat_progress_create_index WHERE datname = current_database() AND phase LIKE 'waiting for writers%'"
	// held runs up while a transaction holds up the index of the day of some delivery.
	held := func(t *testing.T, s *stage, during func(kill func()) (wantErr bool)) {
		t.Helper()
		writer, err := s.raw.Begin(t.Context())
		must(t, err)
		defer writer.Rollback(context.Background())
		_, err = writer.Exec(t.Context(), "UPDATE deliveries SET bulk = NOT bulk")
		must(t, err)
		ctx, kill := context.WithCancel(context.Background())
		defer kill()
		done := make(chan error, 1)
		m := migrator(t, s.url)
		go func() {
			_, err := m.Up(ctx)
			done <- err
		}()
		s.eventually(building)
		wantErr := during(kill)
		if !wantErr {
			must(t, writer.Commit(t.Context()))
		}
		if err := <-done; (err != nil) != wantErr {
			t.Errorf("up ended with %v", err)
		}
	}

	t.Run("KeepNobodyFromWriting", func(t *testing.T) {
		t.Parallel()
		s := before(t, migration)
		held(t, s, func(func()) bool {
			must(t, pgx.BeginFunc(t.Context(), s.raw, func(tx pgx.Tx) error {
				if _, err := tx.Exec(t.Context(), "SET LOCAL lock_timeout = '100ms'"); err != nil {
					return err
				}
				_, err := tx.Exec(t.Context(), `INSERT INTO deliveries (id, workspace_id, event_id, endpoint_id, event_type, next_attempt_at)
					SELECT id, 'other', event_id, endpoint_id, event_type, now() FROM deliveries`)
				return err
			}))
			return false
		})
		s.holds(whole)
	})

	t.Run("ThatWereNotFinishedAreMadeAnew", func(t *testing.T) {
		t.Parallel()
		s := before(t, migration)
		held(t, s, func(kill func()) bool {
			kill()
			s.eventually(broken) // while the writer is there: once it is gone Postgres may finish what it has not heard the end of
			return true
		})
		_, err := migrator(t, s.url).Up(t.Context())
		must(t, err)
		s.holds(whole)
		s.holds("SELECT indisvalid FROM pg_index WHERE indexrelid = ('deliveries'||$1)::regclass", suffix)
	})
}

func TestDayIndexesLeaveMigrationsTheirPatience(t *testing.T) {
	t.Parallel()
	s := before(t, "ordering")
	got, err := migrator(t, s.url).BuildDayIndexes(t.Context())
	must(t, err)
	if got != "2s" { // without it a statement that waits for a table holds up everybody who comes later
		t.Errorf("lock_timeout is %s", got)
	}
}
