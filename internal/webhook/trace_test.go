package webhook

import (
	"context"
	"testing"
)

func TestTrace(t *testing.T) {
	t.Parallel()
	var none Trace
	if none.String() != "" || none.TraceID() != "" || !none.IsZero() {
		t.Errorf("none is %q of %q", none, none.TraceID())
	}
	tr := Trace{ID: [16]byte{0x4b, 15: 0x36}, Span: [8]byte{0x00, 7: 0xb7}, Sampled: true}
	if want := "00-4b000000000000000000000000000036-00000000000000b7-01"; tr.String() != want {
		t.Errorf("it is %s, want %s", tr, want)
	}
	for _, sampled := range []bool{true, false} {
		tr.Sampled = sampled
		if got := StoredTrace(tr.AppendTo(nil)); got != tr {
			t.Errorf("stored and read it is %s, want %s", got, tr)
		}
	}
	for _, bad := range [][]byte{nil, {1}, make([]byte, 26)} {
		if got := StoredTrace(bad); !got.IsZero() {
			t.Errorf("of %d bytes comes %s", len(bad), got)
		}
	}
	if got := TraceOf(WithTrace(context.Background(), tr)); got != tr || !TraceOf(context.Background()).IsZero() {
		t.Errorf("the context says %s", got)
	}
}
