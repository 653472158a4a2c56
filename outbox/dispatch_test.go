package outbox

import (
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/postrider/postrider/client"
	"github.com/postrider/postrider/internal/pgtest"
	"github.com/postrider/postrider/test/e2e/stack"
)

func TestDispatch(t *testing.T) {
	t.Parallel()

	t.Run("CommitsOrGoesWithItsTransaction", func(t *testing.T) {
		t.Parallel()
		pool := setup(t)
		gone := begin(t, pool)
		dispatch(t, gone, "rolled-back")
		must(t, gone.Rollback(t.Context()))
		tx := begin(t, pool)
		dispatch(t, tx, "a")
		inner, err := tx.Begin(t.Context())
		must(t, err)
		dispatch(t, inner, "in-a-savepoint")
		must(t, inner.Rollback(t.Context()))
		dispatch(t, tx, "b")
		if ids := waitingIDs(t, pool); len(ids) != 0 {
			t.Errorf("%v are there before the commit", ids)
		}
		must(t, tx.Commit(t.Context()))
		if ids := waitingIDs(t, pool); !slices.Equal(ids, []string{"a", "b"}) {
			t.Errorf("%v wait", ids)
		}
	})

	t.Run("RefusesWhatPostriderWould", func(t *testing.T) {
		t.Parallel()
		tx := begin(t, setup(t))
		for name, c := range map[string]struct {
			eventType string
			payload   any
			options   []client.DispatchOption
			want      string
		}{
			"type":      {"post created", payload{}, nil, "/type"},
			"no object": {"post.created", []int{1}, nil, "no JSON object"},
			"no JSON":   {"post.created", map[string]any{"f": func() {}}, nil, "unsupported type"},
			"size":      {"post.created", map[string]string{"a": strings.Repeat("a", 1<<20)}, nil, "larger than 1048576 bytes"},
			"id":        {"post.created", payload{}, []client.DispatchOption{client.WithID("a b")}, "/id"},
			"later key": {"post.created", payload{}, []client.DispatchOption{client.WithOrderingKey("k"), client.WithDeliverAt(time.Now())}, "/deliver_at"},
			"endpoint":  {"post.created", payload{}, []client.DispatchOption{client.WithEndpoints("nobody")}, "/endpoint_ids/0"},
			"wait":      {"post.created", payload{}, []client.DispatchOption{client.WithWait(time.Second)}, "WithWait"},
		} {
			if _, err := Dispatch(t.Context(), tx, c.eventType, c.payload, c.options...); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: got %v, want %q in it", name, err, c.want)
			}
		}
		_, err := Dispatch(t.Context(), tx, "", payload{})
		if client.CodeOf(err) != client.CodeInvalid {
			t.Errorf("got %v, want the code %s", err, client.CodeInvalid)
		}
		dispatch(t, tx, "the-transaction-goes-on")
	})

	t.Run("KeepsEveryOption", func(t *testing.T) {
		t.Parallel()
		pool, to := setup(t), newAPI()
		at := time.Date(2026, 5, 6, 7, 8, 9, 123456000, time.UTC)
		endpoint := "ep_01kqxg5wdgf0m8c4yb2h3t9v6z"
		raw := json.RawMessage(`{"z":"<&>","a":12345678901234567890.10,"n":{"y":null,"b":"é\u0041"}}`)
		tx := begin(t, pool)
		_, err := Dispatch(t.Context(), tx, "post.created", raw, client.WithID("own"), client.WithOrderingKey("k"), client.WithCreatedAt(at), client.WithEndpoints(endpoint))
		must(t, err)
		before := time.Now().Add(-time.Millisecond)
		generated, err := Dispatch(t.Context(), tx, "post.deleted", payload{7}, client.WithDeliverAt(at))
		must(t, err)
		must(t, tx.Commit(t.Context()))
		run(t, pool, to, Config{})
		waitEmpty(t, pool)
		to.wantIDs(t, "own", generated)
		first, second := to.accepted[0], to.accepted[1]
		if first.Type != "post.created" || first.OrderingKey != "k" || !first.CreatedAt.Equal(at) || !slices.Equal(first.EndpointIDs, []string{endpoint}) || data(t, first) != string(raw) {
			t.Errorf("got %+v with %s", first, data(t, first))
		}
		if second.Type != "post.deleted" || !second.DeliverAt.Equal(at) || second.CreatedAt.Before(before) || data(t, second) != `{"n":7}` {
			t.Errorf("got %+v with %s", second, data(t, second))
		}
	})

	t.Run("TakesNoPool", func(t *testing.T) {
		t.Parallel()
		for _, autocommit := range []any{setup(t), &pgx.Conn{}, &sql.DB{}} {
			if _, ok := autocommit.(Tx); ok {
				t.Errorf("a %T is taken for a transaction", autocommit)
			}
		}
	})

	t.Run("SaysWhatToDoWithoutItsTable", func(t *testing.T) {
		t.Parallel()
		tx := begin(t, open(t, pgtest.Empty(t)))
		if _, err := Dispatch(t.Context(), tx, "post.created", payload{}); err == nil || !strings.Contains(err.Error(), "call outbox.Migrate") {
			t.Errorf("got %v", err)
		}
	})

	t.Run("NeedsToInsertAndToReadWhoSends", func(t *testing.T) {
		t.Parallel()
		pool := setup(t)
		tx := begin(t, pool)
		role := pgx.Identifier{"producer_" + strings.ToLower(rand.Text())}.Sanitize()
		_, err := tx.Exec(t.Context(), "CREATE ROLE "+role+"; GRANT INSERT ON postrider_outbox TO "+role+"; GRANT SELECT ON postrider_outbox_relay TO "+role+"; SET LOCAL ROLE "+role)
		must(t, err)
		dispatch(t, tx, "a", client.WithOrderingKey("k")) // the role goes with the transaction
	})

	t.Run("GoesThroughDatabaseSQL", func(t *testing.T) {
		t.Parallel()
		pool := setup(t)
		db := stdlib.OpenDBFromPool(pool)
		defer db.Close()
		tx, err := db.BeginTx(t.Context(), nil)
		must(t, err)
		id, statement, args, err := Statement("post.created", payload{1}, client.WithOrderingKey("k"))
		must(t, err)
		_, err = tx.ExecContext(t.Context(), statement, args...)
		must(t, err)
		must(t, tx.Commit())
		if ids := waitingIDs(t, pool); !slices.Equal(ids, []string{id}) {
			t.Errorf("%v wait, want %s", ids, id)
		}
	})
}

