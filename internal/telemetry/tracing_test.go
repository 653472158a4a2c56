package telemetry

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/postrider/postrider/internal/telemetry/otlptest"
	"github.com/postrider/postrider/internal/webhook"
)

func newTracer(t *testing.T, endpoint string, log *bytes.Buffer) *Tracer {
	t.Helper()
	u, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	tr, err := NewTracer(t.Context(), TracingConfig{
		Endpoint: u, Propagate: true, Role: "api", Version: "1", Logger: slog.New(slog.NewTextHandler(log, nil)), Registerer: prometheus.NewRegistry(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

const (
	producersTrace = "4bf92f3577b34da6a3ce929d0e0e4736"
	producersSpan  = "00f067aa0ba902b7"
)

// publish is a request that a handler with the tracer answers; it returns where in a
// trace the handler was.
func publish(tr *Tracer, method, path, traceparent string) (in webhook.Trace) {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/events/{id}", func(w http.ResponseWriter, r *http.Request) {
		in = webhook.TraceOf(r.Context())
		w.Header().Set("X-Request-ID", "req_1")
		w.WriteHeader(http.StatusAccepted)
	})
	mux.HandleFunc("GET /v1/events/{id}", func(_ http.ResponseWriter, r *http.Request) { in = webhook.TraceOf(r.Context()) })
	req := httptest.NewRequest(method, path, http.NoBody)
	if traceparent != "" {
		req.Header.Set("Traceparent", traceparent)
	}
	tr.Handler(mux).ServeHTTP(httptest.NewRecorder(), req)
	return in
}

func TestTracer(t *testing.T) {
	t.Parallel()
	c := otlptest.New(t)
	var log bytes.Buffer
	tr := newTracer(t, c.URL, &log)
	in := publish(tr, "POST", "/v1/events/evt_1", "00-"+producersTrace+"-"+producersSpan+"-01")
	if in.TraceID() != producersTrace || !in.Sampled {
		t.Errorf("the handler is in %s", in)
	}
	start := time.Now()
	s := tr.Attempt(in, start)
	own, tell := s.Trace()
	if own.TraceID() != producersTrace || own.Span == in.Span || !own.Sampled || !tell {
		t.Errorf("the attempt is at %s, told: %t", own, tell)
	}
	s.End(webhook.Member{WorkspaceID: "w"}, "evt_1", 2, webhook.Response{Started: start, Duration: time.Second, StatusCode: 500})
	tr.Stop(t.Context())
	spans := c.WaitFor(t, 2)
	request, attempt := spans[0], spans[1]
	if request.Parent != producersSpan || request.Name != "POST /v1/events/{id}" || request.Service != "postrider-api" ||
		request.Attributes["postrider.request_id"] != "req_1" || request.Numbers["http.response.status_code"] != 202 || request.Failed {
		t.Errorf("the request is %+v", request)
	}
	if attempt.Parent != request.ID || attempt.Trace != producersTrace || !attempt.Failed || attempt.Numbers["postrider.attempt"] != 2 ||
		attempt.Attributes["error.type"] != "status" || attempt.EndNanos-attempt.StartNanos != uint64(time.Second) {
		t.Errorf("the attempt is %+v", attempt)
	}
	if log.Len() > 0 {
		t.Errorf("it logs %s", log.String())
	}
}

func TestTracerGoesByTheCallersWord(t *testing.T) {
	t.Parallel()
	c := otlptest.New(t)
	tr := newTracer(t, c.URL, new(bytes.Buffer))
	if in := publish(tr, "POST", "/v1/events/evt_1", "00-"+producersTrace+"-"+producersSpan+"-00"); in.Sampled {
		t.Errorf("a caller who does not record is recorded: %s", in)
	}
	if in := publish(tr, "GET", "/v1/events/evt_1", "00-"+producersTrace+"-"+producersSpan+"-01"); !in.IsZero() {
		t.Errorf("a request that reads is traced: %s", in)
	}
	for _, nonsense := range []string{"", "00-xyz", "ff-" + producersTrace + "-" + producersSpan + "-01", strings.Repeat("0", 4096)} {
		if in := publish(tr, "POST", "/v1/events/evt_1", nonsense); !in.Sampled || in.TraceID() == producersTrace {
			t.Errorf("after %.40q the trace is %s", nonsense, in)
		}
	}
	tr.Stop(t.Context())
	if got := len(c.Spans()); got != 4 {
		t.Errorf("%d spans came, want 4", got)
	}
}

// TestTracerWaitsForNoCollector: one that is away, or takes connections and says
// nothing, costs no attempt and no stop more than a bound.
func TestTracerWaitsForNoCollector(t *testing.T) {
	t.Parallel()
	var lc net.ListenConfig
	silent, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for name, endpoint := range map[string]string{"Away": "http://127.0.0.1:1", "Silent": "http://" + silent.Addr().String()} {
		tr := newTracer(t, endpoint, new(bytes.Buffer))
		began := time.Now()
		for range 10_000 { // many times what the queue holds
			s := tr.Attempt(webhook.Trace{ID: [16]byte{1}, Span: [8]byte{1}, Sampled: true}, began)
			s.End(webhook.Member{}, "evt_1", 1, webhook.Response{Started: began, StatusCode: 200})
		}
		ended := time.Now()
		if took := ended.Sub(began); took > 5*time.Second {
			t.Errorf("%s: 10,000 attempts took %s", name, took)
		}
		tr.Stop(context.Background())
		if took := time.Since(ended); took > flushTimeout+3*time.Second {
			t.Errorf("%s: the stop took %s", name, took)
		}
	}
}

// TestNoTracer: what is off is not there.
func TestNoTracer(t *testing.T) {
	t.Parallel()
	tr, err := NewTracer(t.Context(), TracingConfig{})
	if err != nil || tr != nil {
		t.Fatal(tr, err)
	}
	next := http.NewServeMux()
	if got := tr.Handler(next); got != http.Handler(next) {
		t.Errorf("the handler is wrapped in a %T", got)
	}
	tr.Stop(t.Context())
}

func TestLogsCarryTheTrace(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	logger, err := NewLogger(&out, LogConfig{Traced: true, Role: "api"})
	if err != nil {
		t.Fatal(err)
	}
	ctx := webhook.WithTrace(t.Context(), webhook.Trace{ID: [16]byte{0xab}, Span: [8]byte{1}})
	Seldom(logger).With("request_id", "req_1").WarnContext(ctx, "request failed")
	logger.WarnContext(t.Context(), "something else")
	lines := strings.Split(out.String(), "\n")
	if !strings.Contains(lines[0], `"trace_id":"ab000000000000000000000000000000"`) || !strings.Contains(lines[0], `"request_id":"req_1"`) || strings.Contains(lines[1], "trace_id") {
		t.Errorf("the log is %s", out.String())
	}
}
