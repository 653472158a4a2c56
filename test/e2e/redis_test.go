package e2e

import (
	"net/http"
	"slices"
	"syscall"
	"testing"

	"github.com/postrider/postrider/test/e2e/stack"
)

// service is one process of each role.
type service struct {
	*stack.Stack
	api *stack.Process
	c   stack.Client
	r   *stack.Receiver
}

// setup starts an API, and the other roles that are named.
func setup(t *testing.T, others ...string) service {
	t.Helper()
	s := service{Stack: stack.New(t), r: stack.NewReceiver(t)}
	s.api = s.API(t)
	for _, role := range others {
		s.WaitReady(t, s.Launch(t, role))
	}
	s.c = s.Workspace(t, s.api)
	return s
}

// quickRetries are for tests that wait for them.
var quickRetries = stack.Settings{"retry_schedule": []int{1, 1, 1, 1, 1, 1}}

func TestRedis(t *testing.T) {
	t.Parallel()

	t.Run("FlushedWithTasksInItLosesNothing", func(t *testing.T) {
		t.Parallel()
		s := setup(t, "scheduler")
		worker := s.Worker(t)
		s.r.Script("/retried", stack.Times(200, stack.FirstAttempt(http.StatusInternalServerError))...)
		s.c.Endpoint(t, s.r, "/retried", stack.Settings{"events": []string{"retried"}, "retry_schedule": []int{10}})
		s.c.Endpoint(t, s.r, "/first", stack.Settings{"events": []string{"first"}})
		retried := s.c.PublishBatch(t, "retried", 20)
		s.r.WaitFor(t, "/retried", retried...)
		stack.Eventually(t, "every failure is recorded", func() bool { return s.attempted(t, retried) })
		worker.Terminate(t) // what waits is now in Redis and in nobody's memory
		first := s.c.PublishBatch(t, "first", 300)
		s.forget(t, len(first))
		s.Worker(t)
		s.r.WaitFor(t, "/first", first...)
		s.c.WaitSettled(t)
		s.r.WantOnce(t, "/first", first...)
		for _, id := range retried {
			if n := s.r.Count(id, "/retried"); n != 2 {
				t.Errorf("%s arrived %d times, want a failure and a success", id, n)
			}
		}
	})

	t.Run("FlushedUnderALivingWorkerGoesOnDelivering", func(t *testing.T) {
		t.Parallel()
		s := setup(t, "scheduler")
		worker := s.Worker(t)
		s.c.Endpoint(t, s.r, "/", nil)
		var all []string
		for range 2 {
			worker.Signal(t, syscall.SIGSTOP) // so that it can't be quicker than the flush
			lost := s.c.PublishBatch(t, "post.created", 200)
			s.forget(t, len(lost))
			worker.Signal(t, syscall.SIGCONT)
			kept := s.c.PublishBatch(t, "post.created", 50)
			all = append(append(all, lost...), kept...)
		}
		s.r.WaitFor(t, "/", all...)
		s.c.WaitSettled(t)
		s.wantAtMostTwice(t, "/", all)
	})

	t.Run("AwayAndBackEmptyStopsNoPublisherAndLosesNothing", func(t *testing.T) {
		t.Parallel()
		s := setup(t, "worker", "scheduler")
		s.c.Endpoint(t, s.r, "/", nil)
		before := s.c.PublishBatch(t, "post.created", 200)
		s.Redis.Stop()
		var during []string
		for range 30 {
			during = append(during, s.c.Publish(t, "post.created").ID)
		}
		if err := s.Redis.Start(); err != nil {
			t.Fatal(err)
		}
		after := s.c.PublishBatch(t, "post.created", 200)
		for _, ids := range [][]string{before, during, after} {
			s.r.WaitFor(t, "/", ids...)
		}
		s.c.WaitSettled(t)
		s.wantAtMostTwice(t, "/", slices.Concat(before, during, after))
	})
}

// forget waits until the tasks of so many deliveries are in Redis, which is after
// their publisher was answered, and flushes it.
func (s service) forget(t *testing.T, deliveries int) {
	t.Helper()
	const members = 50 // of a full task
	stack.Eventually(t, "the deliveries have tasks", func() bool { return s.Tasks(t) >= deliveries/members })
	if err := s.Redis.FlushAll(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// wantAtMostTwice allows what delivery at least once does: a request that is
// being made, or about to be, while Redis forgets its task may be made again.
// Not again and again.
func (s service) wantAtMostTwice(t *testing.T, path string, events []string) {
	t.Helper()
	twice := 0
	for _, id := range events {
		n := s.r.Count(id, path)
		if n == 2 {
			twice++
		}
		if n > 2 || n == 2 && twice == 1 {
			d := s.c.Deliveries(t, id)[0]
			t.Logf("%s arrived %d times: %+v with the attempts %+v", id, n, d, s.c.Attempts(t, d.ID))
		}
		if n > 2 {
			t.Errorf("%s arrived %d times", id, n)
		}
	}
	if twice > 0 {
		t.Logf("%d of %d events arrived twice", twice, len(events))
	}
}

// attempted reports whether every delivery of the events has an attempt.
func (s service) attempted(t *testing.T, events []string) bool {
	t.Helper()
	for _, id := range events {
		for _, d := range s.c.Deliveries(t, id) {
			if d.Attempts == 0 {
				return false
			}
		}
	}
	return true
}
