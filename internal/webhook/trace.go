package webhook

import (
	"context"
	"encoding/hex"
)

// Trace is a place in a trace, as W3C's traceparent has it: which trace, the span
// that whatever comes next belongs to, and whether it is recorded. The zero value
// is none.
type Trace struct {
	ID      [16]byte
	Span    [8]byte
	Sampled bool
}

// IsZero reports whether there is none.
func (t Trace) IsZero() bool { return t == Trace{} }

// String is the value of a traceparent header, or "".
func (t Trace) String() string {
	if t.IsZero() {
		return ""
	}
	flags := "-00"
	if t.Sampled {
		flags = "-01"
	}
	return "00-" + hex.EncodeToString(t.ID[:]) + "-" + hex.EncodeToString(t.Span[:]) + flags
}

// TraceID is the trace's id as logs and tools show it, or "".
func (t Trace) TraceID() string {
	if t.IsZero() {
		return ""
	}
	return hex.EncodeToString(t.ID[:])
}

// traceBytes is how long a Trace is where it is stored.
const traceBytes = 16 + 8 + 1

// AppendTo appends the trace as it is stored.
func (t Trace) AppendTo(b []byte) []byte {
	b = append(append(b, t.ID[:]...), t.Span[:]...)
	if t.Sampled {
		return append(b, 1)
	}
	return append(b, 0)
}

// StoredTrace reads what AppendTo wrote; anything else is no trace, for a delivery
// must not fail for it.
func StoredTrace(b []byte) (t Trace) {
	if len(b) != traceBytes {
		return t
	}
	copy(t.ID[:], b)
	copy(t.Span[:], b[16:])
	t.Sampled = b[24]&1 == 1
	return t
}

type traceKey struct{}

// WithTrace says where in a trace what runs under the context is.
func WithTrace(ctx context.Context, t Trace) context.Context {
	return context.WithValue(ctx, traceKey{}, t)
}

// TraceOf is where in a trace the context is, or the zero value.
func TraceOf(ctx context.Context) Trace {
	t, _ := ctx.Value(traceKey{}).(Trace)
	return t
}
