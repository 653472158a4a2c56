package deliver

import (
	"sync"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// limiter shares a worker's request slots among endpoints, so that none hurts
// another. Each endpoint has a window that starts small, grows with quick
// successes and halves on failures; endpoints that are not proven quick share
// at most half of the slots, however many they are.
type limiter struct {
	mu        sync.Mutex
	slots     int // free
	slowSlots int // free for endpoints that are not quick; may be negative
	// newcomers are those of slowSlots that only an endpoint with nothing in
	// flight gets: after a start all are unknown, and a few that hang, with a
	// full window each, would keep the others from ever being known.
	newcomers int
	endpoints map[webhook.ID]*lane
	// ready holds lanes with somebody waiting, in turn.
	ready []*lane
	// waits is how many wait for a slot, of all endpoints.
	waits int
	// begin is called for whoever is granted a slot. It must not wait.
	begin func(attempter)
}

// lane is one endpoint's share.
type lane struct {
	window   float64
	inFlight int
	// quick: the last request succeeded in under slowAfter, and none in flight
	// is older. Whatever is unknown is not quick.
	quick bool
	// known: a request has ended.
	known   bool
	average time.Duration // of a request, smoothed
	starts  []time.Time   // of those in flight, oldest first
	waiting []*ticket
	queued  bool // in ready
}

// ticket is a place in the queue for a slot. Nobody waits on a goroutine for it:
// thousands may, and each would have a stack.
type ticket struct {
	who     attempter // begins once the slot is granted
	backlog bool      // it is a retry, or bulk
	lane    *lane     // nil before it was entered
	ceiling int
	entered time.Time
	granted bool
	start   time.Time // when the slot was granted
	gone    bool
}

const (
	// firstWindow is what an endpoint gets that nothing is known of.
	firstWindow = 8
	// slowAfter is when a request counts as slow and its chunk goes on without it.
	slowAfter = time.Second
	// maxQueue is how long a member may expect to wait for its turn; beyond it
	// parking is cheaper than memory.
	maxQueue = 2 * time.Second
)

func newLimiter(slots int, begin func(attempter)) *limiter {
	slow := max(slots/2, 1)
	return &limiter{slots: slots, slowSlots: slow, newcomers: slow / 2, endpoints: make(map[webhook.ID]*lane), begin: begin}
}

// enter queues t, which says who waits and whence, for a slot of the endpoint. False: the
// queue is so long that the caller should park instead.
func (l *limiter) enter(id webhook.ID, ceiling int, now time.Time, t *ticket) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.endpoints[id]
	if e == nil {
		e = &lane{window: firstWindow}
		l.endpoints[id] = e
	}
	if e.queueing(ceiling, t.backlog, now) > maxQueue {
		return false
	}
	t.lane, t.ceiling, t.entered = e, ceiling, now
	e.waiting = append(e.waiting, t)
	l.waits++
	l.enqueue(e)
	l.grant(now)
	return true
}

// waiting is how many wait for a slot.
func (l *limiter) waiting() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.waits
}

// stuck reports whether the endpoint of a request in flight is known to be slow or
// failing, or about to be.
func (l *limiter) stuck(t *ticket, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return t.lane.stuck(now)
}

// leave gives up waiting; false for who does not wait, or not any more.
func (l *limiter) leave(id webhook.ID, t *ticket) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !t.waits() {
		return false
	}
	t.gone = true
	l.waits--
	t.lane.next() // behind a hanging request nothing else drops those who left
	l.forget(id, t.lane)
	return true
}

// tires reports whether who waits had better give up: its endpoint is known to be
// slow or failing, or may be, and patience is over.
func (l *limiter) tires(t *ticket, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	// Under a load that fills every slot a quick endpoint's members wait long, too.
	// Parking them would cost two writes each and a ramp that starts at one.
	if !t.waits() || t.lane.moves(now) {
		return false
	}
	waited := now.Sub(t.entered)
	return waited >= patience || waited >= glance && t.lane.stuck(now)
}

// waits is so from enter to the grant, unless it left.
func (t *ticket) waits() bool { return t.lane != nil && !t.granted && !t.gone }

// release gives a slot back and learns from how the request went.
func (l *limiter) release(id webhook.ID, t *ticket, now time.Time, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := t.lane
	took := now.Sub(t.start)
	e.average += (took - e.average) / 8
	l.free(t)
	e.known = true
	l.setQuick(e, ok && took < slowAfter && !e.hasOld(now))
	switch {
	case !ok:
		e.window = max(e.window/2, 1)
	case took < slowAfter:
		e.window = min(e.window+1, 1<<16)
	}
	l.enqueue(e)
	l.grant(now)
	l.forget(id, e)
}

// unused gives a slot back for which there was no request, so nothing to learn.
func (l *limiter) unused(id webhook.ID, t *ticket, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.free(t)
	l.enqueue(t.lane)
	l.grant(now)
	l.forget(id, t.lane)
}

