package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/postrider/postrider/internal/pgtest"
	"github.com/postrider/postrider/test/e2e/stack"
)

// saidOf is how many lines of a process's log hold all of the texts.
func saidOf(t *testing.T, p *stack.Process, texts ...string) (n int) {
	t.Helper()
	for line := range strings.SplitSeq(p.Said(t), "\n") {
		if !slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(line, text) }) {
			n++
		}
	}
	return n
}

// setRedis changes a setting of the stack's Redis.
func (s service) setRedis(t *testing.T, name, value string) {
	t.Helper()
	if err := s.Redis.Set(t.Context(), name, value); err != nil {
		t.Fatal(err)
	}
}

func TestFullRedis(t *testing.T) {
	t.Parallel()
	url := pgtest.New(t)
	s := service{Stack: stack.On(t, url), r: stack.NewReceiver(t)}
	s.api = s.API(t)
	worker, scheduler := s.Worker(t), s.Scheduler(t)
	all := []*stack.Process{s.api, worker, scheduler}
	s.c = s.Workspace(t, s.api)
	s.c.Endpoint(t, s.r, "/", stack.Settings{"events": []string{"quick"}})
	s.c.Endpoint(t, s.r, "/retried", stack.Settings{"events": []string{"retried"}, "retry_schedule": []int{3}})
	s.c.Endpoint(t, s.r, "/running", stack.Settings{"events": []string{"running"}, "retry_schedule": []int{1}})

	// One delivery waits in Redis for its retry, and a request is being made that
	// will fail, when memory runs out.
	s.r.Script("/retried", stack.Status(http.StatusInternalServerError))
	retried := s.c.Publish(t, "retried").ID
	stack.Eventually(t, "its failure is recorded", func() bool { return s.attempted(t, []string{retried}) })
	gate := stack.NewGate(t)
	s.r.Script("/running", func(w http.ResponseWriter, req *http.Request) {
		stack.Hang(gate)(discard{w}, req)
		w.WriteHeader(http.StatusInternalServerError)
	})
	running := s.c.Publish(t, "running").ID
	stack.Eventually(t, "its request is being made", func() bool { return gate.Waiting() == 1 })
	s.setRedis(t, "maxmemory", "1")
	s.waitCheck(t, worker, "redis", "failed", http.StatusServiceUnavailable)
	s.waitCheck(t, s.api, "redis", "degraded", http.StatusOK)
	s.waitCheck(t, scheduler, "redis", "degraded", http.StatusOK)
	gate.Open()

	var accepted []string
	for range 3 {
		accepted = append(accepted, s.c.PublishBatch(t, "quick", 100)...)
	}
	accepted = append(accepted, s.c.Publish(t, "quick").ID)
	stack.Eventually(t, "no task has any of them", func() bool {
		return stack.Ask[int](t, url, "SELECT count(*) FROM deliveries WHERE event_type = 'quick' AND task IS NULL") == len(accepted)
	})
	stack.Eventually(t, "the failed request waits in Postgres", func() bool {
		return stack.Ask[bool](t, url, "SELECT task IS NULL AND attempts = 1 FROM deliveries WHERE event_type = 'running'")
	})
	for _, p := range all {
		stack.Eventually(t, p.Name+" says what is wrong and what to do", func() bool {
			return saidOf(t, p, "redis takes no tasks", "raise its maxmemory") == 1
		})
		if n := s.Metric(t, p, "postrider_queue_redis_takes_tasks"); n != 0 {
			t.Errorf("the %s's metric says %v", p.Name, n)
		}
	}
	for range 25 { // for a while, in which everybody tries again
		accepted = append(accepted, s.c.Publish(t, "quick").ID)
		<-time.After(200 * time.Millisecond)
	}
	if n := saidOf(t, s.api, "way to redis"); n > 1 {
		t.Errorf("the API found and lost its way to Redis: %d times in all", n)
	}
	for _, p := range all {
		// A few lines each of asynq's, the announcer's and the scheduler's services;
		// not one a delivery, and not one a try.
		if n := saidOf(t, p, "OOM"); n > 12 {
			t.Errorf("the %s says it %d times", p.Name, n)
		}
	}
	if n := s.r.Pairs(); n != 2 {
		t.Errorf("%d deliveries arrived", n)
	}

	s.setRedis(t, "maxmemory", "0")
	for _, p := range all {
		s.waitCheck(t, p, "redis", "ok", http.StatusOK)
		stack.Eventually(t, p.Name+" says that it is over", func() bool { return saidOf(t, p, "redis takes tasks again") == 1 })
	}
	after := s.c.PublishBatch(t, "quick", 20)
	s.r.WaitFor(t, "/", append(accepted, after...)...)
	s.c.WaitSettled(t)
	s.r.WantOnce(t, "/", append(accepted, after...)...)
	for path, event := range map[string]string{"/retried": retried, "/running": running} {
		if n := s.r.Count(event, path); n != 2 {
			t.Errorf("%s: %d requests, want a failure and a success", path, n)
		}
	}
}

