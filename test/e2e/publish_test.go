package e2e

import (
	"encoding/json"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/postrider/postrider/test/e2e/stack"
)

// publishFor publishes an event for a time, and with what else is given.
func (s service) publishFor(t *testing.T, at time.Time, more stack.Settings) string {
	t.Helper()
	in := stack.Settings{"type": "post.created", "data": map[string]any{"test": t.Name()}, "deliver_at": at}
	for name, value := range more {
		in[name] = value
	}
	var e stack.Event
	s.c.Call(t, http.MethodPost, "/v1/events", in, http.StatusAccepted, &e)
	return e.ID
}

// wantNotBefore fails the test for an event that arrived not once, or whose first
// attempt was early, and logs how late it was.
func (s service) wantNotBefore(t *testing.T, at time.Time, path string, events ...string) {
	t.Helper()
	s.r.WaitFor(t, path, events...)
	s.c.WaitSettled(t)
	s.r.WantOnce(t, path, events...)
	var latest time.Duration
	for _, id := range events {
		for _, d := range s.c.Deliveries(t, id) {
			var out struct {
				Data []struct {
					StartedAt time.Time `json:"started_at"`
				}
			}
			s.c.Call(t, http.MethodGet, "/v1/deliveries/"+d.ID+"/attempts", nil, http.StatusOK, &out)
			for _, a := range out.Data {
				if a.StartedAt.Before(at) {
					t.Errorf("%s was tried %s early", id, at.Sub(a.StartedAt))
				}
				latest = max(latest, a.StartedAt.Sub(at))
			}
		}
	}
	t.Logf("%d events, %s late at most", len(events), latest)
}

func TestDeliverAt(t *testing.T) {
	t.Parallel()

	t.Run("IsNotEarly", func(t *testing.T) {
		t.Parallel()
		s := setup(t, "worker", "scheduler")
		s.c.Endpoint(t, s.r, "/", nil)
		at := time.Now().Add(3500 * time.Millisecond)
		var events []string
		for range 20 {
			events = append(events, s.publishFor(t, at, nil))
		}
		if n := s.Tasks(t); n != 0 {
			t.Errorf("%d tasks are in Redis before their time", n)
		}
		s.wantNotBefore(t, at, "/", events...)
	})

	t.Run("OutlivesEverythingThatRunsAndAFlush", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		worker, scheduler := s.Worker(t), s.Scheduler(t)
		s.c.Endpoint(t, s.r, "/", nil)
		at := time.Now().Add(8 * time.Second)
		var events []string
		for range 10 {
			events = append(events, s.publishFor(t, at, nil))
		}
		for _, p := range []*stack.Process{worker, scheduler, s.api} {
			p.Kill(t)
		}
		if err := s.Redis.FlushAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.Redis.Stop()
		if err := s.Redis.Start(); err != nil {
			t.Fatal(err)
		}
		s.c = s.c.At(s.API(t))
		s.Worker(t)
		s.Scheduler(t)
		s.wantNotBefore(t, at, "/", events...)
	})

	t.Run("GoesByTheEndpointAsItIsThen", func(t *testing.T) {
		t.Parallel()
		s := setup(t, "worker", "scheduler")
		moved := s.c.Endpoint(t, s.r, "/old", stack.Settings{"events": []string{"post.*"}})
		off := s.c.Endpoint(t, s.r, "/off", stack.Settings{"events": []string{"post.*"}})
		at := time.Now().Add(3 * time.Second)
		event := s.publishFor(t, at, nil)
		s.r.Knows("/new", moved.Secret)
		s.c.Call(t, http.MethodPatch, "/v1/endpoints/"+moved.ID, stack.Settings{"url": s.r.URL + "/new"}, http.StatusOK, nil)
		s.c.Call(t, http.MethodPatch, "/v1/endpoints/"+off.ID, stack.Settings{"is_active": false}, http.StatusOK, nil)
		s.r.WaitFor(t, "/new", event)
		held := "SELECT count(*) = 1 FROM deliveries WHERE parked AND held_reason = 'endpoint_disabled'"
		stack.Eventually(t, "the other one is held", func() bool { return stack.Ask[bool](t, setting(s.Stack, "POSTRIDER_POSTGRES_URL"), held) })
		s.c.Call(t, http.MethodPatch, "/v1/endpoints/"+off.ID, stack.Settings{"is_active": true}, http.StatusOK, nil)
		s.wantNotBefore(t, at, "/off", event)
		s.r.WantOnce(t, "/old")
	})
}

