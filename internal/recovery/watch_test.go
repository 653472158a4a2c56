package recovery

import (
	"slices"
	"testing"
)

func TestWatch(t *testing.T) {
	t.Parallel()
	// looks lets w look n times at the same, which must be silent to it only at the
	// last of them, if at all.
	looks := func(t *testing.T, w *watch, n int, signs map[string]int64) []string {
		t.Helper()
		for range n - 1 {
			if silent := w.look(signs); len(silent) > 0 {
				t.Fatalf("%v are silent too soon", silent)
			}
		}
		return w.look(signs)
	}
	wants := func(t *testing.T, got []string, want ...string) {
		t.Helper()
		if !slices.Equal(got, want) {
			t.Errorf("silent are %v, want %v", got, want)
		}
	}

	t.Run("FindsWhatStandsStillAndNotWhatMovesAtTheLastMoment", func(t *testing.T) {
		t.Parallel()
		w := &watch{}
		looks(t, w, silentAfter, map[string]int64{"b": 1, "a": 1, "moves": 1})
		wants(t, w.look(map[string]int64{"b": 1, "a": 1, "moves": 2}), "a", "b")
	})

	t.Run("TakesAnOlderValueForAMove", func(t *testing.T) {
		t.Parallel()
		w := &watch{} // a task that another worker runs now, whose clock is behind
		looks(t, w, silentAfter, map[string]int64{"a": 9})
		wants(t, w.look(map[string]int64{"a": 8}))
		wants(t, looks(t, w, silentAfter, map[string]int64{"a": 8}), "a")
	})

	t.Run("GivesEverybodyTheWholeTimeAfterABlink", func(t *testing.T) {
		t.Parallel()
		w := &watch{}
		looks(t, w, silentAfter, map[string]int64{"a": 1})
		w.blink()
		wants(t, looks(t, w, silentAfter-1, map[string]int64{"a": 1}))
		wants(t, w.look(map[string]int64{"a": 1}), "a")
	})

	t.Run("ForgetsWhoLeft", func(t *testing.T) {
		t.Parallel()
		w := &watch{}
		looks(t, w, silentAfter, map[string]int64{"a": 1})
		wants(t, w.look(nil))
		wants(t, looks(t, w, silentAfter, map[string]int64{"a": 1}))
	})

	t.Run("NamesOneUntilItIsBuriedAndAgainAfterItMoved", func(t *testing.T) {
		t.Parallel()
		w := &watch{}
		looks(t, w, silentAfter, map[string]int64{"a": 1})
		wants(t, w.look(map[string]int64{"a": 1}), "a")
		wants(t, w.look(map[string]int64{"a": 1}), "a")
		w.bury([]string{"a"})
		wants(t, looks(t, w, 3, map[string]int64{"a": 1}))
		w.blink()
		wants(t, looks(t, w, 2*silentAfter, map[string]int64{"a": 1}))
		wants(t, looks(t, w, silentAfter+1, map[string]int64{"a": 2}), "a")
	})
}
