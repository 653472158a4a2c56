package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"time"
)

// streaming is a stream that is read.
type streaming struct {
	c        *Client
	o        *StreamOptions
	yield    func(StreamMessage, error) bool
	position string
	shown    recent
	// begun: it was open once. fresh: something came since it was opened last.
	begun, fresh bool
	over         bool // the loop ended
}

// streamSilence is three times what the API lets pass without a word.
const streamSilence = 45 * time.Second

// errSilent is a stream whose connection seems to be dead.
var errSilent = fmt.Errorf("nothing came for %s", streamSilence)

// run returns nil when the loop ended.
func (s *streaming) run(ctx context.Context) error {
	if s.c.broken != nil {
		return s.c.broken
	}
	for try := 0; ; try++ {
		s.fresh = false
		err := s.once(ctx)
		switch {
		case s.over:
			return nil
		case ctx.Err() != nil:
			return fmt.Errorf("client: openStream: %w", context.Cause(ctx))
		case !temporary(err) || !s.begun && try >= s.c.cfg.MaxRetries:
			return err
		}
		if s.fresh {
			try = 0
		}
		if s.o.Retrying != nil {
			s.o.Retrying(err)
		}
		if err := sleep(ctx, s.c.backoff(try)+min(retryAfterOf(err), s.c.cfg.MaxRetryAfter)); err != nil {
			return fmt.Errorf("client: openStream: %w", err)
		}
	}
}

// once opens the stream and reads it until it breaks off.
func (s *streaming) once(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	opening := time.AfterFunc(s.c.cfg.Timeout, func() {
		cancel(fmt.Errorf("no answer within %s: %w", s.c.cfg.Timeout, context.DeadlineExceeded))
	})
	defer opening.Stop()
	resp, err := s.open(ctx)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if !opening.Stop() {
		return lost(ctx, "openStream", io.ErrUnexpectedEOF)
	}
	if s.begun && s.o.attempts() && !s.show(StreamMessage{Gap: &StreamGap{}}) {
		return nil
	}
	s.begun = true
	silent := time.AfterFunc(streamSilence, func() { cancel(errSilent) })
	defer silent.Stop()
	err = s.read(newSSEReader(&attended{resp.Body, silent}, s.c.cfg.maxAnswer))
	var answer *Error
	if s.over || err == nil || errors.As(err, &answer) {
		return err
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return lost(ctx, "openStream", err)
}

func (s *streaming) open(ctx context.Context) (*http.Response, error) {
	p, err := s.c.prepare(ctx, s.o.call())
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, p.method, p.url, http.NoBody)
	if err != nil {
		return nil, err
	}
	req.Header = p.header
	req.Header.Set("Accept", "text/event-stream")
	if s.position != "" {
		req.Header.Set("Last-Event-ID", s.position)
	}
	hc := *s.c.cfg.HTTPClient
	hc.Timeout = 0 // it would bound the whole stream
	resp, err := hc.Do(req)
	if err != nil {
		return nil, lost(ctx, p.op, err)
	}
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if resp.StatusCode == http.StatusOK && kind == "text/event-stream" {
		return resp, nil
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, s.c.cfg.maxAnswer))
	if err != nil {
		return nil, lost(ctx, p.op, err)
	}
	return nil, errorOf(p.op, resp.StatusCode, resp.Header, raw)
}

// attended is a body; while it is read, silence is noticed. While it is not, the
// loop's body takes its time.
type attended struct {
	io.Reader
	silent *time.Timer
}

func (a *attended) Read(b []byte) (int, error) {
	a.silent.Reset(streamSilence)
	n, err := a.Reader.Read(b)
	a.silent.Stop()
	return n, err
}

// read shows messages until there are no more.
func (s *streaming) read(r *sseReader) error {
	for {
		m, err := r.next()
		if err != nil {
			return err
		}
		s.fresh = true
		if m.id != "" {
			s.position = m.id
		}
		if err := s.message(m); err != nil || s.over {
			return err
		}
	}
}

func (s *streaming) message(m sseMessage) error {
	out := StreamMessage{Position: s.position}
	var into any
	switch m.event {
	case "event":
		out.Event = &StreamEvent{}
		into = out.Event
	case "attempt":
		out.Attempt = &StreamAttempt{}
		into = out.Attempt
	case "gap":
		out.Gap = &StreamGap{}
		into = out.Gap
	case "end":
		return endOf(m.data)
	case "":
		s.show(out)
		return nil
	default:
		return nil // of a later release
	}
	if err := json.Unmarshal(m.data, into); err != nil {
		return fmt.Errorf("client: openStream: a message can't be read: %w", err)
	}
	if out.Event != nil && !s.shown.add(out.Event.ID) {
		return nil
	}
	s.show(out)
	return nil
}

func (s *streaming) show(m StreamMessage) bool {
	s.over = !s.yield(m, nil)
	return !s.over
}

// streamEnd is why a stream ended for good.
type streamEnd struct {
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

func endOf(data []byte) error {
	var end streamEnd
	if err := json.Unmarshal(data, &end); err != nil {
		return fmt.Errorf("client: openStream: a message can't be read: %w", err)
	}
	code := Code(end.Code)
	status := map[Code]int{CodeUnauthorized: http.StatusUnauthorized, CodeForbidden: http.StatusForbidden, CodeNotFound: http.StatusNotFound}[code]
	return &Error{Operation: "openStream", Status: status, Code: code, Detail: end.Detail, Title: http.StatusText(status)}
}
