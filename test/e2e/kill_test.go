package e2e

import (
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/signature"
	"github.com/postrider/postrider/test/e2e/stack"
)

func TestKilled(t *testing.T) {
	t.Parallel()

	t.Run("APILosesNothingThatItAnswered", func(t *testing.T) {
		t.Parallel()
		s := setup(t, "worker", "scheduler")
		redis := stack.NewProxy(t, "tcp", s.Redis.Addr())
		doomed := s.API(t, "POSTRIDER_REDIS_URL=redis://"+redis.Addr()+"/0")
		s.c.Endpoint(t, s.r, "/", nil)
		c := s.c.At(doomed)
		acked := make(chan []string, 100_000)
		var publishers sync.WaitGroup
		for range 6 {
			publishers.Go(func() {
				for { // until the API is gone
					ids, err := c.TryBatch(t, "post.created", 5)
					if err != nil {
						return
					}
					acked <- ids
				}
			})
		}
		stack.Eventually(t, "the API is in the middle of it", func() bool { return len(acked) >= 50 })
		redis.Freeze() // what is answered from now on, Redis hears nothing of
		before := len(acked)
		stack.Eventually(t, "the API goes on accepting", func() bool { return len(acked) >= before+20 })
		doomed.Kill(t)
		publishers.Wait()
		close(acked)
		var events []string
		for ids := range acked {
			events = append(events, ids...)
		}
		s.r.WaitFor(t, "/", events...)
		s.c.WaitSettled(t)
		for _, id := range events {
			if n := s.r.Count(id, "/"); n != 1 {
				t.Errorf("%s arrived %d times", id, n)
			}
		}
	})

	t.Run("WorkerInMidRequestIsFollowedByAnother", func(t *testing.T) {
		t.Parallel()
		s := setup(t, "scheduler")
		first := s.Worker(t)
		gate := stack.NewGate(t)
		for i := range slowPaths {
			s.r.Script(pathOf(i), stack.Times(10, func(w http.ResponseWriter, req *http.Request) {
				if req.Header.Get(signature.HeaderAttempt) == "1" {
					w.WriteHeader(http.StatusInternalServerError)
					return
				}
				stack.Hang(gate)(w, req)
			})...)
			s.c.Endpoint(t, s.r, pathOf(i), stack.Settings{"events": []string{"slow"}, "timeout": 60, "retry_schedule": []int{1, 1, 1}})
		}
		s.c.Endpoint(t, s.r, "/quick", stack.Settings{"events": []string{"quick"}})
		slow := s.c.Publish(t, "slow").ID
		stack.Eventually(t, "the second attempts are being made", func() bool { return gate.Waiting() == slowPaths })
		quick := s.c.PublishBatch(t, "quick", 100)
		s.r.WaitFor(t, "/quick", quick...)
		first.Kill(t)
		gate.Open()
		s.Worker(t)
		more := s.c.PublishBatch(t, "quick", 100)
		s.r.WaitFor(t, "/quick", more...)
		s.c.WaitSettled(t)
		s.wantSecondTry(t, slow)
	})

	t.Run("OneOfTwoWorkersInMidRequestIsReplacedByTheOther", func(t *testing.T) {
		t.Parallel()
		for name, long := range map[string]bool{"ThatHasJustBegun": false, "ThatLastsLong": true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := setup(t, "scheduler")
				workers := []*stack.Process{s.Worker(t), s.Worker(t)}
				gate := stack.NewGate(t)
				s.r.Script("/", stack.Hang(gate))
				s.c.Endpoint(t, s.r, "/", stack.Settings{"timeout": 60})
				event := s.c.Publish(t, "post.created").ID
				stack.Eventually(t, "the request is being made", func() bool { return gate.Waiting() == 1 })
				if long {
					// Its task is done then, and the worker has it in its own name.
					stack.Eventually(t, "the request goes on without its task", func() bool { return s.Tasks(t) == 0 })
				}
				doomed := s.busy(t, workers)
				doomed.Kill(t)
				killed := time.Now()
				stack.Eventually(t, "the other one makes the request", func() bool { return s.r.Count(event, "/") == 2 })
				t.Logf("the request came again %s after its worker was killed", time.Since(killed).Round(10*time.Millisecond))
				s.c.WaitSettled(t)
				for _, d := range s.c.Deliveries(t, event) {
					if d.Status != "success" || d.Attempts != 1 || s.r.Count(event, "/") != 2 {
						t.Errorf("%+v after %d requests", d, s.r.Count(event, "/"))
					}
				}
			})
		}
	})

	t.Run("LeadingSchedulerIsFollowedByTheOther", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		s.c.Endpoint(t, s.r, "/", nil)
		schedulers := []*stack.Process{s.Scheduler(t), s.Scheduler(t)}
		leads := func(p *stack.Process) bool { return s.Metric(t, p, "postrider_recovery_leader") == 1 }
		var leader, other *stack.Process
		stack.Eventually(t, "one of two leads", func() bool {
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
		leader.Kill(t)
		events := s.c.PublishBatch(t, "post.created", 100)
		s.forget(t, len(events))
		s.Worker(t) // finds nothing to do until a scheduler has put it back
		stack.Eventually(t, "the other leads", func() bool { return leads(other) })
		s.r.WaitFor(t, "/", events...)
		s.c.WaitSettled(t)
		s.r.WantOnce(t, "/", events...)
	})
}

// busy is the one of the workers that makes a request.
func (s service) busy(t *testing.T, workers []*stack.Process) (busy *stack.Process) {
	t.Helper()
	stack.Eventually(t, "one of the workers makes a request", func() bool {
		i := slices.IndexFunc(workers, func(p *stack.Process) bool { return s.Metric(t, p, "postrider_deliver_in_flight") == 1 })
		if i >= 0 {
			busy = workers[i]
		}
		return i >= 0
	})
	return busy
}

// slowPaths is how many endpoints fail at first and then hang.
const slowPaths = 4

// wantSecondTry checks an event whose second attempts a killed worker had begun:
// as nobody knows of those requests, they were made again under the same number.
func (s service) wantSecondTry(t *testing.T, event string) {
	t.Helper()
	for i := range slowPaths {
		var sent []int
		for _, a := range s.r.Arrivals(pathOf(i)) {
			sent = append(sent, a.Attempt)
		}
		if want := []int{1, 2, 2}; !slices.Equal(sent, want) {
			t.Errorf("%s got the attempts %v, want %v", pathOf(i), sent, want)
		}
	}
	for _, d := range s.c.Deliveries(t, event) {
		attempts := s.c.Attempts(t, d.ID)
		slices.Reverse(attempts)
		want := []stack.Attempt{
			{Number: 1, StatusCode: http.StatusInternalServerError, ErrorClass: "status"},
			{Number: 2, StatusCode: http.StatusNoContent},
		}
		if d.Status != "success" || !slices.Equal(attempts, want) {
			t.Errorf("%+v has the attempts %+v, want %+v", d, attempts, want)
		}
	}
}
