package e2e

import (
	"net/http"
	"syscall"
	"testing"

	"github.com/postrider/postrider/test/e2e/stack"
)

func TestSIGTERM(t *testing.T) {
	t.Parallel()

	t.Run("WorkerFinishesItsRequestsFirst", func(t *testing.T) {
		t.Parallel()
		s := setup(t, "scheduler")
		worker := s.Worker(t)
		gate := stack.NewGate(t)
		s.r.Script("/", stack.Times(5, stack.Hang(gate))...)
		s.c.Endpoint(t, s.r, "/", stack.Settings{"timeout": 60})
		events := s.c.PublishBatch(t, "post.created", 5)
		stack.Eventually(t, "the requests are being made", func() bool { return gate.Waiting() == 5 })
		worker.Signal(t, syscall.SIGTERM)
		s.waitDraining(t, worker)
		s.Worker(t) // must not take what is being done
		gate.Open()
		if code := worker.ExitCode(t); code != 0 {
			t.Errorf("exit code %d", code)
		}
		s.c.WaitSettled(t)
		s.r.WantOnce(t, "/", events...)
		for _, d := range s.c.WithStatus(t, "success") {
			if d.Attempts != 1 {
				t.Errorf("got %+v, want one attempt", d)
			}
		}
	})

	t.Run("WorkerLeavesToOthersWhatItHasNotStarted", func(t *testing.T) {
		t.Parallel()
		s := setup(t, "scheduler")
		worker := s.Worker(t, "POSTRIDER_WORKER_CONCURRENCY=2")
		gate := stack.NewGate(t)
		s.r.Script("/", stack.Times(2, stack.Hang(gate))...)
		s.c.Endpoint(t, s.r, "/", stack.Settings{"timeout": 60})
		events := s.c.PublishBatch(t, "post.created", 100)
		stack.Eventually(t, "a request is being made", func() bool { return gate.Waiting() > 0 })
		worker.Signal(t, syscall.SIGTERM)
		s.waitDraining(t, worker)
		s.Worker(t)
		// The first one still lives, so nobody has taken anything away from it.
		s.r.WaitFor(t, "/", events...)
		if worker.Ended() {
			t.Error("the worker has not waited for its requests")
		}
		gate.Open()
		if code := worker.ExitCode(t); code != 0 {
			t.Errorf("exit code %d", code)
		}
		s.c.WaitSettled(t)
		s.r.WantOnce(t, "/", events...)
	})

	t.Run("APIAnswersWhatItHasBegunAndStillServesWhileItIsDraining", func(t *testing.T) {
		t.Parallel()
		s := setup(t, "worker", "scheduler")
		s.c.Endpoint(t, s.r, "/", nil)
		s.api.Signal(t, syscall.SIGTERM)
		s.waitDraining(t, s.api)
		while := s.c.Publish(t, "post.created").ID
		finish := s.c.Begin(t, "/v1/events", `{"type":"post.created","data":{"half":`)
		stack.Eventually(t, "the API takes no connections any more", func() bool { return s.Alive(t, s.api.URL) == 0 })
		if s.api.Ended() {
			t.Error("the API has not waited for the request that it had begun to read")
		}
		if a := finish(`"done"}}`); a.Status != http.StatusAccepted {
			t.Errorf("the request that had begun got %s", a)
		}
		if code := s.api.ExitCode(t); code != 0 {
			t.Errorf("exit code %d", code)
		}
		s.r.WaitFor(t, "/", while)
		stack.Eventually(t, "both events arrive", func() bool { return s.r.Pairs() == 2 })
	})

	t.Run("SchedulerLetsAnotherLead", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		first := s.Scheduler(t)
		leads := func(p *stack.Process) bool { return s.Metric(t, p, "postrider_recovery_leader") == 1 }
		stack.Eventually(t, "the first leads", func() bool { return leads(first) })
		second := s.Scheduler(t)
		first.Terminate(t)
		stack.Eventually(t, "the second leads", func() bool { return leads(second) })
	})
}

// waitDraining waits until a process says so itself; it must not have ended.
func (s service) waitDraining(t *testing.T, p *stack.Process) {
	t.Helper()
	stack.Eventually(t, "the "+p.Name+" is draining", func() bool {
		if p.Ended() {
			t.Fatalf("the %s ended", p.Name)
		}
		r := s.Readiness(t, p)
		return r.Code == http.StatusServiceUnavailable && r.Draining
	})
}
