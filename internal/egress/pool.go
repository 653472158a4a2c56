package egress

import (
	"sync"
	"time"
)

// pool holds idle connections. Of a route's, the last one back is the first one
// out, so that those not needed grow old and go.
type pool struct {
	perRoute int
	timeout  time.Duration
	max      int

	mu     sync.Mutex
	idle   idleLinks
	sweep  *time.Timer
	armed  bool // sweep will run
	closed bool
}

// newPool bounds the idle connections to one route, and to all together.
func newPool(perRoute, total int, timeout time.Duration) *pool {
	return &pool{perRoute: perRoute, max: total, timeout: timeout, idle: idleLinks{routes: map[route]stack{}}}
}

// take hands out an idle connection, or nil when there is none.
func (p *pool) take(to route) *link {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.idle.routes[to].top
	// One that is too old waits for the sweep, as all below it do.
	if l == nil || time.Since(l.since) >= p.timeout {
		return nil
	}
	p.idle.remove(l)
	return l
}

// put takes a connection back. Where the route has no room left it is closed;
// where the pool has none, the one that is idle longest makes room.
func (p *pool) put(l *link) {
	out := l
	p.mu.Lock()
	if !p.closed && p.idle.routes[l.to].size < p.perRoute {
		out = nil
		if p.idle.size >= p.max {
			out = p.idle.oldest
			p.idle.remove(out)
		}
		l.since = time.Now()
		p.idle.push(l)
		p.arm(p.timeout)
	}
	p.mu.Unlock()
	if out != nil {
		out.close()
	}
}

// arm lets the sweep run in a while, if it does not anyway.
func (p *pool) arm(after time.Duration) {
	switch {
	case p.armed:
		return
	case p.sweep == nil:
		p.sweep = time.AfterFunc(after, p.expire)
	default:
		p.sweep.Reset(after)
	}
	p.armed = true
}

// expire closes what is too old.
func (p *pool) expire() {
	now := time.Now()
	p.drop(func(l *link) bool { return now.Sub(l.since) >= p.timeout })
	p.mu.Lock()
	defer p.mu.Unlock()
	p.armed = false
	if p.idle.oldest != nil && !p.closed {
		// Not at the moment of each one: those of a second go together.
		p.arm(max(p.timeout-now.Sub(p.idle.oldest.since), time.Second))
	}
}

// close closes what is idle, and from now on what comes back.
func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	if p.sweep != nil {
		p.sweep.Stop()
	}
	p.mu.Unlock()
	p.drop(func(*link) bool { return true })
}

// drop closes the oldest connections for as long as they match.
func (p *pool) drop(match func(*link) bool) {
	for {
		p.mu.Lock()
		l := p.idle.oldest
		if l == nil || !match(l) {
			p.mu.Unlock()
			return
		}
		p.idle.remove(l)
		p.mu.Unlock()
		l.close() // without the lock: TLS may have to wait
	}
}
