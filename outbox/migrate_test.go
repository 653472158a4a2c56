package outbox

import (
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/postrider/postrider/internal/pgtest"
)

func TestMigrate(t *testing.T) {
	t.Parallel()

	t.Run("IsMadeOnceByManyAtOnce", func(t *testing.T) {
		t.Parallel()
		pool := open(t, pgtest.Empty(t))
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				if err := Migrate(t.Context(), pool); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		commit(t, pool, "a")
		must(t, Migrate(t.Context(), pool))
		if ids := waitingIDs(t, pool); len(ids) != 1 {
			t.Errorf("%v wait", ids)
		}
		var versions int
		must(t, pool.QueryRow(t.Context(), "SELECT count(*) FROM postrider_outbox_migrations").Scan(&versions))
		if versions != len(Migrations()) {
			t.Errorf("%d versions are noted, want %d", versions, len(Migrations()))
		}
	})

	t.Run("TakesWhatAnotherToolMade", func(t *testing.T) {
		t.Parallel()
		pool := open(t, pgtest.Empty(t))
		_, err := pool.Exec(t.Context(), Schema())
		must(t, err)
		commit(t, pool, "a")
		must(t, Migrate(t.Context(), pool))
		commit(t, pool, "b")
		if ids := waitingIDs(t, pool); len(ids) != 2 {
			t.Errorf("%v wait", ids)
		}
	})

	t.Run("IsThatOfTheFiles", func(t *testing.T) {
		t.Parallel()
		// What is to be read is what runs: names apart, and in the same order.
		for i, m := range Table("other").Migrations() {
			if m.Version != i+1 {
				t.Errorf("migration %d has version %d", i, m.Version)
			}
			if strings.Contains(m.SQL, string(DefaultTable)) {
				t.Errorf("migration %d of another table names the default's", m.Version)
			}
		}
	})

	t.Run("GoesIntoAnotherSchemaAndName", func(t *testing.T) {
		t.Parallel()
		pool := open(t, pgtest.Empty(t))
		_, err := pool.Exec(t.Context(), `CREATE SCHEMA "My App"`)
		must(t, err)
		mine := Table(`My App.it's "out"`)
		must(t, mine.Migrate(t.Context(), pool))
		must(t, Migrate(t.Context(), pool)) // both at once
		var id string
		must(t, pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
			id, err = mine.Dispatch(t.Context(), tx, "post.created", payload{})
			return err
		}))
		to := newAPI()
		run(t, pool, to, Config{Table: mine})
		<-to.arrived
		to.wantIDs(t, id)
		var indexes int
		must(t, pool.QueryRow(t.Context(), `SELECT count(*) FROM pg_indexes WHERE schemaname = 'My App'`).Scan(&indexes))
		if indexes != 5 {
			t.Errorf("%d indexes are in the schema, want 5", indexes)
		}
	})

	t.Run("RefusesNamesThatCantBe", func(t *testing.T) {
		t.Parallel()
		pool := open(t, pgtest.Empty(t))
		for _, name := range []Table{"", ".", "a.", ".b", "a.b.c", "a\x00b", Table(strings.Repeat("a", 49))} {
			if err := name.Migrate(t.Context(), pool); err == nil {
				t.Errorf("%q is taken", name)
			}
		}
		must(t, Table(strings.Repeat("a", 48)).Migrate(t.Context(), pool))
	})
}