// TestOrderingKey: transactions with events of one key take turns.
func TestOrderingKey(t *testing.T) {
	t.Parallel()

	t.Run("WaitsForTheTransactionBefore", func(t *testing.T) {
		t.Parallel()
		pool := setup(t)
		first, second, other := begin(t, pool), begin(t, pool), begin(t, pool)
		dispatch(t, first, "first", client.WithOrderingKey("k"))
		done := make(chan error, 1)
		go func() {
			_, err := Dispatch(t.Context(), second, "post.created", payload{}, client.WithID("second"), client.WithOrderingKey("k"))
			done <- errors.Join(err, second.Commit(t.Context()))
		}()
		stack.Eventually(t, "the second one waits for the key", func() bool {
			var waits bool
			must(t, pool.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database
				WHERE d.datname = current_database() AND locktype = 'advisory' AND NOT granted)`).Scan(&waits))
			return waits
		})
		dispatch(t, other, "another-key", client.WithOrderingKey("l"))
		dispatch(t, other, "no-key")
		must(t, other.Commit(t.Context()))
		if ids := waitingIDs(t, pool); !slices.Equal(ids, []string{"another-key", "no-key"}) {
			t.Errorf("%v wait", ids)
		}
		dispatch(t, first, "first-again", client.WithOrderingKey("k"))
		must(t, first.Commit(t.Context()))
		must(t, <-done)
		ids := waitingIDs(t, pool)
		if slices.Index(ids, "second") < slices.Index(ids, "first-again") {
			t.Errorf("%v wait: the second one of the key passed the first", ids)
		}
	})

	t.Run("OfAnotherTableIsAnother", func(t *testing.T) {
		t.Parallel()
		pool := setup(t)
		other := Table("other_outbox")
		must(t, other.Migrate(t.Context(), pool))
		dispatch(t, begin(t, pool), "a", client.WithOrderingKey("k")) // not committed
		_, err := other.Dispatch(t.Context(), begin(t, pool), "post.created", payload{}, client.WithOrderingKey("k"))
		must(t, err)
	})
}