func TestRedisThatEvicts(t *testing.T) {
	t.Parallel()
	s := service{Stack: stack.New(t)}
	s.setRedis(t, "maxmemory-policy", "allkeys-lru")
	all := []*stack.Process{s.API(t), s.Worker(t), s.Scheduler(t)}
	for _, p := range all {
		stack.Eventually(t, p.Name+" warns", func() bool {
			return saidOf(t, p, `"level":"WARN"`, "set its maxmemory-policy to noeviction", "allkeys-lru") == 1
		})
		s.waitCheck(t, p, "redis_eviction", "degraded", http.StatusOK)
		if n := s.Metric(t, p, "postrider_queue_redis_evicts"); n != 1 {
			t.Errorf("the %s's metric says %v", p.Name, n)
		}
	}
	s.setRedis(t, "maxmemory-policy", "noeviction")
	for _, p := range all {
		s.waitCheck(t, p, "redis_eviction", "ok", http.StatusOK)
	}
}

// A clock that is off: of all processes, to Redis, for that can be set here. What
// each of them does by its own is tested where it does it.
func TestClockThatIsOff(t *testing.T) {
	t.Parallel()
	for name, step := range map[string]time.Duration{"Ahead": 5 * time.Minute, "Back": -5 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			redis := miniredis.RunT(t)
			s := service{Stack: stack.New(t), r: stack.NewReceiver(t)}
			s.Env = append(s.Env, "POSTRIDER_REDIS_URL=redis://"+redis.Addr()+"/0")
			s.api = s.API(t)
			worker, scheduler := s.Worker(t), s.Scheduler(t)
			s.c = s.Workspace(t, s.api)
			s.c.Endpoint(t, s.r, "/", nil)
			before := s.c.PublishBatch(t, "post.created", 20)
			s.r.WaitFor(t, "/", before...)

			redis.SetTime(time.Now().Add(-step)) // to which the processes' clocks are off by step
			s.waitCheck(t, worker, "clock", "failed", http.StatusServiceUnavailable)
			stack.Eventually(t, "the worker says what is wrong", func() bool { return saidOf(t, worker, "the clocks differ", "set it right") == 1 })
			if skew := s.Metric(t, worker, "postrider_queue_clock_skew_seconds"); skew*step.Seconds() < 299*300 {
				t.Errorf("the metric says %v s", skew)
			}
			during := s.c.PublishBatch(t, "post.created", 20)
			<-time.After(3 * time.Second) // in which they would be delivered
			if n := s.r.Pairs(); n != len(before) {
				t.Errorf("%d deliveries were made while the clock was off", n-len(before))
			}

			redis.SetTime(time.Time{})
			s.WaitReady(t, worker)
			after := s.c.PublishBatch(t, "post.created", 20)
			all := slices.Concat(before, during, after)
			s.r.WaitFor(t, "/", all...)
			s.c.WaitSettled(t)
			s.r.WantOnce(t, "/", all...)
			if n := saidOf(t, scheduler, `"leading"`); n != 1 {
				t.Errorf("the scheduler began to lead %d times", n)
			}
		})
	}
}
