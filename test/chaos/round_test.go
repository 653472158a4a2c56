package chaos

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"testing"
	"time"
)

// settleWithin bounds the wait for what a round has accepted.
const settleWithin = 4 * time.Minute

// warmUp is how often a round looks at what is in flight before its fault.
const warmUp = 80

// result is what a round showed.
type result struct {
	fault
	accepted, repeated int
	deliveries         int
	lost, duplicated   int
	inFlight           int // at most, as the workers said just before
	recovered          time.Duration
	resent             []time.Duration // cut off at the receiver until it came again
}

// note adds a line to the report.
func (l *lab) note(format string, args ...any) {
	l.notes = append(l.notes, fmt.Sprintf(format, args...))
}

// round lets one fault happen under load, and waits until all is delivered.
func (l *lab) round(t *testing.T, f fault) result {
	t.Helper()
	began := time.Now()
	l.waitReady(t)
	l.rounds++
	n := l.rounds
	workspace, client := l.tenant(t, n)
	l.load = l.startLoad(t, workspace, client)
	r := result{fault: f}
	for range warmUp {
		pass(13 * time.Millisecond)
		r.inFlight = max(r.inFlight, l.inFlight(t))
	}
	f.strike(t, l)
	end := time.Now()
	pass(time.Second)
	accepted := l.load.finish(t)
	r.accepted, r.repeated = len(accepted), l.load.repeated
	l.settle(t, workspace)
	r.lost = l.verify(t, n, workspace, client, slices.Collect(maps.Keys(accepted)))
	l.measure(&r, n, accepted, end)
	// What is unanswered or unrecorded when a process dies is made again: what was
	// in flight, and at most one chunk of each worker that was answered just then.
	if most := f.times * (r.inFlight + fleetSize*members); r.duplicated > most {
		t.Errorf("%s: %d duplicates, more than %d", f.key, r.duplicated, most)
	}
	t.Logf("%s: %d accepted, %d requests repeated, %d lost, %d in flight, %d duplicated, recovered after %s, sent again after %s, took %s",
		f.key, r.accepted, r.repeated, r.lost, r.inFlight, r.duplicated, r.recovered.Round(time.Millisecond), r.resent, time.Since(began).Round(time.Millisecond))
	return r
}

// measure reads what the receiver saw of a round.
func (l *lab) measure(r *result, round int, accepted map[string]time.Time, end time.Time) {
	l.receiver.mu.Lock()
	defer l.receiver.mu.Unlock()
	for event, at := range accepted {
		for _, path := range paths(round) {
			a := l.receiver.seen[arrivalKey{event, path}]
			if a == nil {
				continue // verify has counted it
			}
			needed := 1
			if a.refused {
				needed = 2
			} else if at.Before(end) {
				r.recovered = max(r.recovered, a.delivered.Sub(end))
			}
			r.deliveries++
			r.duplicated += max(a.total-needed, 0)
		}
	}
	r.resent = l.receiver.resent[strconv.Itoa(round)]
}
