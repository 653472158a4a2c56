package webhook

import (
	"iter"
	"math"
	"slices"
	"time"
)

// Cell is what of deliveries is counted: a status, a class of errors, or a range
// of times. Cells are stored, so what one means must not change.
type Cell int16

// Cells of statuses and of error classes are numbered as in Statuses and in
// ErrorClasses, from 1: those may be added to at their ends only. Eight cells of
// times double the time, from 64 µs on.
const (
	statusCells   Cell = 0
	errorCells    Cell = 100 // itself: of a class that is none of ours
	durationCells Cell = 1000
	latencyCells  Cell = 2000
)

const (
	cellsPerDoubling = 8
	shortestCell     = 64 * time.Microsecond
	// cellsOfTime is how many there are: the last is from 51 days on.
	cellsOfTime = 288
	// cellsOfNames bounds how many statuses, and how many classes, are counted.
	cellsOfNames = 64
)

// Tally counts the deliveries of some time by cell; the zero one none. A cell that is
// none of ours, as a later release may store it, is not counted.
type Tally struct {
	statuses, errors     [cellsOfNames]int64
	durations, latencies [cellsOfTime]int64
}

// Add adds n to a cell.
func (t *Tally) Add(c Cell, n int64) {
	switch {
	case c >= latencyCells:
		add(t.latencies[:], c-latencyCells, n)
	case c >= durationCells:
		add(t.durations[:], c-durationCells, n)
	case c >= errorCells:
		add(t.errors[:], c-errorCells, n)
	case c >= statusCells:
		add(t.statuses[:], c-statusCells, n)
	}
}

func add(to []int64, i Cell, n int64) {
	if int(i) < len(to) {
		to[i] += n
	}
}

// Cells are those that occurred, in their order, and how often.
func (t *Tally) Cells() iter.Seq2[Cell, int64] {
	return func(yield func(Cell, int64) bool) {
		for _, g := range []struct {
			first  Cell
			counts []int64
		}{{statusCells, t.statuses[:]}, {errorCells, t.errors[:]}, {durationCells, t.durations[:]}, {latencyCells, t.latencies[:]}} {
			for i, n := range g.counts {
				if n != 0 && !yield(g.first+Cell(i), n) {
					return
				}
			}
		}
	}
}

// Merge adds what o counted.
func (t *Tally) Merge(o *Tally) {
	addAll(t.statuses[:], o.statuses[:])
	addAll(t.errors[:], o.errors[:])
	addAll(t.durations[:], o.durations[:])
	addAll(t.latencies[:], o.latencies[:])
}

func addAll(to, from []int64) {
	for i, n := range from {
		to[i] += n
	}
}

// Status is how many deliveries have the status.
func (t *Tally) Status(s Status) int64 { return t.statuses[slices.Index(Statuses(), s)+1] }

// Deliveries is how many there are.
func (t *Tally) Deliveries() (n int64) {
	for _, s := range Statuses() {
		n += t.Status(s)
	}
	return n
}

// Attempts is how many requests were made.
func (t *Tally) Attempts() int64 { return sum(t.durations[:]) }

func sum(all []int64) (total int64) {
	for _, n := range all {
		total += n
	}
	return total
}

// SuccessRate is the part of the deliveries that ended well among those that were
// tried to their end; ok is false when there are none.
func (t *Tally) SuccessRate() (rate float64, ok bool) {
	success, failed := t.Status(StatusSuccess), t.Status(StatusFailed)
	if success+failed == 0 {
		return 0, false
	}
	return float64(success) / float64(success+failed), true
}

// Errors is how many attempts met which class of errors; those that none met are
// not in it.
func (t *Tally) Errors() map[ErrorClass]int64 {
	out := map[ErrorClass]int64{}
	for i, class := range ErrorClasses() {
		if n := t.errors[i+1]; n > 0 {
			out[class] += n
		}
	}
	if n := t.errors[0]; n > 0 {
		out[ClassInternal] += n
	}
	return out
}

// Duration is the quantile q of how long attempts took; Latency of how long it took
// from an event's acceptance to a delivery's success. Both are at most 4.5 % off.
// ok is false when nothing was measured.
func (t *Tally) Duration(q float64) (d time.Duration, ok bool) { return quantile(q, t.durations[:]) }

// Latency is described at Duration.
func (t *Tally) Latency(q float64) (d time.Duration, ok bool) { return quantile(q, t.latencies[:]) }

// quantile is the geometric middle of the cell that holds the nearest rank.
func quantile(q float64, cells []int64) (time.Duration, bool) {
	rank := max(int64(math.Ceil(q*float64(sum(cells)))), 1)
	for i, n := range cells {
		if rank -= n; rank <= 0 {
			return middle(i), true
		}
	}
	return 0, false
}

func middle(cell int) time.Duration {
	return time.Duration(float64(shortestCell) * math.Exp2((float64(cell)+0.5)/cellsPerDoubling))
}
