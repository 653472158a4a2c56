package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/postrider/postrider/internal/pgtest"
	"github.com/postrider/postrider/test/e2e/stack"
)

// Everything goes through a PgBouncer in transaction mode that has a few sessions for
// all processes and is configured to nothing but its addresses. There is no other way
// to Postgres: not for migrations of a new database either.
func TestThroughPgBouncer(t *testing.T) {
	t.Parallel()
	direct := pgtest.Empty(t)
	pooler := pgtest.NewPooler(t, direct, map[string]string{"default_pool_size": "4"})
	s := service{Stack: stack.On(t, pooler.Through(direct)), r: stack.NewReceiver(t)}
	s.postrider(t, "migrate", "up").want(0, "applied")
	s.api = s.API(t)
	apis := []*stack.Process{s.api, s.API(t)}
	worker := s.Worker(t)
	schedulers := []*stack.Process{s.Scheduler(t), s.Scheduler(t)}
	all := slices.Concat(apis, schedulers, []*stack.Process{worker})
	s.c = s.Workspace(t, s.api)
	s.c.Endpoint(t, s.r, "/", nil)
	s.r.Script("/retried", stack.Times(5, stack.Status(http.StatusInternalServerError))...)
	s.c.Endpoint(t, s.r, "/retried", stack.Settings{"events": []string{"retried"}, "retry_schedule": []int{1, 1, 1, 1, 1, 1}})

	leads := func(p *stack.Process) bool { return s.Metric(t, p, "postrider_recovery_leader") == 1 }
	var leader, other *stack.Process
	stack.Eventually(t, "one of two schedulers leads", func() bool {
		i := slices.IndexFunc(schedulers, leads)
		if i < 0 {
			return false
		}
		leader, other = schedulers[i], schedulers[1-i]
		return true
	})
	if leads(other) {
		t.Error("both lead")
	}

	// Many at once: batches, single ones under keys, and those who read meanwhile.
	var mu sync.Mutex
	var events []string
	add := func(ids ...string) {
		mu.Lock()
		defer mu.Unlock()
		events = append(events, ids...)
	}
	var publishers sync.WaitGroup
	for i := range 12 {
		c := s.c.At(apis[i%2])
		publishers.Go(func() {
			for n := range 15 {
				ids, err := c.TryBatch(t, "post.created", 3)
				if err != nil {
					t.Error(err)
				}
				add(ids...)
				once := c.Once(fmt.Sprintf("%d-%d", i, n))
				var first, second stack.Event
				once.Call(t, http.MethodPost, "/v1/events", anEvent, http.StatusAccepted, &first)
				once.Call(t, http.MethodPost, "/v1/events", anEvent, http.StatusAccepted, &second)
				if first.ID != second.ID {
					t.Errorf("one key made %s and %s", first.ID, second.ID)
				}
				add(first.ID)
				for _, path := range []string{"/v1/deliveries?status=failed", "/v1/events?limit=5", "/v1/stats?window=1h", "/v1/events/" + first.ID} {
					c.Call(t, http.MethodGet, path, nil, http.StatusOK, nil)
				}
			}
		})
	}
	publishers.Wait()
	s.r.WaitFor(t, "/", events...)
	// Each was announced when it was accepted: none had to be found by polling.
	for _, p := range schedulers {
		if n := s.Metric(t, p, "postrider_recovery_fed_deliveries_total"); n != 0 {
			t.Errorf("the scheduler had to feed %v deliveries", n)
		}
	}
	retried := s.c.PublishBatch(t, "retried", 1)
	events = append(events, retried...)
	s.r.WaitFor(t, "/retried", retried...)

	leader.Kill(t)
	stack.Eventually(t, "the other scheduler leads", func() bool { return leads(other) })

	pooler.Stop()
	for _, p := range []*stack.Process{worker, other} {
		s.waitCheck(t, p, "postgres", "failed", http.StatusServiceUnavailable)
	}
	wantUnavailable(t, s.c.Do(t, http.MethodPost, "/v1/events", anEvent))
	if err := pooler.Start(); err != nil {
		t.Fatal(err)
	}
	for _, p := range slices.Concat(apis, []*stack.Process{worker, other}) {
		s.WaitReady(t, p)
	}
	after := s.c.PublishBatch(t, "post.created", 50)
	events = append(events, after...)
	s.r.WaitFor(t, "/", events...)
	s.c.WaitSettled(t)
	s.r.WantOnce(t, "/", events...)
	for _, p := range all {
		if said := p.Said(t); strings.Contains(said, "prepared statement") || strings.Contains(said, "startup parameter") {
			t.Errorf("%s says: %s", p.Name, said)
		}
	}

	// By now the database has days, so another release's migrations need the way past.
	s.postrider(t, "migrate", "up").want(0, "nothing to apply")
	s.postrider(t, "migrate", "down").want(1, "postgres.direct_url must lead to the server itself")
	past := service{Stack: s.Stack}
	past.Env = append(slices.Clone(s.Env), "POSTRIDER_POSTGRES_DIRECT_URL="+direct)
	past.postrider(t, "migrate", "down").want(0)
	past.postrider(t, "migrate", "up").want(0, "applied")
}
