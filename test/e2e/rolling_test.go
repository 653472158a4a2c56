package e2e

import (
	"net/http"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/postrider/postrider/test/e2e/stack"
)

// stopLimit is how long a stop may take: what docs/operations.md asks orchestrators
// to allow for.
const stopLimit = 90 * time.Second

// TestRollingRestart has the machine to itself: it is not parallel. Every process
// of a fleet is replaced under load, and nobody notices.
func TestRollingRestart(t *testing.T) {
	s, r := stack.New(t), stack.NewReceiver(t)
	fleet := map[string][]*stack.Process{
		"api": {s.API(t), s.API(t)}, "worker": {s.Worker(t), s.Worker(t), s.Worker(t)}, "scheduler": {s.Scheduler(t), s.Scheduler(t)},
	}
	balancer := s.NewBalancer(t, fleet["api"]...)
	c := s.Workspace(t, fleet["api"][0])
	c.Endpoint(t, r, "/quick", stack.Settings{"events": []string{"quick", "slow", "flaky"}})
	c.Endpoint(t, r, "/slow", stack.Settings{"events": []string{"slow"}})
	c.Endpoint(t, r, "/flaky", stack.Settings{"events": []string{"flaky"}, "retry_schedule": []int{1, 1}})
	r.Script("/slow", stack.Times(10_000, stack.After(2*time.Second, http.StatusNoContent))...)
	r.Script("/flaky", stack.Times(10_000, stack.FirstAttempt(http.StatusInternalServerError))...)

	l := newLedger(t, balancer, c)
	l.publish(t, "quick", 15*time.Millisecond)
	l.publish(t, "slow", 250*time.Millisecond)
	l.publish(t, "flaky", 250*time.Millisecond)
	for _, role := range []string{"worker", "scheduler", "api"} {
		for _, old := range fleet[role] {
			l.goesOn(t, 100)
			began := time.Now()
			old.Signal(t, syscall.SIGTERM)
			replacement := s.Launch(t, role)
			if role == "api" {
				balancer.Add(replacement)
				c = c.At(replacement)
			}
			if code := old.ExitCode(t); code != 0 {
				t.Errorf("a stopped %s ended with exit code %d", role, code)
			}
			took := time.Since(began)
			t.Logf("a %s stopped within %s", role, took.Round(time.Millisecond))
			if took > stopLimit {
				t.Errorf("a %s took %s to stop", role, took)
			}
			s.WaitReady(t, replacement)
		}
	}
	l.goesOn(t, 100)
	l.close(t)
	if n := balancer.Blind(); n > 0 {
		t.Errorf("%d requests were made while no API was ready", n)
	}

	every := slices.Concat(l.accepted["quick"], l.accepted["slow"], l.accepted["flaky"])
	r.WaitFor(t, "/quick", every...)
	c.WaitSettled(t)
	r.WantOnce(t, "/quick", every...)
	r.WantOnce(t, "/slow", l.accepted["slow"]...)
	for _, id := range l.accepted["flaky"] {
		if n := r.Count(id, "/flaky"); n != 2 {
			t.Errorf("%s arrived %d times at /flaky, want a failure and a success", id, n)
		}
	}
	if failed := c.WithStatus(t, "failed"); len(failed) > 0 {
		t.Errorf("failed: %v", failed)
	}
	wantNumbered(t, setting(s, "POSTRIDER_POSTGRES_URL"))
}

func TestSecondSignal(t *testing.T) {
	t.Parallel()

	t.Run("EndsAWorkerAtOnce", func(t *testing.T) {
		t.Parallel()
		s := setup(t, "scheduler")
		worker := s.Worker(t)
		gate := stack.NewGate(t)
		s.r.Script("/", stack.Hang(gate))
		s.c.Endpoint(t, s.r, "/", stack.Settings{"timeout": 60})
		event := s.c.Publish(t, "post.created").ID
		stack.Eventually(t, "the request is being made", func() bool { return gate.Waiting() == 1 })
		worker.Signal(t, syscall.SIGTERM)
		s.waitDraining(t, worker)
		worker.Signal(t, syscall.SIGTERM)
		// It would wait for the request otherwise, which waits for the gate.
		if code := worker.ExitCode(t); code != 1 {
			t.Errorf("exit code %d, want 1", code)
		}
		gate.Open()
		s.Worker(t)
		s.c.WaitSettled(t)
		if d := s.c.Deliveries(t, event)[0]; d.Status != "success" || d.Attempts != 1 {
			t.Errorf("got %+v", d)
		}
	})

	t.Run("EndsAnAPIAtOnce", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		finish := s.c.Begin(t, "/v1/events", `{"type":"post.created","data":{"half":`)
		s.api.Signal(t, syscall.SIGINT)
		s.waitDraining(t, s.api)
		s.api.Signal(t, syscall.SIGINT)
		// It would wait for the request's end otherwise.
		if code := s.api.ExitCode(t); code != 1 {
			t.Errorf("exit code %d, want 1", code)
		}
		if a := finish(`"done"}}`); a.Status != 0 {
			t.Errorf("the request was answered with %s", a)
		}
	})
}
