package stack

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

// Balancer calls a fleet of APIs as a load balancer does: it asks each for its
// readiness twice a second, goes round those that are ready (where none is, those
// that last were), and makes a request that was refused or answered with 503 once
// more, at another one.
type Balancer struct {
	stack *Stack
	quit  chan struct{}
	done  chan struct{}

	mu    sync.Mutex
	all   []*Process
	ready []*Process
	none  bool // of all is ready; ready are those that last were
	next  int
	again int
	blind int
}

const askReady = 500 * time.Millisecond

// NewBalancer starts one before APIs that are ready.
func (s *Stack) NewBalancer(t testing.TB, apis ...*Process) *Balancer {
	t.Helper()
	b := &Balancer{stack: s, quit: make(chan struct{}), done: make(chan struct{}), all: apis, ready: slices.Clone(apis)}
	go b.follow(t)
	t.Cleanup(func() {
		close(b.quit)
		<-b.done
	})
	return b
}

// Add lets another API have requests once it is ready.
func (b *Balancer) Add(p *Process) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.all = append(b.all, p)
}

// Again is how many requests were made twice.
func (b *Balancer) Again() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.again
}

// Blind is how many requests were made while no API was ready.
func (b *Balancer) Blind() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.blind
}

func (b *Balancer) follow(t testing.TB) {
	defer close(b.done)
	tick := time.NewTicker(askReady)
	defer tick.Stop()
	for {
		select {
		case <-b.quit:
			return
		case <-tick.C:
			b.look(t)
		}
	}
}

func (b *Balancer) look(t testing.TB) {
	b.mu.Lock()
	all := slices.Clone(b.all)
	b.mu.Unlock()
	ready := slices.DeleteFunc(all, func(p *Process) bool {
		code, _ := b.stack.get(t, p.Health+"/readyz")
		return code != http.StatusOK
	})
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.none = len(ready) == 0; !b.none {
		b.ready = ready
	}
}

// pick is the next API in turn.
func (b *Balancer) pick() *Process {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.none {
		b.blind++
	}
	b.next++
	return b.ready[b.next%len(b.ready)]
}

// Try is c's Try at whichever API is next, and once more at the one after it.
func (b *Balancer) Try(ctx context.Context, c Client, method, path string, in any) (Answer, error) {
	a, err := b.once(ctx, c, method, path, in)
	if err == nil && a.Status != http.StatusServiceUnavailable {
		return a, nil
	}
	b.mu.Lock()
	b.again++
	b.mu.Unlock()
	if seconds, atoi := strconv.Atoi(a.Header.Get("Retry-After")); atoi == nil {
		<-time.After(time.Duration(seconds) * time.Second)
	}
	return b.once(ctx, c, method, path, in)
}

func (b *Balancer) once(ctx context.Context, c Client, method, path string, in any) (Answer, error) {
	return c.At(b.pick()).Try(ctx, method, path, in)
}
