package telemetry

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Of one warning's text so many are written in a window, by a logger of Seldom.
const (
	seldomBurst  = 3
	seldomWindow = 30 * time.Second
)

// Seldom returns a logger for what handles deliveries one by one: while Redis or
// Postgres is away, each of them has the same to say. Of the warnings with one
// text it writes the first few in every half a minute; the next one that is
// written says how many were not. Errors and what is less than a warning always
// get through.
func Seldom(l *slog.Logger) *slog.Logger {
	return slog.New(seldomHandler{Handler: l.Handler(), said: &said{texts: make(map[string]*tally), now: time.Now}})
}

type seldomHandler struct {
	slog.Handler
	said *said
}

// said is what was said lately; loggers that were made of one another share it.
type said struct {
	now   func() time.Time
	mu    sync.Mutex
	texts map[string]*tally // messages are constant, so there are few
}

type tally struct {
	began   time.Time
	written int
	left    int // out, since the last one that was written
}

// Handle implements slog.Handler.
func (h seldomHandler) Handle(ctx context.Context, r slog.Record) error {
	if r.Level != slog.LevelWarn {
		return h.Handler.Handle(ctx, r)
	}
	left, write := h.said.take(r.Message)
	if !write {
		return nil
	}
	if left > 0 {
		r = r.Clone()
		r.AddAttrs(slog.Int("not_written", left))
	}
	return h.Handler.Handle(ctx, r)
}

// take reports whether a text is written, and how many were not before it.
func (s *said) take(text string) (left int, write bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	t := s.texts[text]
	if t == nil {
		t = &tally{began: now}
		s.texts[text] = t
	}
	if now.Sub(t.began) >= seldomWindow {
		t.began, t.written = now, 0
	}
	if t.written == seldomBurst {
		t.left++
		return 0, false
	}
	left, t.left = t.left, 0
	t.written++
	return left, true
}

// WithAttrs implements slog.Handler.
func (h seldomHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return seldomHandler{h.Handler.WithAttrs(attrs), h.said}
}

// WithGroup implements slog.Handler.
func (h seldomHandler) WithGroup(name string) slog.Handler {
	return seldomHandler{h.Handler.WithGroup(name), h.said}
}
