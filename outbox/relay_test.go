package outbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

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

// TestAway: what is no refusal of an event is waited out, and nothing passes it.
func TestAway(t *testing.T) {
	t.Parallel()
	for name, away := range map[string]error{
		"Unavailable":     &client.Error{Status: 503, Code: client.CodeUnavailable},
		"Busy":            &client.Error{Status: 429, Code: client.CodeRateLimited, RetryAfter: time.Millisecond},
		"RevokedKey":      &client.Error{Status: 401, Code: client.CodeUnauthorized},
		"WrongURL":        &client.Error{Status: 404, Code: client.CodeNotFound},
		"AnotherServer":   &client.Error{Status: 422},
		"AnotherServer's": &client.Error{Status: 400},
		"Broken":          &client.Error{Status: 500, Code: client.CodeInternal},
		"NoConnection":    errors.New("connection refused"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool, to, said := setup(t), newAPI(), newLog()
			left := 3
			to.answers(func([]client.NewEvent) error {
				if left--; left >= 0 {
					return away
				}
				return nil
			})
			commit(t, pool, "a", "b")
			run(t, pool, to, Config{BatchSize: 1, Logger: said.logger()})
			waitEmpty(t, pool)
			to.wantIDs(t, "a", "b")
			want := [][]string{{"a"}, {"a"}, {"a"}, {"a"}, {"b"}}
			if !slices.EqualFunc(to.batches, want, slices.Equal[[]string]) {
				t.Errorf("the requests were %v, want %v", to.batches, want)
			}
			if n := strings.Count(said.String(), "nothing is sent until this is over"); n != 1 {
				t.Errorf("the outage is logged %d times", n)
			}
		})
	}
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

func TestRefused(t *testing.T) {
	t.Parallel()

	t.Run("IsSetAsideAndTheOthersGo", func(t *testing.T) {
		t.Parallel()
		pool, to := setup(t), newAPI()
		to.answers(func(batch []client.NewEvent) error {
			var bad []string
			for i, e := range batch {
				if strings.HasPrefix(e.ID, "bad") {
					bad = append(bad, fmt.Sprintf("/events/%d/data/n", i))
				}
			}
			if bad != nil {
				return refusal(bad...)
			}
			return nil
		})
		commit(t, pool, "a", "bad-1", "b", "bad-2", "c")
		run(t, pool, to, Config{})
		waitEmpty(t, pool)
		to.wantIDs(t, "a", "b", "c")
		failed, err := Failed(t.Context(), pool, 10)
		must(t, err)
		if len(failed) != 2 || failed[0].ID != "bad-1" || failed[1].ID != "bad-2" {
			t.Fatalf("set aside are %+v", failed)
		}
		f := failed[0]
		if f.Type != "post.created" || f.Code != client.CodeInvalid || !strings.Contains(f.Error, "/data/n is wrong") ||
			strings.Contains(f.Error, "/events/") || !strings.Contains(string(f.Event), `"data":{"n":1}`) || f.FailedAt.Before(f.DispatchedAt) {
			t.Errorf("got %+v", f)
		}

		to.answers(nil)
		n, err := Retry(t.Context(), pool, "bad-2", "a", "unknown")
		if n != 1 || err != nil {
			t.Errorf("%d are retried, want 1: %v", n, err)
		}
		waitEmpty(t, pool)
		to.wantIDs(t, "a", "b", "c", "bad-2")
		if n, err = Retry(t.Context(), pool, []string{}...); n != 0 || err != nil {
			t.Errorf("%d are retried by no ids: %v", n, err)
		}
		if n, err = Discard(t.Context(), pool, "bad-1"); n != 1 || err != nil {
			t.Errorf("%d are discarded, want 1: %v", n, err)
		}
		if b, err := Measure(t.Context(), pool); b != (Backlog{}) || err != nil {
			t.Errorf("there is %+v: %v", b, err)
		}
	})

	t.Run("IsFoundByHalvesWhereTheAnswerNamesNone", func(t *testing.T) {
		t.Parallel()
		pool, to := setup(t), newAPI()
		away := 1
		to.answers(func(batch []client.NewEvent) error {
			if slices.ContainsFunc(batch, func(e client.NewEvent) bool { return e.ID == "bad" }) {
				return &client.Error{Status: 413, Detail: "a proxy's"}
			}
			// Once after the first half was refused: what comes after must wait.
			if batch[0].ID == "c" && away > 0 {
				away--
				return &client.Error{Status: 503}
			}
			return nil
		})
		commit(t, pool, "a", "b", "bad", "c", "d", "e", "f")
		run(t, pool, to, Config{})
		waitEmpty(t, pool)
		to.wantIDs(t, "a", "b", "c", "d", "e", "f")
		if failed, err := Failed(t.Context(), pool, 10); err != nil || len(failed) != 1 || failed[0].ID != "bad" {
			t.Errorf("set aside are %+v: %v", failed, err)
		}
	})

	t.Run("AllAreRetriedWithoutIds", func(t *testing.T) {
		t.Parallel()
		pool, to := setup(t), newAPI()
		to.answers(func([]client.NewEvent) error { return refusal() })
		commit(t, pool, "a", "b", "c")
		run(t, pool, to, Config{})
		stack.Eventually(t, "all are set aside", func() bool {
			b, err := Measure(t.Context(), pool)
			must(t, err)
			return b.Failed == 3
		})
		to.answers(nil)
		if n, err := Retry(t.Context(), pool); n != 3 || err != nil {
			t.Errorf("%d are retried, want 3: %v", n, err)
		}
		waitEmpty(t, pool)
		if got := to.ids(); len(got) != 3 {
			t.Errorf("accepted %v", got)
		}
	})

	t.Run("IsWhatAnotherProgramWroteBadly", func(t *testing.T) {
		t.Parallel()
		pool, to := setup(t), newAPI()
		for id, event := range map[string]string{"half": `{"type":`, "data": `{"type":"a","data":[]}`, "none": `{"type":"a"}`, "null": `{"type":"a","data":null}`} {
			_, err := pool.Exec(t.Context(), "INSERT INTO postrider_outbox (id, type, event) VALUES ($1, 'a', $2)", id, event)
			must(t, err)
		}
		_, err := pool.Exec(t.Context(), `INSERT INTO postrider_outbox (id, type, event) VALUES ('good', 'a', '{"type":"a","data":{"b": 1}}')`)
		must(t, err)
		run(t, pool, to, Config{})
		waitEmpty(t, pool)
		to.wantIDs(t, "good")
		failed, err := Failed(t.Context(), pool, 10)
		if len(failed) != 4 || err != nil {
			t.Errorf("set aside are %+v: %v", failed, err)
		}
	})
}

