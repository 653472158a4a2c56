package recovery

import "slices"

// silentAfter is how many looks in a row, a second apart, find no sign of life
// before a worker counts as dead. asynq extends the leases of running tasks every
// 5 s and workers send a heartbeat every 3 s: that is two of the former missed,
// not one, and three of the latter.
const silentAfter = 11

// watch finds what gives no sign of life any more: a value that used to move and
// does not. It counts looks and compares no clocks: a worker's, which writes the
// leases, may be off by seconds, and a scheduler that was paused, or could not
// look, must not take its own absence for everybody else's.
type watch struct {
	seen map[string]sighting
}

type sighting struct {
	value  int64
	still  int  // looks since that found the same value
	buried bool // what it held has been taken back
}

// look takes what is there now, and returns the silent that are not buried, in
// order.
func (w *watch) look(signs map[string]int64) (silent []string) {
	seen := make(map[string]sighting, len(signs))
	for name, value := range signs {
		s, known := w.seen[name]
		if known && s.value == value {
			s.still++
		} else {
			s = sighting{value: value}
		}
		seen[name] = s
		if s.still >= silentAfter && !s.buried {
			silent = append(silent, name)
		}
	}
	w.seen = seen
	slices.Sort(silent)
	return silent
}

// bury keeps names from being returned again, unless they move.
func (w *watch) bury(names []string) {
	for _, name := range names {
		s := w.seen[name]
		s.buried = true
		w.seen[name] = s
	}
}

// blink is a look that failed: who could not be seen may not have been able to
// give a sign either, so that everybody gets the whole time again.
func (w *watch) blink() {
	for name, s := range w.seen {
		s.still = 0
		w.seen[name] = s
	}
}
