package api

import (
	"encoding/base64"
	"net/http"
	"time"

	"github.com/postrider/postrider/internal/live"
	"github.com/postrider/postrider/internal/webhook"
)

const (
	typeSSE = "text/event-stream"
	// sseWrite is how long a reader may take nothing at all. What it missed of the
	// events then is there when it comes back.
	sseWrite = time.Minute
	// sseRetry is when browsers come back, in milliseconds.
	sseRetry = "retry: 1000\n\n"
)

// sse writes a stream of server-sent events. After an error it writes nothing more.
type sse struct {
	w    http.ResponseWriter
	rc   *http.ResponseController
	last time.Time // when something was sent
	err  error
}

// newSSE begins the answer.
func newSSE(w http.ResponseWriter) *sse {
	s := &sse{w: w, rc: http.NewResponseController(w)}
	h := w.Header()
	h.Set("Content-Type", typeSSE)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Accel-Buffering", "no") // else nginx keeps messages back
	w.WriteHeader(http.StatusOK)
	// The server's time for reading the request would end the stream: it goes on
	// reading, to see that its reader went. It fails where there is no connection.
	_ = s.rc.SetReadDeadline(time.Time{})
	s.write([]byte(sseRetry))
	return s
}

func (s *sse) write(b []byte) {
	if s.err != nil {
		return
	}
	s.last = time.Now()
	_ = s.rc.SetWriteDeadline(s.last.Add(sseWrite))
	if _, s.err = s.w.Write(b); s.err == nil {
		s.err = s.rc.Flush()
	}
}

// send writes a message; the zero id is none. Our JSON has no line break in it.
func (s *sse) send(event string, position webhook.ID, body any) {
	b := appendID(nil, position)
	b = append(b, "event: "+event+"\ndata: "...)
	b = append(b, encodeJSON(body)...)
	s.write(append(b, '\n'))
}

// beat tells proxies on the way, and the reader, that the stream is alive, and how
// far it is.
func (s *sse) beat(position webhook.ID) { s.write(append(appendID([]byte(":\n"), position), '\n')) }

func appendID(b []byte, position webhook.ID) []byte {
	if position.IsZero() {
		return b
	}
	b = append(b, "id: "...)
	b = base64.RawURLEncoding.AppendEncode(b, position[:])
	return append(b, '\n')
}

// message writes one of a stream's.
func (s *sse) message(m *live.Message, q *streamQuery) {
	switch {
	case m.Event != nil:
		s.send(kindEvent, m.Position, renderStreamEvent(m.Event, q.formatOf()))
	case m.Attempt != nil:
		s.send(kindAttempt, m.Position, renderStreamAttempt(m.Attempt))
	case m.Gap != nil:
		s.send("gap", m.Position, renderGap(m.Gap))
	default:
		s.beat(m.Position)
	}
}
