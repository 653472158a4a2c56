package e2e

import (
	"fmt"
	"hash/fnv"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postrider/postrider/signature"
	"github.com/postrider/postrider/test/e2e/stack"
)

// sequences is what a receiver knows of the order of events, whose ids are a key and
// a number that counts from 1.
type sequences struct {
	mu      sync.Mutex
	last    map[string]int // the last one of a path and key that was answered with 2xx
	wrong   []string
	repeats int
}

// take answers an event: one in eight first attempts with 500. An event must come
// after the success of the one before it; it may come again until the next one has.
func (q *sequences) take(w http.ResponseWriter, req *http.Request) {
	id := req.Header.Get(signature.HeaderID)
	key, number, _ := strings.Cut(id, "_")
	n, err := strconv.Atoi(number)
	if err != nil {
		w.WriteHeader(http.StatusNoContent) // it has no key
		return
	}
	line := req.URL.Path + " " + key
	q.mu.Lock()
	defer q.mu.Unlock()
	switch last := q.last[line]; {
	case n == last:
		q.repeats++
	case n != last+1:
		q.wrong = append(q.wrong, fmt.Sprintf("%s: %d after %d", line, n, last))
	}
	if h := fnv.New32a(); req.Header.Get(signature.HeaderAttempt) == "1" {
		_, _ = h.Write([]byte(line + number))
		if h.Sum32()%8 == 0 {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
	}
	q.last[line] = max(q.last[line], n)
	w.WriteHeader(http.StatusNoContent)
}

// arrived is how many events have been answered with 2xx.
func (q *sequences) arrived() (n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, last := range q.last {
		n += last
	}
	return n
}

// orderly publishes so many events of each of its keys, in batches that mix them,
// each batch at another API. What was not accepted is published again under the
// same ids.
func orderly(t *testing.T, c stack.Client, api func(n int) *stack.Process, keys []string, each int) {
	for from := 1; from <= each; from += 4 {
		var events []map[string]any
		for n := from; n < from+4 && n <= each; n++ {
			for _, key := range keys {
				events = append(events, map[string]any{
					"id": fmt.Sprintf("%s_%d", key, n), "type": "a.b", "data": map[string]any{}, "ordering_key": key,
				})
			}
		}
		for try := from; ; try++ {
			a, err := c.At(api(try)).Try(t.Context(), http.MethodPost, "/v1/events/batch", map[string]any{"events": events})
			if err == nil && a.Status == http.StatusAccepted {
				break
			}
			if t.Context().Err() != nil || err == nil && a.Status != http.StatusServiceUnavailable {
				t.Errorf("publish: %v: %v", a, err)
				return
			}
			<-time.After(50 * time.Millisecond)
		}
	}
}

func TestOrdering(t *testing.T) {
	t.Parallel()

	t.Run("HoldsForEachKeyThroughFailuresAndKills", func(t *testing.T) {
		t.Parallel()
		const publishers, keysOfEach, each = 10, 5, 60
		s := setup(t, "scheduler")
		apis := []*atomic.Pointer[stack.Process]{{}, {}}
		apis[0].Store(s.api)
		apis[1].Store(s.API(t))
		workers := []*stack.Process{s.Worker(t), s.Worker(t)}
		q := &sequences{last: make(map[string]int)}
		retries := make([]int, 20)
		for i := range retries {
			retries[i] = 1
		}
		for _, path := range []string{"/one", "/two"} {
			s.r.Script(path, stack.Times(100_000, q.take)...)
			s.c.Endpoint(t, s.r, path, stack.Settings{"retry_schedule": retries})
		}
		var all sync.WaitGroup
		for p := range publishers {
			var keys []string
			for k := range keysOfEach {
				keys = append(keys, fmt.Sprintf("key-%d-%d", p, k))
			}
			all.Go(func() { orderly(t, s.c, func(n int) *stack.Process { return apis[n%2].Load() }, keys, each) })
		}
		const total = 2 * publishers * keysOfEach * each
		reached := func(n int) {
			t.Helper()
			stack.Eventually(t, fmt.Sprintf("%d of %d events have arrived", n, total), func() bool { return q.arrived() >= n })
		}
		reached(total / 20)
		workers[0].Kill(t)
		apis[1].Load().Kill(t)
		apis[1].Store(s.API(t))
		workers[0] = s.Worker(t)
		reached(total / 3)
		workers[1].Kill(t)
		workers[1] = s.Worker(t)
		reached(total / 2)
		if err := s.Redis.FlushAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		all.Wait()
		reached(total)
		stack.Eventually(t, "nothing is pending", func() bool { return len(s.c.At(apis[0].Load()).WithStatus(t, "pending")) == 0 })
		q.mu.Lock()
		defer q.mu.Unlock()
		if len(q.wrong) > 0 {
			t.Errorf("%d requests were out of order: %v", len(q.wrong), q.wrong[:min(len(q.wrong), 10)])
		}
		t.Logf("%d events of %d keys at two endpoints, %d arrived again after their success", total/2, publishers*keysOfEach, q.repeats)
		if lost := ask[int](t, setting(s.Stack, "POSTRIDER_POSTGRES_URL"), "SELECT count(*)::int FROM ordering_queue"); lost[0] != 0 {
			t.Errorf("%d are in line still", lost[0])
		}
	})

	t.Run("HoldsUpOneKeyAndNothingElse", func(t *testing.T) {
		t.Parallel()
		s := setup(t, "scheduler", "worker")
		gate := stack.NewGate(t)
		s.r.Script("/", stack.Times(1000, func(w http.ResponseWriter, req *http.Request) {
			if strings.HasPrefix(req.Header.Get(signature.HeaderID), "stuck_") {
				stack.Hang(gate)(w, req)
				return
			}
			w.WriteHeader(http.StatusNoContent)
		})...)
		s.c.Endpoint(t, s.r, "/", stack.Settings{"timeout": 60})
		api := func(int) *stack.Process { return s.api }
		orderly(t, s.c, api, []string{"stuck"}, 20)
		stack.Eventually(t, "the first one hangs", func() bool { return gate.Waiting() == 1 })
		orderly(t, s.c, api, []string{"free", "free2"}, 20)
		free := s.c.PublishBatch(t, "a.b", 50)
		for n := range 20 {
			free = append(free, fmt.Sprintf("free_%d", n+1), fmt.Sprintf("free2_%d", n+1))
		}
		s.r.WaitFor(t, "/", free...)
		if n := s.r.Count("stuck_2", "/"); n != 0 || gate.Waiting() != 1 {
			t.Errorf("the second one came %d times while the first one hangs", n)
		}
		for _, d := range s.c.Deliveries(t, "stuck_2") {
			var shown struct {
				HeldReason  string `json:"held_reason"`
				OrderingKey string `json:"ordering_key"`
				Attempts    int
			}
			s.c.Call(t, http.MethodGet, "/v1/deliveries/"+d.ID, nil, http.StatusOK, &shown)
			if shown.HeldReason != "ordering" || shown.OrderingKey != "stuck" || shown.Attempts != 0 {
				t.Errorf("it shows %+v", shown)
			}
		}
		gate.Open()
		s.c.WaitSettled(t)
		for n := range 20 {
			if id := fmt.Sprintf("stuck_%d", n+1); s.r.Count(id, "/") != 1 {
				t.Errorf("%s arrived %d times", id, s.r.Count(id, "/"))
			}
		}
	})
}
