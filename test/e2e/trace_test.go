package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/hooktest"
	"github.com/postrider/postrider/internal/telemetry/otlptest"
	"github.com/postrider/postrider/test/e2e/stack"
)

const (
	producersTrace = "4bf92f3577b34da6a3ce929d0e0e4736"
	producersSpan  = "00f067aa0ba902b7"
)

// TestTracing: from a producer's span over the API, Redis and Postgres to each
// attempt it is one trace. The retry is of another task, which has the trace from
// the first; the large event's are read from Postgres.
func TestTracing(t *testing.T) {
	t.Parallel()
	const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	for name, told := range map[string]bool{"Told": true, "Untold": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, c := stack.New(t), otlptest.New(t)
			env := []string{"POSTRIDER_TRACING_ENDPOINT=" + c.URL, "OTEL_BSP_SCHEDULE_DELAY=100"}
			if told {
				env = append(env, "POSTRIDER_TRACING_PROPAGATE=true")
			}
			api := s.API(t, env...)
			worker := s.Worker(t, append(env, "POSTRIDER_LOG_LEVEL=debug")...)
			client := s.Workspace(t, api)
			r := hooktest.NewReceiver(t, secret, hooktest.Status(http.StatusInternalServerError), hooktest.OK())
			client.Call(t, http.MethodPost, "/v1/endpoints", stack.Settings{
				"url": r.URL, "events": []string{"*"}, "secret": secret, "retry_schedule": []int{1},
			}, http.StatusCreated, nil)
			padding := strings.Repeat("x", 20<<10) // more than a task carries
			client.In("00-"+producersTrace+"-"+producersSpan+"-01").Call(t, http.MethodPost, "/v1/events",
				map[string]any{"type": "a.b", "data": map[string]string{"padding": padding}}, http.StatusAccepted, nil)
			got := r.WaitFor(2)
			spans := attemptsOf(t, c, 2)
			for i, a := range spans {
				if a.Trace != producersTrace || a.Service != "postrider-worker" || a.Numbers["postrider.attempt"] != int64(i+1) {
					t.Errorf("attempt %d is %+v", i+1, a)
				}
				header := got[i].Header.Get("Traceparent")
				if want := "00-" + producersTrace + "-" + a.ID + "-01"; told && header != want || !told && header != "" {
					t.Errorf("the receiver was told %q of attempt %d, which is %s", header, i+1, want)
				}
			}
			if !spans[0].Failed || spans[1].Failed {
				t.Errorf("the attempts failed: %t, then %t", spans[0].Failed, spans[1].Failed)
			}
			if log := worker.Said(t); !strings.Contains(log, `"trace_id":"`+producersTrace+`"`) {
				t.Errorf("the worker's log knows nothing of the trace: %s", log)
			}
		})
	}
}

// attemptsOf are the attempts' spans, in order; they belong to the request that
// published, and that to its producer.
func attemptsOf(t *testing.T, c *otlptest.Collector, n int) (attempts []otlptest.Span) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for len(attempts) < n || spanAbove(c, attempts[0]).ID == "" {
		if time.Now().After(deadline) {
			t.Fatalf("of %d attempts came %+v", n, c.Spans())
		}
		attempts = attempts[:0]
		for _, s := range c.Spans() {
			if s.Name == "attempt" {
				attempts = append(attempts, s)
			}
		}
		if len(attempts) < n {
			<-time.After(50 * time.Millisecond)
		}
	}
	if attempts[0].StartNanos > attempts[1].StartNanos {
		attempts[0], attempts[1] = attempts[1], attempts[0]
	}
	for _, a := range attempts {
		if p := spanAbove(c, a); p.Name != "POST /v1/events" || p.Parent != producersSpan || p.Service != "postrider-api" || p.Attributes["postrider.request_id"] == "" {
			t.Errorf("an attempt belongs to %+v", p)
		}
	}
	return attempts
}

func spanAbove(c *otlptest.Collector, span otlptest.Span) otlptest.Span {
	for _, s := range c.Spans() {
		if s.ID == span.Parent {
			return s
		}
	}
	return otlptest.Span{}
}