// TestRelays: several relays on one table.
func TestRelays(t *testing.T) {
	t.Parallel()

	t.Run("OneWorksAndAnotherTakesOver", func(t *testing.T) {
		t.Parallel()
		pool, first, second := setup(t), newAPI(), newAPI()
		stop := run(t, pool, first, Config{})
		commit(t, pool, "a")
		waitEmpty(t, pool)
		run(t, pool, second, Config{})
		commit(t, pool, "b")
		waitEmpty(t, pool)
		second.wantIDs(t)
		stop()
		commit(t, pool, "c")
		waitEmpty(t, pool)
		first.wantIDs(t, "a", "b")
		second.wantIDs(t, "c")
	})

	t.Run("TheLeaseOfADeadOneRunsOut", func(t *testing.T) {
		t.Parallel()
		pool, to := setup(t), newAPI()
		dead := NewRelay(pool, to, Config{Lease: 500 * time.Millisecond})
		if leads, err := dead.claim(t.Context()); !leads || err != nil {
			t.Fatalf("%v, %v", leads, err)
		}
		other := NewRelay(pool, to, Config{Lease: time.Hour})
		if leads, err := other.claim(t.Context()); leads || err != nil {
			t.Fatalf("two lead: %v", err)
		}
		stack.Eventually(t, "another one leads", func() bool {
			leads, err := other.claim(t.Context())
			return leads && err == nil
		})
		if leads, err := dead.claim(t.Context()); leads || err != nil {
			t.Errorf("the first one still leads: %v", err)
		}
	})

	t.Run("KeepTheOrderEvenWhereAllOfThemWork", func(t *testing.T) {
		t.Parallel()
		pool, to := setup(t), newAPI()
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		var relays, producers sync.WaitGroup
		for range 3 {
			r := NewRelay(pool, to, Config{BatchSize: 7})
			relays.Go(func() { r.work(ctx) }) // as if each had the lease
		}
		for p := range 4 {
			producers.Go(func() {
				for i := range 40 {
					commit(t, pool, fmt.Sprintf("p%d-%02d-a", p, i), fmt.Sprintf("p%d-%02d-b", p, i))
				}
			})
		}
		producers.Wait()
		waitEmpty(t, pool)
		stop()
		relays.Wait()
		got := to.ids()
		if len(got) != 4*40*2 {
			t.Errorf("%d events are accepted", len(got))
		}
		for p := range 4 {
			own := slices.DeleteFunc(slices.Clone(got), func(id string) bool { return !strings.HasPrefix(id, fmt.Sprintf("p%d", p)) })
			if !slices.IsSorted(own) {
				t.Errorf("producer %d's events came as %v", p, own)
			}
		}
	})
}
