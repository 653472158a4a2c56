package console

import (
	"strconv"
	"testing"
)

func TestPlaces(t *testing.T) {
	t.Parallel()
	var p places
	var leave []func()
	take := func(session string, want bool) {
		t.Helper()
		out, ok := p.take(session)
		if ok != want {
			t.Fatalf("with %d taken %s gets one: %v", p.all, session, ok)
		}
		if ok {
			leave = append(leave, out)
		}
	}
	for range maxStreamsOfOne {
		take("greedy", true)
	}
	take("greedy", false)
	for n := range maxStreams - maxStreamsOfOne {
		take(strconv.Itoa(n), true)
	}
	take("late", false)
	for _, out := range leave {
		out()
	}
	if p.all != 0 || len(p.of) != 0 {
		t.Errorf("left behind: %d, %v", p.all, p.of)
	}
	take("greedy", true)
}
