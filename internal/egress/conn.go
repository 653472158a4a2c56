package egress

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// readGrace is how long a failed write waits for the reader's view of it.
const readGrace = 100 * time.Millisecond

// witness is a connection that lets its reader have the last word. net/http
// reads and writes in two goroutines and reports whichever fails first. When a
// receiver answers early and hangs up, that is a broken pipe, and the answer or
// TLS alert that lies in the socket is thrown away with it.
type witness struct {
	net.Conn
	once   sync.Once
	failed chan struct{} // closed when a read failed
	cause  error         // of the first failed read; set before failed is closed
}

func newWitness(conn net.Conn) *witness {
	return &witness{Conn: conn, failed: make(chan struct{})}
}

func (w *witness) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	if err != nil {
		w.once.Do(func() {
			w.cause = err
			close(w.failed)
		})
	}
	return n, err
}

func (w *witness) Write(p []byte) (int, error) {
	n, err := w.Conn.Write(p)
	if err == nil {
		return n, nil
	}
	// The connection is dead both ways, so the reader is about to fail as well,
	// unless it found an answer: that one then overtakes this error.
	grace := time.NewTimer(readGrace)
	defer grace.Stop()
	select {
	case <-w.failed:
	case <-grace.C:
	}
	return n, err
}

// broke returns what the first failed read met; nil when none failed, or when
// that was but the end of the stream.
func (w *witness) broke() error {
	select {
	case <-w.failed:
		if !errors.Is(w.cause, io.EOF) {
			return w.cause
		}
	default:
	}
	return nil
}
