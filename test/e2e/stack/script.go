package stack

import (
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/signature"
)

// Step answers one request.
type Step func(w http.ResponseWriter, req *http.Request)

// Script answers the next requests to a path with these steps, in order; those
// after them get 204.
func (r *Receiver) Script(path string, steps ...Step) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.scripts[path] = steps
}

// Times is the same step n times.
func Times(n int, step Step) []Step { return slices.Repeat([]Step{step}, n) }

// Status answers with a status.
func Status(code int) Step {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

// Reset cuts the connection off without an answer.
func Reset() Step {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err) // HTTP/1.1 on TCP can be taken over
		}
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // a close is then a reset
		}
		_ = conn.Close()
	}
}

// Gate holds requests back until it is opened.
type Gate struct {
	opened  chan struct{}
	once    sync.Once
	mu      sync.Mutex
	waiting int
}

// NewGate makes a closed gate. It opens at the end of the test at the latest.
func NewGate(t testing.TB) *Gate {
	g := &Gate{opened: make(chan struct{})}
	t.Cleanup(g.Open)
	return g
}

// Open lets everything through that waits, and what comes later at once.
func (g *Gate) Open() { g.once.Do(func() { close(g.opened) }) }

// Waiting is how many requests are being held back.
func (g *Gate) Waiting() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.waiting
}

// Hang holds a request back until the gate opens, then answers 204; or until its
// sender gives up.
func Hang(g *Gate) Step {
	return func(w http.ResponseWriter, req *http.Request) {
		g.add(1)
		defer g.add(-1)
		select {
		case <-g.opened:
			w.WriteHeader(http.StatusNoContent)
		case <-req.Context().Done():
		}
	}
}

func (g *Gate) add(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waiting += n
}

// After answers with a status when so much time has passed, or not at all when its
// sender gives up before.
func After(d time.Duration, code int) Step {
	return func(w http.ResponseWriter, req *http.Request) {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
			w.WriteHeader(code)
		case <-req.Context().Done():
		}
	}
}

// FirstAttempt answers first attempts with a status, and all others with 204.
func FirstAttempt(code int) Step {
	return func(w http.ResponseWriter, req *http.Request) {
		if req.Header.Get(signature.HeaderAttempt) == "1" {
			w.WriteHeader(code)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}
}
