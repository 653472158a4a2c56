package outbox

import (
	"bytes"
	"log/slog"
	"sync"
)

// log is what was logged.
type log struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func newLog() *log { return &log{} }

func (l *log) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}
