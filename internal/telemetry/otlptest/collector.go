// Package otlptest is a collector of traces for tests, by OTLP over HTTP.
package otlptest

import (
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"
)

// Span is what tests want to know of one. Ids are in hex.
type Span struct {
	Service, Name        string
	Trace, ID, Parent    string
	Failed               bool
	Attributes           map[string]string
	Numbers              map[string]int64
	StartNanos, EndNanos uint64
}

// Collector keeps the spans that it gets.
type Collector struct {
	// URL is for tracing.endpoint.
	URL string

	mu    sync.Mutex
	spans []Span
	came  chan struct{}
}

// New starts one for the test.
func New(t testing.TB) *Collector {
	t.Helper()
	c := &Collector{came: make(chan struct{}, 1)}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var req collector.ExportTraceServiceRequest
		if err != nil || r.URL.Path != "/v1/traces" || proto.Unmarshal(body, &req) != nil {
			t.Errorf("no traces came at %s: %v", r.URL.Path, err)
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		c.keep(&req)
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	t.Cleanup(srv.Close)
	c.URL = srv.URL
	return c
}

func (c *Collector) keep(req *collector.ExportTraceServiceRequest) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, rs := range req.GetResourceSpans() {
		service := ""
		for _, a := range rs.GetResource().GetAttributes() {
			if a.GetKey() == "service.name" {
				service = a.GetValue().GetStringValue()
			}
		}
		for _, ss := range rs.GetScopeSpans() {
			for _, s := range ss.GetSpans() {
				span := Span{
					Service: service, Name: s.GetName(), Trace: hex.EncodeToString(s.GetTraceId()), ID: hex.EncodeToString(s.GetSpanId()),
					Parent: hex.EncodeToString(s.GetParentSpanId()), Failed: s.GetStatus().GetCode() == 2,
					Attributes: map[string]string{}, Numbers: map[string]int64{}, StartNanos: s.GetStartTimeUnixNano(), EndNanos: s.GetEndTimeUnixNano(),
				}
				for _, a := range s.GetAttributes() {
					span.Attributes[a.GetKey()], span.Numbers[a.GetKey()] = a.GetValue().GetStringValue(), a.GetValue().GetIntValue()
				}
				c.spans = append(c.spans, span)
			}
		}
	}
	select {
	case c.came <- struct{}{}:
	default:
	}
}

// Spans are all that came so far.
func (c *Collector) Spans() []Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Span(nil), c.spans...)
}

// WaitFor waits until so many came, as long as the test may run.
func (c *Collector) WaitFor(t testing.TB, n int) []Span {
	t.Helper()
	for {
		if spans := c.Spans(); len(spans) >= n {
			return spans
		}
		select {
		case <-c.came:
		case <-t.Context().Done():
			t.Fatalf("%d spans came, want %d", len(c.Spans()), n)
		}
	}
}
