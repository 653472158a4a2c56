package await

import (
	"context"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// How often an event is looked at: soon at first, for most are delivered at once,
// and ever more seldom.
const (
	firstLook   = 10 * time.Millisecond
	mostBetween = 250 * time.Millisecond
	// leastBetween is between any two looks, whoever they are for.
	leastBetween = 10 * time.Millisecond
	lookTimeout  = 2 * time.Second
)

// waiter is one publisher.
type waiter struct {
	webhook.Awaited
	settled chan struct{} // closed when it is
	// next is when to look, spacing how long after the look before. Waits.mu guards them.
	next    time.Time
	spacing time.Duration
}

// join is false where too many wait already, or too many of the workspace's.
func (w *Waits) join(me *waiter) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.waiters) >= w.cfg.MaxWaiters || w.of(me.WorkspaceID) >= max(w.cfg.MaxWaiters/2, 1) {
		return false
	}
	me.spacing = firstLook
	me.next = time.Now().Add(firstLook)
	w.waiters[me] = struct{}{}
	w.metrics.waiting.Set(float64(len(w.waiters)))
	select {
	case w.joined <- struct{}{}:
	default: // it is about to look around anyway
	}
	return true
}

// of is how many wait for the workspace's events.
func (w *Waits) of(ws webhook.WorkspaceID) (n int) {
	for m := range w.waiters {
		if m.WorkspaceID == ws {
			n++
		}
	}
	return n
}

func (w *Waits) leave(me *waiter) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.waiters, me)
	w.metrics.waiting.Set(float64(len(w.waiters)))
}

func (w *Waits) run() {
	defer close(w.done)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		if at, ok := w.nextLook(); ok {
			timer.Reset(time.Until(at))
		} else {
			timer.Stop()
		}
		select {
		case <-w.quit:
			return
		case <-w.joined:
		case <-timer.C:
			w.look(time.Now())
		}
	}
}

// nextLook is when somebody's is due; false where nobody waits.
func (w *Waits) nextLook() (at time.Time, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for m := range w.waiters {
		if !ok || m.next.Before(at) {
			at, ok = m.next, true
		}
	}
	if earliest := w.looked.Add(leastBetween); at.Before(earliest) {
		at = earliest
	}
	return at, ok
}

// look asks about every waiter whose time has come, or will before long, in one
// query: so those that wait long come to share theirs.
func (w *Waits) look(now time.Time) {
	due := w.takeDue(now)
	if len(due) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), lookTimeout)
	defer cancel()
	events := make([]webhook.Awaited, 0, len(due))
	byEvent := make(map[webhook.ID][]*waiter, len(due))
	for _, m := range due {
		if byEvent[m.EventID] == nil {
			events = append(events, m.Awaited)
		}
		byEvent[m.EventID] = append(byEvent[m.EventID], m)
	}
	w.metrics.looks.Inc()
	ids, err := w.store.Settled(ctx, events)
	if err != nil {
		// They are asked about again, and told at the end what is known then.
		w.cfg.Logger.Warn("events that publishers wait for were not looked at", "events", len(events), "error", err)
		return
	}
	w.settle(ids, byEvent)
}

func (w *Waits) takeDue(now time.Time) (due []*waiter) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for m := range w.waiters {
		if m.next.Add(-m.spacing / 2).After(now) {
			continue
		}
		m.spacing = min(2*m.spacing, mostBetween)
		m.next = now.Add(m.spacing)
		due = append(due, m)
	}
	w.looked = now
	return due
}

// settle tells those who wait, and asks about them no more.
func (w *Waits) settle(ids []webhook.ID, byEvent map[webhook.ID][]*waiter) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, id := range ids {
		for _, m := range byEvent[id] {
			if _, waits := w.waiters[m]; waits {
				delete(w.waiters, m)
				close(m.settled)
			}
		}
	}
}
