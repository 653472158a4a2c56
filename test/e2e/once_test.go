package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/postrider/postrider/test/e2e/stack"
)

// once is a request under a key of its own, and its answer, if one came.
type once struct {
	key, path string
	in        map[string]any
	answer    *stack.Answer
}

// An API is killed in the midst of requests, and each is made again at another one:
// every key has taken effect once, and who got an answer gets the same.
func TestIdempotencyKeysOverAKilledAPI(t *testing.T) {
	t.Parallel()
	const callers, most = 8, 30
	s := setup(t)
	doomed := s.API(t)
	var mu sync.Mutex
	var all []*once
	answered := 0
	count := func() int {
		mu.Lock()
		defer mu.Unlock()
		return answered
	}
	var group sync.WaitGroup
	for i := range callers {
		group.Go(func() {
			for n := range most { // or until the API is gone
				o := &once{key: fmt.Sprintf("%d-%d", i, n), path: "/v1/events", in: map[string]any{"type": "a.b", "data": map[string]any{"n": n}}}
				if (i+n)%2 == 0 {
					o.path, o.in = "/v1/endpoints", map[string]any{"url": s.r.URL, "events": []string{"never"}}
				}
				mu.Lock()
				all = append(all, o)
				mu.Unlock()
				a, err := s.c.At(doomed).Once(o.key).Try(t.Context(), http.MethodPost, o.path, o.in)
				if err != nil {
					return
				}
				mu.Lock()
				o.answer = &a
				answered++
				mu.Unlock()
			}
		})
	}
	stack.Eventually(t, "the API is in the middle of it", func() bool { return count() >= 60 })
	doomed.Kill(t)
	group.Wait()

	made := map[string]int{}
	unanswered := 0
	for _, o := range all {
		var again stack.Answer
		stack.Eventually(t, "the key is free", func() bool {
			again = s.c.Once(o.key).Do(t, http.MethodPost, o.path, o.in)
			return again.Status != http.StatusConflict // a claim of the killed one
		})
		if again.Status/100 != 2 {
			t.Fatalf("%s: %s", o.key, again)
		}
		made[o.path]++
		switch {
		case o.answer == nil:
			unanswered++
		case !bytes.Equal(o.answer.Body, again.Body) || again.Header.Get("Idempotency-Replayed") != "true":
			t.Errorf("%s: first %s, then %s", o.key, o.answer, again)
		}
	}
	t.Logf("%d requests had no answer, of %d", unanswered, len(all))
	for path, want := range made {
		var page struct{ Data []struct{ ID string } }
		s.c.Call(t, http.MethodGet, path+"?limit=250", nil, http.StatusOK, &page)
		if len(page.Data) != want {
			t.Errorf("%s has %d, want %d", path, len(page.Data), want)
		}
	}
}
