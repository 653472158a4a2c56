package telemetry

import (
	"context"
	"log/slog"

	"github.com/postrider/postrider/internal/webhook"
)

// traceHandler adds the id of the trace that the context is in.
type traceHandler struct{ slog.Handler }

// Handle implements slog.Handler.
func (h traceHandler) Handle(ctx context.Context, r slog.Record) error {
	if t := webhook.TraceOf(ctx); !t.IsZero() {
		r = r.Clone()
		r.AddAttrs(slog.String(KeyTraceID, t.TraceID()))
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h traceHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return traceHandler{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h traceHandler) WithGroup(name string) slog.Handler {
	return traceHandler{h.Handler.WithGroup(name)}
}