func (l *limiter) free(t *ticket) {
	e := t.lane
	l.slots++
	e.inFlight--
	if !e.quick {
		l.slowSlots++
	}
	e.starts = removeFirst(e.starts, t.start)
}

// sweep looks for requests that became slow meanwhile: nothing else would tell
// until they end.
func (l *limiter) sweep(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.endpoints {
		if e.quick && e.hasOld(now) {
			l.setQuick(e, false)
		}
	}
	l.grant(now)
}

// grant hands out free slots, one to each endpoint in turn.
func (l *limiter) grant(now time.Time) {
	for tries := len(l.ready); tries > 0 && l.slots > 0; {
		e := l.ready[0]
		l.ready = l.ready[1:]
		e.queued = false
		t := e.next()
		if t == nil {
			tries--
			continue
		}
		if float64(e.inFlight) >= e.limit(t.ceiling) {
			tries-- // comes back with its next release
			continue
		}
		if !e.quick && !l.hasSlow(e) {
			l.enqueue(e)
			tries--
			continue
		}
		e.drop()
		l.slots--
		if !e.quick {
			l.slowSlots--
		}
		e.inFlight++
		t.start = now
		e.starts = append(e.starts, now)
		t.granted = true
		l.waits--
		l.begin(t.who)
		l.enqueue(e)
		tries = len(l.ready) // a full round in vain ends it
	}
}

// hasSlow: there is a slot for this lane, which is not quick.
func (l *limiter) hasSlow(e *lane) bool {
	return l.slowSlots > l.newcomers || l.slowSlots > 0 && e.inFlight == 0
}

func (l *limiter) enqueue(e *lane) {
	if !e.queued && len(e.waiting) > 0 {
		e.queued = true
		l.ready = append(l.ready, e)
	}
}

// setQuick moves an endpoint between the two classes, its slots with it.
func (l *limiter) setQuick(e *lane, quick bool) {
	if e.quick == quick {
		return
	}
	e.quick = quick
	if quick {
		l.slowSlots += e.inFlight
	} else {
		l.slowSlots -= e.inFlight
	}
}

// forget drops an endpoint that is idle and as new: memory is for those in use.
func (l *limiter) forget(id webhook.ID, e *lane) {
	if e.inFlight == 0 && e.next() == nil && len(l.endpoints) > maxIdleLanes {
		delete(l.endpoints, id)
	}
}

const maxIdleLanes = 10_000

// drop takes the first out. The ticket is part of its member, which holds a chunk
// with its events: a slice that still pointed there would keep them.
func (e *lane) drop() {
	e.waiting[0] = nil
	if e.waiting = e.waiting[1:]; len(e.waiting) == 0 {
		e.waiting = nil
	}
}

// next is the first that still waits.
func (e *lane) next() *ticket {
	for len(e.waiting) > 0 && e.waiting[0].gone {
		e.drop()
	}
	if len(e.waiting) == 0 {
		return nil
	}
	return e.waiting[0]
}

// moves: its queue gets shorter, for it answers quickly, and only the slots are short.
func (e *lane) moves(now time.Time) bool { return e.quick && !e.hasOld(now) }

// stuck: it is slow or failing, or one of its requests is old. Whatever is unknown
// gets the time to show.
func (e *lane) stuck(now time.Time) bool { return !e.quick && e.known || e.hasOld(now) }

func (e *lane) limit(ceiling int) float64 { return max(min(e.window, float64(ceiling)), 1) }

// queueing is how long who comes now may expect to wait. A backlog that steps aside
// comes over a second or so, in which its first requests run and the window is small.
// Had it come at once nothing would be known of the endpoint, and all would wait. It
// isn't parked for having come later, at two writes each: while the endpoint may be
// quick, whose window doubles with each round, only requests that ended count.
func (e *lane) queueing(ceiling int, backlog bool, now time.Time) time.Duration {
	limit, each := e.limit(ceiling), e.expected(now)
	if backlog && (e.quick || !e.known) && !e.hasOld(now) {
		limit, each = float64(max(ceiling, 1)), e.average
	}
	return time.Duration(float64(len(e.waiting)) / limit * float64(each))
}

func (e *lane) hasOld(now time.Time) bool {
	return len(e.starts) > 0 && now.Sub(e.starts[0]) >= slowAfter
}

// expected is how long a request takes. Of an endpoint that hangs there is no
// answer yet to learn from, so half of those in flight say it as well: one among
// many quick ones does not.
func (e *lane) expected(now time.Time) time.Duration {
	if len(e.starts) == 0 {
		return e.average
	}
	return max(e.average, now.Sub(e.starts[len(e.starts)/2]))
}

func removeFirst(s []time.Time, t time.Time) []time.Time {
	for i := range s {
		if s[i].Equal(t) {
			return append(s[:i], s[i+1:]...)
		}
	}
	return s
}
