package e2e

import (
	"bytes"
	"net/http"
	"slices"
	"testing"

	"github.com/postrider/postrider/test/e2e/stack"
)

func TestRetry(t *testing.T) {
	t.Parallel()

	t.Run("SendsTheSameBytesUntilTheyAreTaken", func(t *testing.T) {
		t.Parallel()
		s := setup(t, "worker", "scheduler")
		// The reset comes first, on a new connection: one that was kept may have
		// been closed for being idle, and the request is sent again at once.
		s.r.Script("/", stack.Reset(), stack.Status(http.StatusServiceUnavailable), stack.Hang(stack.NewGate(t)))
		s.c.Endpoint(t, s.r, "/", stack.Settings{"timeout": 1, "retry_schedule": []int{1, 1, 1, 1}})
		event := s.c.Publish(t, "post.created").ID
		s.c.WaitSettled(t)
		d := s.c.Deliveries(t, event)[0]
		attempts := s.c.Attempts(t, d.ID)
		slices.Reverse(attempts)
		want := []stack.Attempt{
			{Number: 1, ErrorClass: "reset"},
			{Number: 2, StatusCode: http.StatusServiceUnavailable, ErrorClass: "status"},
			{Number: 3, ErrorClass: "timeout"},
			{Number: 4, StatusCode: http.StatusNoContent},
		}
		if d.Status != "success" || !slices.Equal(attempts, want) {
			t.Errorf("%+v has the attempts %+v, want %+v", d, attempts, want)
		}
		all := s.r.Arrivals("/")
		for i, a := range all {
			if a.Attempt != i+1 || a.Event != event || a.Delivery != d.ID || !bytes.Equal(a.Body, all[0].Body) {
				t.Errorf("request %d differs from the first: %+v", i+1, a)
			}
		}
	})

	t.Run("EndsWithTheScheduleAndWithA410", func(t *testing.T) {
		t.Parallel()
		s := setup(t, "worker", "scheduler")
		s.r.Script("/broken", stack.Times(10, stack.Status(http.StatusInternalServerError))...)
		s.r.Script("/gone", stack.Times(10, stack.Status(http.StatusGone))...)
		s.c.Endpoint(t, s.r, "/broken", stack.Settings{"retry_schedule": []int{1, 1}})
		gone := s.c.Endpoint(t, s.r, "/gone", quickRetries)
		event := s.c.Publish(t, "post.created").ID
		s.c.WaitSettled(t)
		if n := len(s.c.WithStatus(t, "failed")); n != 2 {
			t.Errorf("%d deliveries failed, want both", n)
		}
		if broken, gone := s.r.Count(event, "/broken"), s.r.Count(event, "/gone"); broken != 3 || gone != 1 {
			t.Errorf("%d and %d requests, want 3 and 1", broken, gone)
		}
		var e struct {
			IsActive bool `json:"is_active"`
		}
		s.c.Call(t, http.MethodGet, "/v1/endpoints/"+gone.ID, nil, http.StatusOK, &e)
		if e.IsActive {
			t.Error("the endpoint that is gone is active")
		}
	})
}