// outcome is what a publisher who waited is told.
type outcome struct {
	EndpointID    string     `json:"endpoint_id"`
	Status        string     `json:"status"`
	Attempts      int        `json:"attempts"`
	StatusCode    int        `json:"status_code"`
	NextAttemptAt *time.Time `json:"next_attempt_at"`
}

type waited struct {
	Waited     string
	Deliveries int
	Outcomes   []outcome
}

func TestWait(t *testing.T) {
	t.Parallel()
	body := func(more stack.Settings) stack.Settings {
		in := stack.Settings{"type": "post.created", "data": map[string]any{}, "wait": 10}
		for name, value := range more {
			in[name] = value
		}
		return in
	}

	t.Run("TellsWhatBecameOfEachOverTwoAPIs", func(t *testing.T) {
		t.Parallel()
		p := twoAPIs(t)
		p.r.Script("/bad", stack.Times(100, stack.Status(http.StatusInternalServerError))...)
		for range 10 {
			// Made at one API and known at the other at once, by name, too.
			good, bad := p.a.Endpoint(t, p.r, "/good", nil), p.a.Endpoint(t, p.r, "/bad", nil)
			var got waited
			p.b.Call(t, http.MethodPost, "/v1/events", body(stack.Settings{"endpoint_ids": []string{bad.ID, good.ID}}), http.StatusAccepted, &got)
			if got.Waited != "settled" || got.Deliveries != 2 || len(got.Outcomes) != 2 {
				t.Fatalf("got %+v", got)
			}
			for _, o := range got.Outcomes {
				want := outcome{EndpointID: good.ID, Status: "success", Attempts: 1, StatusCode: http.StatusNoContent}
				if o.EndpointID == bad.ID {
					want = outcome{EndpointID: bad.ID, Status: "pending", Attempts: 1, StatusCode: http.StatusInternalServerError, NextAttemptAt: o.NextAttemptAt}
					if o.NextAttemptAt == nil {
						t.Error("when it is tried again is not said")
					}
				}
				if o != want {
					t.Errorf("got %+v, want %+v", o, want)
				}
			}
			p.a.Call(t, http.MethodDelete, "/v1/endpoints/"+good.ID, nil, http.StatusNoContent, nil)
			p.a.Call(t, http.MethodDelete, "/v1/endpoints/"+bad.ID, nil, http.StatusNoContent, nil)
		}
	})

	t.Run("EndsWithTheProcessThatIsStopped", func(t *testing.T) {
		t.Parallel()
		s := setup(t) // without a worker nothing comes of it
		s.c.Endpoint(t, s.r, "/", nil)
		answers := make(chan stack.Answer, 1)
		go func() {
			a, err := s.c.Try(t.Context(), http.MethodPost, "/v1/events", body(nil))
			if err != nil {
				t.Error(err)
			}
			answers <- a
		}()
		stack.Eventually(t, "the event is accepted", func() bool { return len(s.c.WithStatus(t, "pending")) == 1 })
		s.api.Signal(t, syscall.SIGTERM)
		a := <-answers
		var got waited
		if err := json.Unmarshal(a.Body, &got); err != nil || a.Status != http.StatusAccepted {
			t.Fatalf("got %s: %v", a, err)
		}
		if got.Waited != "stopping" || len(got.Outcomes) != 1 || got.Outcomes[0].Status != "pending" {
			t.Errorf("got %+v", got)
		}
		if code := s.api.ExitCode(t); code != 0 {
			t.Errorf("exit code %d", code)
		}
	})
}
