package webhook

import (
	"maps"
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
	// EndOfCells is above every cell.
	EndOfCells Cell = 3000
)

const (
	cellsPerDoubling = 8
	shortestCell     = 64 * time.Microsecond
)

// Tally counts the deliveries of some time by cell.
type Tally map[Cell]int64

// Add adds n to a cell.
func (t Tally) Add(c Cell, n int64) { t[c] += n }

// Merge adds what o counted.
func (t Tally) Merge(o Tally) {
	for c, n := range o {
		t[c] += n
	}
}

// Status is how many deliveries have the status.
func (t Tally) Status(s Status) int64 {
	return t[statusCells+Cell(slices.Index(Statuses(), s)+1)]
}

// Deliveries is how many there are.
func (t Tally) Deliveries() (n int64) {
	for _, s := range Statuses() {
		n += t.Status(s)
	}
	return n
}

// Attempts is how many requests were made.
func (t Tally) Attempts() (n int64) {
	for c, m := range t {
		if c >= durationCells && c < latencyCells {
			n += m
		}
	}
	return n
}

// SuccessRate is the part of the deliveries that ended well among those that were
// tried to their end; ok is false when there are none.
func (t Tally) SuccessRate() (rate float64, ok bool) {
	success, failed := t.Status(StatusSuccess), t.Status(StatusFailed)
	if success+failed == 0 {
		return 0, false
	}
	return float64(success) / float64(success+failed), true
}

// Errors is how many attempts met which class of errors; those that none met are
// not in it.
func (t Tally) Errors() map[ErrorClass]int64 {
	out := map[ErrorClass]int64{}
	for i, class := range ErrorClasses() {
		if n := t[errorCells+Cell(i+1)]; n > 0 {
			out[class] += n
		}
	}
	if n := t[errorCells]; n > 0 {
		out[ClassInternal] += n
	}
	return out
}

// Duration is the quantile q of how long attempts took; Latency of how long it took
// from an event's acceptance to a delivery's success. Both are at most 4.5 % off.
// ok is false when nothing was measured.
func (t Tally) Duration(q float64) (d time.Duration, ok bool) {
	return t.quantile(q, durationCells, latencyCells)
}

// Latency is described at Duration.
func (t Tally) Latency(q float64) (d time.Duration, ok bool) {
	return t.quantile(q, latencyCells, EndOfCells)
}

// quantile is the geometric middle of the cell that holds the nearest rank.
func (t Tally) quantile(q float64, first, end Cell) (time.Duration, bool) {
	var total int64
	var cells []Cell
	for _, c := range slices.Sorted(maps.Keys(t)) {
		if c >= first && c < end && t[c] > 0 {
			total += t[c]
			cells = append(cells, c)
		}
	}
	rank := max(int64(math.Ceil(q*float64(total))), 1)
	for _, c := range cells {
		if rank -= t[c]; rank <= 0 {
			return middle(c - first), true
		}
	}
	return 0, false
}

func middle(cell Cell) time.Duration {
	return time.Duration(float64(shortestCell) * math.Exp2((float64(cell)+0.5)/cellsPerDoubling))
}
