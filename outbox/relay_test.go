package outbox

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/postrider/postrider/client"
	"github.com/postrider/postrider/internal/pgtest"
	"github.com/postrider/postrider/test/e2e/stack"
)

func TestRelay(t *testing.T) {
	t.Parallel()

	t.Run("SendsInOrderAndDeletes", func(t *testing.T) {
		t.Parallel()
		pool, to := setup(t), newAPI()
		var want []string
		for i := range 12 {
			ids := []string{fmt.Sprintf("e%02d-a", i), fmt.Sprintf("e%02d-b", i)}
			commit(t, pool, ids...)
			want = append(want, ids...)
		}
		run(t, pool, to, Config{BatchSize: 5})
		waitEmpty(t, pool)
		to.wantIDs(t, want...)
		if n := to.requests(); n != 5 {
			t.Errorf("%d requests were made, want 5", n)
		}
		var left int
		must(t, pool.QueryRow(t.Context(), "SELECT count(*) FROM postrider_outbox").Scan(&left))
		if left != 0 {
			t.Errorf("%d rows are left", left)
		}
	})

	t.Run("LosesNoneThatCommitsAfterAHigherNumber", func(t *testing.T) {
		t.Parallel()
		pool, to := setup(t), newAPI()
		run(t, pool, to, Config{})
		late := begin(t, pool)
		dispatch(t, late, "late")
		commit(t, pool, "early")
		waitEmpty(t, pool)
		to.wantIDs(t, "early")
		must(t, late.Commit(t.Context()))
		waitEmpty(t, pool)
		to.wantIDs(t, "early", "late")
	})

	t.Run("KeepsABatchSmall", func(t *testing.T) {
		t.Parallel()
		pool, to := setup(t), newAPI()
		tx := begin(t, pool)
		for i := range 11 {
			_, err := Dispatch(t.Context(), tx, "post.created", map[string]string{"a": strings.Repeat("a", 1<<20-300)}, client.WithID(fmt.Sprint(i)))
			must(t, err)
		}
		must(t, tx.Commit(t.Context()))
		run(t, pool, to, Config{})
		waitEmpty(t, pool)
		for _, batch := range to.batches {
			if len(batch) > maxBatchBytes>>20+1 {
				t.Errorf("%d events of 1 MiB went at once", len(batch))
			}
		}
		to.wantIDs(t, "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10")
	})

	t.Run("IsWokenByACommit", func(t *testing.T) {
		t.Parallel()
		pool, to := setup(t), newAPI()
		run(t, pool, to, Config{Poll: time.Hour, Lease: time.Minute})
		waitListening(t, pool)
		for i := range 3 { // whether or not it is at rest yet
			commit(t, pool, fmt.Sprint(i))
			<-to.arrived
			waitEmpty(t, pool)
		}
	})

	t.Run("PollsWithoutNotifications", func(t *testing.T) {
		t.Parallel()
		pool, to := setup(t), newAPI()
		r := NewRelay(pool, to, Config{PollOnly: true})
		leads, err := r.claim(t.Context())
		if !leads || err != nil {
			t.Fatalf("%v, %v", leads, err)
		}
		var told int
		tx := begin(t, pool)
		_, sql, args, err := Statement("post.created", payload{})
		must(t, err)
		must(t, tx.QueryRow(t.Context(), sql, args...).Scan(&told))
		must(t, tx.Commit(t.Context()))
		if told != 0 {
			t.Errorf("%d notifications are made", told)
		}
		r.release(t.Context())
		run(t, pool, to, Config{PollOnly: true})
		waitEmpty(t, pool)
	})

	// As through PgBouncer in transaction mode, where each statement may meet another session.
	for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol} {
		t.Run("WorksWithoutPreparedStatements/"+mode.String(), func(t *testing.T) {
			t.Parallel()
			cfg, err := pgxpool.ParseConfig(pgtest.Empty(t))
			must(t, err)
			cfg.ConnConfig.DefaultQueryExecMode = mode
			pool, err := pgxpool.NewWithConfig(t.Context(), cfg)
			must(t, err)
			t.Cleanup(pool.Close)
			must(t, Migrate(t.Context(), pool))
			to := newAPI()
			to.answers(func([]client.NewEvent) error { return refusal() })
			tx := begin(t, pool)
			dispatch(t, tx, "a", client.WithOrderingKey("it's"))
			must(t, tx.Commit(t.Context()))
			run(t, pool, to, Config{PollOnly: true})
			stack.Eventually(t, "it is set aside", func() bool {
				failed, err := Failed(t.Context(), pool, 1)
				must(t, err)
				return len(failed) == 1
			})
			to.answers(nil)
			n, err := Retry(t.Context(), pool, "a")
			if n != 1 || err != nil {
				t.Errorf("%d are retried: %v", n, err)
			}
			waitEmpty(t, pool)
			to.wantIDs(t, "a")
			commit(t, pool, "b")
			waitEmpty(t, pool)
			_, err = Discard(t.Context(), pool, "a")
			must(t, err)
		})
	}

	t.Run("ComesBackWithPostgres", func(t *testing.T) {
		t.Parallel()
		server := pgtest.NewServer(t)
		pool, to := open(t, server.DSN()), newAPI()
		must(t, Migrate(t.Context(), pool))
		run(t, pool, to, Config{Lease: time.Second})
		commit(t, pool, "before")
		waitEmpty(t, pool)
		must(t, server.Kill(t.Context()))
		must(t, server.Start(t.Context()))
		stack.Eventually(t, "Postgres takes events again", func() bool {
			tx, err := pool.Begin(t.Context())
			if err != nil {
				return false
			}
			_, err = Dispatch(t.Context(), tx, "post.created", payload{}, client.WithID("after"))
			return errors.Join(err, tx.Commit(t.Context())) == nil
		})
		waitEmpty(t, pool)
		to.wantIDs(t, "before", "after")
	})

	t.Run("WaitsForItsTable", func(t *testing.T) {
		t.Parallel()
		pool, to := open(t, pgtest.Empty(t)), newAPI()
		said := newLog()
		run(t, pool, to, Config{Logger: said.logger()})
		stack.Eventually(t, "it says what to do", func() bool { return strings.Contains(said.String(), "call outbox.Migrate") })
		must(t, Migrate(t.Context(), pool))
		commit(t, pool, "a")
		waitEmpty(t, pool)
		to.wantIDs(t, "a")
	})
}

// waitListening waits until a relay has the lease and its connection listens.
func waitListening(t *testing.T, pool DB) {
	t.Helper()
	stack.Eventually(t, "a relay listens", func() bool {
		rows, err := pool.Query(t.Context(), `SELECT 1 FROM postrider_outbox_relay WHERE listening AND EXISTS (
			SELECT FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN %')`)
		must(t, err)
		defer rows.Close()
		return rows.Next()
	})
}
