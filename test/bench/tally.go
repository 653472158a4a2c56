package main

import (
	"fmt"
	"strconv"
	"sync/atomic"
	"time"
)

// tally counts what arrives in one run: for each event and endpoint exactly one
// request, and that with the number of the attempt that is next.
type tally struct {
	kind   kind
	first  int // number of the first event
	events int
	// counts and arrived are indexed by event and then by endpoint; arrived
	// holds unix nanoseconds.
	counts  []atomic.Int32
	arrived []atomic.Int64

	left                        atomic.Int64
	all                         chan struct{} // closed when nothing is left
	last                        atomic.Int64  // unix nanoseconds of the last arrival
	duplicates, strays, retries atomic.Int64
}

// newTally expects every event at each endpoint of its kind.
func newTally(k kind, first, events int) *tally {
	n := events * k.fanout
	t := &tally{
		kind: k, first: first, events: events, all: make(chan struct{}),
		counts: make([]atomic.Int32, n), arrived: make([]atomic.Int64, n),
	}
	t.left.Store(int64(n))
	if n == 0 {
		close(t.all)
	}
	return t
}

// arrival is one request at the receiver.
type arrival struct {
	kind     string
	endpoint int
	event    int
	attempt  string // empty when it came straight
	at       time.Time
}

func (t *tally) add(a arrival) {
	slot, ok := t.slot(a)
	if !ok {
		t.strays.Add(1)
		return
	}
	if a.attempt != "" && a.attempt != strconv.Itoa(t.kind.attempts+1) {
		t.retries.Add(1)
	}
	if t.counts[slot].Add(1) > 1 {
		t.duplicates.Add(1)
		return
	}
	t.arrived[slot].Store(a.at.UnixNano())
	t.last.Store(a.at.UnixNano())
	if t.left.Add(-1) == 0 {
		close(t.all)
	}
}

// slot is false for what this run did not send there.
func (t *tally) slot(a arrival) (int, bool) {
	n := a.event - t.first
	if n < 0 || n >= t.events || a.kind != t.kind.name {
		return 0, false
	}
	switch {
	case t.kind.bare:
		return n, true
	case t.kind.fanout == 1:
		return n, a.endpoint == a.event%endpoints
	default:
		return n*t.kind.fanout + a.endpoint, a.endpoint >= 0 && a.endpoint < t.kind.fanout
	}
}

// faults is what went wrong; all of it must be 0.
type faults struct {
	// lost never arrived, duplicates arrived again, retries had a number that was
	// not next, strays belong to no event of the run.
	lost, duplicates, retries, strays int64
}

func (t *tally) faults() faults {
	return faults{t.left.Load(), t.duplicates.Load(), t.retries.Load(), t.strays.Load()}
}

func (f faults) plus(g faults) faults {
	return faults{f.lost + g.lost, f.duplicates + g.duplicates, f.retries + g.retries, f.strays + g.strays}
}

// verdict is a report's that has no others.
func (f faults) verdict() error {
	if f == (faults{}) {
		return nil
	}
	return fmt.Errorf("deliveries went wrong: %s", f)
}
