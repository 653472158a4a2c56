package outbox

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/postrider/postrider/client"
	"github.com/postrider/postrider/test/e2e/stack"
)

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
			bad := slices.ContainsFunc(batch, func(e client.NewEvent) bool { return e.ID == "bad" })
			// Once in the middle of the halves: what comes after must wait for these.
			if !bad && away > 0 {
				away--
				return &client.Error{Status: 503}
			}
			if bad {
				return &client.Error{Status: 413, Detail: "a proxy's"}
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
