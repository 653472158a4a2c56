package stack

import (
	"fmt"
	"slices"
	"testing"
)

// Count is how often an event arrived at a path.
func (r *Receiver) Count(event, path string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.counts[arrivalKey{event, path}]
}

// Pairs is how many different events arrived, each path's counted.
func (r *Receiver) Pairs() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.pairs
}

// Arrivals are those at a path, in order.
func (r *Receiver) Arrivals(path string) []Arrival {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []Arrival
	for _, a := range r.arrivals {
		if a.Path == path {
			out = append(out, a)
		}
	}
	return out
}

// missing is how many of the events have not arrived at the path.
func (r *Receiver) missing(path string, events []string) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range events {
		if r.counts[arrivalKey{id, path}] == 0 {
			n++
		}
	}
	return n
}

// WaitFor waits until every one of the events has arrived at the path.
func (r *Receiver) WaitFor(t testing.TB, path string, events ...string) {
	t.Helper()
	left := len(events)
	defer func() {
		if t.Failed() {
			t.Logf("%d of %d events have not arrived at %s", left, len(events), path)
		}
	}()
	Eventually(t, fmt.Sprintf("%d events arrive at %s", len(events), path), func() bool {
		left = r.missing(path, events)
		return left == 0
	})
}

// WantOnce fails the test unless each of the events arrived at the path exactly
// once, and nothing else did. The deliveries must have settled.
func (r *Receiver) WantOnce(t testing.TB, path string, events ...string) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	var wrong []string
	for _, id := range events {
		if n := r.counts[arrivalKey{id, path}]; n != 1 {
			wrong = append(wrong, fmt.Sprintf("%s %d times", id, n))
		}
	}
	for key, n := range r.counts {
		if key.path == path && len(events) < 1000 && !slices.Contains(events, key.event) {
			wrong = append(wrong, fmt.Sprintf("%s, unasked, %d times", key.event, n))
		}
	}
	if len(wrong) > 0 {
		t.Errorf("%d events did not arrive once at %s: %v", len(wrong), path, wrong[:min(len(wrong), 5)])
	}
}
