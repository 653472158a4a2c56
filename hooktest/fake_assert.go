package hooktest

import (
	"encoding/json"
	"fmt"
	"strings"
)

// AssertDispatched fails the test unless an event of this type was dispatched for
// which every match holds.
func (f *Fake) AssertDispatched(eventType string, matches ...func(Event) bool) {
	f.t.Helper()
	events := f.Events()
	if n := count(events, eventType, matches); n == 0 {
		f.t.Errorf("no %s was dispatched%s. %s", eventType, thatMatches(matches), story(events, eventType))
	}
}

// AssertDispatchedTimes fails the test unless as many events of this type were
// dispatched for which every match holds.
func (f *Fake) AssertDispatchedTimes(eventType string, times int, matches ...func(Event) bool) {
	f.t.Helper()
	events := f.Events()
	if n := count(events, eventType, matches); n != times {
		f.t.Errorf("%d %s were dispatched%s, want %d. %s", n, eventType, thatMatches(matches), times, story(events, eventType))
	}
}

// AssertNotDispatched fails the test when an event of this type was dispatched for
// which every match holds.
func (f *Fake) AssertNotDispatched(eventType string, matches ...func(Event) bool) {
	f.t.Helper()
	events := f.Events()
	if n := count(events, eventType, matches); n != 0 {
		f.t.Errorf("%d %s were dispatched%s, want none. %s", n, eventType, thatMatches(matches), story(events, eventType))
	}
}

// AssertNothingDispatched fails the test when any event was dispatched.
func (f *Fake) AssertNothingDispatched() {
	f.t.Helper()
	if events := f.Events(); len(events) > 0 {
		f.t.Errorf("%d events were dispatched, want none. %s", len(events), story(events, ""))
	}
}

// AssertDispatchedWith fails the test unless an event of this type was dispatched
// whose payload is the same JSON as want's, and says how the nearest one differs.
// Order and the spelling of numbers don't matter.
func (f *Fake) AssertDispatchedWith(eventType string, want any) {
	f.t.Helper()
	raw, err := json.Marshal(want)
	if err != nil {
		f.t.Errorf("what %s should have for a payload: %v", eventType, err)
		return
	}
	events := f.Events()
	nearest, found := nearestTo(raw, eventType, events)
	switch {
	case !found:
		f.t.Errorf("no %s was dispatched. %s", eventType, story(events, eventType))
	case len(nearest) > 0:
		f.t.Errorf("no %s with this payload was dispatched; the nearest one differs:\n  %s\n%s", eventType, strings.Join(nearest, "\n  "), story(events, eventType))
	}
}

// nearestTo are the differences of the event of this type that has the fewest.
func nearestTo(want json.RawMessage, eventType string, events []Event) (nearest []string, found bool) {
	for _, e := range events {
		if e.Type != eventType {
			continue
		}
		if differences := differ(want, e.Data); !found || len(differences) < len(nearest) {
			nearest, found = differences, true
		}
	}
	return nearest, found
}

func count(events []Event, eventType string, matches []func(Event) bool) (n int) {
	for _, e := range events {
		if e.Type == eventType && all(matches, e) {
			n++
		}
	}
	return n
}

func all(matches []func(Event) bool, e Event) bool {
	for _, match := range matches {
		if !match(e) {
			return false
		}
	}
	return true
}

func thatMatches(matches []func(Event) bool) string {
	if len(matches) == 0 {
		return ""
	}
	return " that matches"
}

// A failure shows the last events only, and of each the beginning.
const (
	shownEvents = 20
	shownBytes  = 500
)

// story is what was dispatched instead, with an arrow at those of the type.
func story(events []Event, eventType string) string {
	if len(events) == 0 {
		return "Nothing was dispatched."
	}
	var b strings.Builder
	b.WriteString("Dispatched were:")
	from := max(0, len(events)-shownEvents)
	if from > 0 {
		fmt.Fprintf(&b, "\n   … %d earlier", from)
	}
	for i, e := range events[from:] {
		mark := " "
		if e.Type == eventType {
			mark = ">"
		}
		fmt.Fprintf(&b, "\n%s %2d. %s %s", mark, from+i+1, e.Type, shorten(string(e.Data)))
	}
	return b.String()
}

func shorten(text string) string {
	if len(text) <= shownBytes {
		return text
	}
	return strings.ToValidUTF8(text[:shownBytes], "") + "…"
}
