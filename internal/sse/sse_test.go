package sse_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/sse"
)

func TestWriter(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	s := sse.Begin(w, 2*time.Second)
	// Whatever a message holds, it begins no other one and names no other event.
	s.Send("rows", []byte("<td>a\r\nevent: evil\rdata: b\n\nid: 1</td>"))
	want := "retry: 2000\n\nevent: rows\ndata: <td>a\ndata: event: evildata: b\ndata: \ndata: id: 1</td>\n\n"
	if got := w.Body.String(); got != want || s.Err() != nil {
		t.Errorf("got %q, %v", got, s.Err())
	}
	for name, want := range map[string]string{"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	if !w.Flushed || time.Since(s.Last()) > time.Minute || strings.Count(w.Body.String(), "\n\n") != 2 {
		t.Errorf("flushed %v, last %v", w.Flushed, s.Last())
	}
}
