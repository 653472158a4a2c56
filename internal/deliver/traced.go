package deliver

import (
	"net/textproto"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// traceHeader is W3C's. An endpoint's own header of that name comes before it.
const traceHeader = "Traceparent"

// span is nil for an attempt that is not traced: nearly all of them.
func (m *member) span(at time.Time) Span {
	if m.run.r.cfg.Tracer == nil || m.event.Trace.IsZero() {
		return nil
	}
	return m.run.r.cfg.Tracer.Begin(m.event.Trace, at)
}

// tellTrace adds the attempt's place to its request, and to what is kept of it.
func tellTrace(s Span, req *webhook.Request, sent []webhook.Header) []webhook.Header {
	own, tell := s.Trace()
	if !tell {
		return sent
	}
	for _, h := range req.Header {
		if textproto.CanonicalMIMEHeaderKey(h.Name) == traceHeader {
			return sent
		}
	}
	told := webhook.Header{Name: traceHeader, Value: own.String()}
	req.Header = append(req.Header[:len(req.Header):len(req.Header)], told)
	return append(sent[:len(sent):len(sent)], told)
}

func (m *member) endSpan(s Span, res webhook.Response) {
	s.End(TracedAttempt{Delivery: m.Member, PublicID: m.event.PublicID, Number: m.standing.Attempts + 1, Response: res})
}
