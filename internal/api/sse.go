package api

import (
	"encoding/base64"
	"time"

	"github.com/postrider/postrider/internal/live"
	"github.com/postrider/postrider/internal/sse"
	"github.com/postrider/postrider/internal/webhook"
)

// sseRetry is when browsers come back. What they missed of the events then is there.
const sseRetry = time.Second

// messages writes a stream's.
type messages struct{ *sse.Writer }

// send writes a message; the zero id is none. Our JSON has no line break in it.
func (s *messages) send(event string, position webhook.ID, body any) {
	b := appendID(nil, position)
	b = append(b, "event: "+event+"\ndata: "...)
	b = append(b, encodeJSON(body)...)
	s.Write(append(b, '\n'))
}

// beat tells proxies on the way, and the reader, that the stream is alive, and how
// far it is.
func (s *messages) beat(position webhook.ID) {
	s.Write(append(appendID([]byte(":\n"), position), '\n'))
}

func appendID(b []byte, position webhook.ID) []byte {
	if position.IsZero() {
		return b
	}
	b = append(b, "id: "...)
	b = base64.RawURLEncoding.AppendEncode(b, position[:])
	return append(b, '\n')
}

// message writes one.
func (s *messages) message(m *live.Message, q *streamQuery) {
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
