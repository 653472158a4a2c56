package e2e

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/postrider/postrider/internal/pgtest"
	"github.com/postrider/postrider/test/e2e/stack"
)

func TestPostgres(t *testing.T) {
	t.Parallel()

	t.Run("AwayIsA503AndEverybodyRecoversByThemselves", func(t *testing.T) {
		t.Parallel()
		pg := stack.NewPostgres(t)
		s := service{Stack: stack.On(t, pg.URL), r: stack.NewReceiver(t)}
		s.api = s.API(t)
		all := []*stack.Process{s.api, s.Worker(t), s.Scheduler(t)}
		s.c = s.Workspace(t, s.api)
		s.c.Endpoint(t, s.r, "/", nil)
		before := s.c.PublishBatch(t, "post.created", 50)

		pg.Kill(t)
		accepted := slices.Concat(before, s.publishUntilRefused(t))
		for range 3 {
			wantUnavailable(t, s.c.Do(t, http.MethodPost, "/v1/events", anEvent))
			wantUnavailable(t, s.c.Do(t, http.MethodGet, "/v1/endpoints", nil))
		}
		for _, p := range all {
			s.waitCheck(t, p, "postgres", "failed", http.StatusServiceUnavailable)
			if code := s.Alive(t, p.Health); code != http.StatusOK {
				t.Errorf("/healthz of the %s is %d", p.Name, code)
			}
		}

		pg.Start(t)
		for _, p := range all {
			s.WaitReady(t, p)
		}
		after := s.c.PublishBatch(t, "post.created", 50)
		s.r.WaitFor(t, "/", append(accepted, after...)...)
		s.c.WaitSettled(t)
	})

	t.Run("ThatHangsIsA503AsWell", func(t *testing.T) {
		t.Parallel()
		pg, through := stack.PostgresProxy(t, pgtest.New(t))
		s := service{Stack: stack.On(t, through), r: stack.NewReceiver(t)}
		s.api = s.API(t)
		worker := s.Worker(t)
		s.Scheduler(t)
		s.c = s.Workspace(t, s.api)
		s.c.Endpoint(t, s.r, "/", nil)
		before := s.c.PublishBatch(t, "post.created", 50)
		pg.Freeze()
		wantUnavailable(t, s.c.Do(t, http.MethodPost, "/v1/events", anEvent))
		wantUnavailable(t, s.c.Do(t, http.MethodGet, "/v1/endpoints", nil))
		s.waitCheck(t, s.api, "postgres", "failed", http.StatusServiceUnavailable)
		s.waitCheck(t, worker, "postgres", "failed", http.StatusServiceUnavailable)
		pg.Thaw()
		s.WaitReady(t, s.api)
		s.WaitReady(t, worker)
		after := s.c.PublishBatch(t, "post.created", 50)
		s.r.WaitFor(t, "/", append(before, after...)...)
		s.c.WaitSettled(t)
	})

	t.Run("AwayInMidRequestRecordsWhatHappenedLater", func(t *testing.T) {
		t.Parallel()
		pg := stack.NewPostgres(t)
		s := service{Stack: stack.On(t, pg.URL), r: stack.NewReceiver(t)}
		s.api = s.API(t)
		worker := s.Worker(t)
		s.Scheduler(t)
		s.c = s.Workspace(t, s.api)
		good, bad := stack.NewGate(t), stack.NewGate(t)
		s.r.Script("/good", stack.Hang(good))
		s.r.Script("/bad", func(w http.ResponseWriter, req *http.Request) {
			stack.Hang(bad)(discard{w}, req)
			w.WriteHeader(http.StatusInternalServerError)
		})
		s.c.Endpoint(t, s.r, "/good", quickRetries)
		s.c.Endpoint(t, s.r, "/bad", quickRetries)
		event := s.c.Publish(t, "post.created").ID
		stack.Eventually(t, "both requests are being made", func() bool { return good.Waiting()+bad.Waiting() == 2 })
		pg.Kill(t)
		good.Open()
		bad.Open()
		s.waitCheck(t, worker, "postgres", "failed", http.StatusServiceUnavailable)
		pg.Start(t)
		s.r.WaitFor(t, "/bad", event)
		stack.Eventually(t, "the failed request is made again", func() bool { return s.r.Count(event, "/bad") == 2 })
		s.c.WaitSettled(t)
		s.r.WantOnce(t, "/good", event)
		for _, d := range s.c.Deliveries(t, event) {
			if attempts := s.c.Attempts(t, d.ID); d.Status != "success" || len(attempts) != d.Attempts {
				t.Errorf("got %+v with the attempts %v", d, attempts)
			}
		}
	})
}

var anEvent = map[string]any{"type": "post.created", "data": map[string]any{}}

// publishUntilRefused returns the events that were accepted after all, by what
// was left of a Postgres that was killed: they count like any others.
func (s service) publishUntilRefused(t *testing.T) (accepted []string) {
	t.Helper()
	stack.Eventually(t, "events are refused", func() bool {
		a := s.c.Do(t, http.MethodPost, "/v1/events", anEvent)
		if a.Status != http.StatusAccepted {
			return true
		}
		var e stack.Event
		if err := json.Unmarshal(a.Body, &e); err != nil {
			t.Fatal(err)
		}
		accepted = append(accepted, e.ID)
		return false
	})
	return accepted
}

// discard lets a step wait without answering.
type discard struct{ http.ResponseWriter }

func (discard) WriteHeader(int) {}

// wantUnavailable checks a 503 that says when to come back.
func wantUnavailable(t *testing.T, a stack.Answer) {
	t.Helper()
	if a.Status != http.StatusServiceUnavailable {
		t.Fatalf("got %s, want 503", a)
	}
	if after, err := strconv.Atoi(a.Header.Get("Retry-After")); err != nil || after < 1 {
		t.Errorf("got Retry-After %q", a.Header.Get("Retry-After"))
	}
	if kind := a.Header.Get("Content-Type"); kind != "application/problem+json" || !strings.Contains(string(a.Body), `"code":"unavailable"`) {
		t.Errorf("got %s %s", kind, a.Body)
	}
}
