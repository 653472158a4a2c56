package telemetry

import (
	"context"
	"net/http"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/postrider/postrider/internal/webhook"
)

// Handler records requests that change something, in the trace of their caller where
// it names one by traceparent, and says under their context where they are. Without
// a tracer it is next itself.
func (t *Tracer) Handler(next http.Handler) http.Handler {
	if t == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// What only reads may be a stream, and a publisher's trace is about publishing.
		if r.Method == http.MethodGet || r.Method == http.MethodHead || !strings.HasPrefix(r.URL.Path, "/v1/") {
			next.ServeHTTP(w, r)
			return
		}
		t.serve(next, w, r)
	})
}

func (t *Tracer) serve(next http.Handler, w http.ResponseWriter, r *http.Request) {
	ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	ctx, span := t.tracer.Start(ctx, r.Method, trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
		attribute.String("http.request.method", r.Method)))
	defer span.End()
	r = r.WithContext(webhook.WithTrace(ctx, placeOf(span)))
	answer := &answered{ResponseWriter: w, status: http.StatusOK}
	next.ServeHTTP(answer, r)
	if r.Pattern != "" { // the mux's, which names no ids
		span.SetName(r.Pattern)
		span.SetAttributes(attribute.String("http.route", r.Pattern))
	}
	span.SetAttributes(attribute.Int("http.response.status_code", answer.status),
		attribute.String("postrider.request_id", w.Header().Get("X-Request-ID")))
	if answer.status >= http.StatusInternalServerError {
		span.SetStatus(codes.Error, http.StatusText(answer.status))
	}
}

func placeOf(span trace.Span) webhook.Trace {
	c := span.SpanContext()
	return webhook.Trace{ID: c.TraceID(), Span: c.SpanID(), Sampled: c.IsSampled()}
}

// answered notes the status of an answer.
type answered struct {
	http.ResponseWriter
	status int
	wrote  bool
}

// WriteHeader implements http.ResponseWriter.
func (a *answered) WriteHeader(status int) {
	if !a.wrote {
		a.status, a.wrote = status, status >= http.StatusOK
	}
	a.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (a *answered) Write(b []byte) (int, error) {
	a.wrote = true
	return a.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (a *answered) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// AttemptSpan is one request to a receiver, in its publisher's trace.
type AttemptSpan struct {
	span trace.Span
	tell bool
}

// Attempt begins one.
func (t *Tracer) Attempt(in webhook.Trace, at time.Time) AttemptSpan {
	parent := trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: in.ID, SpanID: in.Span, TraceFlags: trace.TraceFlags(0).WithSampled(in.Sampled), Remote: true,
	})
	_, span := t.tracer.Start(trace.ContextWithRemoteSpanContext(context.Background(), parent), "attempt",
		trace.WithSpanKind(trace.SpanKindClient), trace.WithTimestamp(at))
	return AttemptSpan{span: span, tell: t.propagate}
}

// Trace is its place, and whether the receiver is to know.
func (s AttemptSpan) Trace() (own webhook.Trace, tell bool) { return placeOf(s.span), s.tell }

// End says what came of it. The receiver's address is not shown: it may hold a token.
func (s AttemptSpan) End(m webhook.Member, event string, number int, res webhook.Response) {
	s.span.SetAttributes(
		attribute.String("postrider.workspace_id", string(m.WorkspaceID)), attribute.String("postrider.event_id", event),
		attribute.String("postrider.delivery_id", m.DeliveryID.Format(webhook.DeliveryPrefix)),
		attribute.String("postrider.endpoint_id", m.EndpointID.Format(webhook.EndpointPrefix)),
		attribute.Int("postrider.attempt", number), attribute.Int("http.response.status_code", res.StatusCode),
	)
	if class, why := res.Failure(); class != "" {
		s.span.SetAttributes(attribute.String("error.type", string(class)))
		s.span.SetStatus(codes.Error, Redact(why))
	}
	s.span.End(trace.WithTimestamp(res.Started.Add(res.Duration)))
}
