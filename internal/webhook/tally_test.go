package webhook_test

import (
	"math"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

func tallyOf(counts map[webhook.Cell]int64) *webhook.Tally {
	t := &webhook.Tally{}
	for c, n := range counts {
		t.Add(c, n)
	}
	return t
}

func TestTallyKnowsEveryStatusAndClass(t *testing.T) {
	t.Parallel()
	// The numbers are stored: these lists may only grow at their ends.
	tally := tallyOf(map[webhook.Cell]int64{1: 1, 2: 20, 3: 300, 4: 4000, 100: 7, 101: 1, 109: 9, 1000: 5, 1287: 6, 2000: 50})
	for status, want := range map[webhook.Status]int64{
		webhook.StatusPending: 1, webhook.StatusSuccess: 20, webhook.StatusFailed: 300, webhook.StatusCanceled: 4000,
	} {
		if got := tally.Status(status); got != want {
			t.Errorf("%s: %d, want %d", status, got, want)
		}
	}
	if n := tally.Deliveries(); n != 4321 {
		t.Errorf("%d deliveries", n)
	}
	if n := tally.Attempts(); n != 11 {
		t.Errorf("%d attempts", n)
	}
	errs := tally.Errors()
	if len(errs) != 2 || errs[webhook.ClassTimeout] != 1 || errs[webhook.ClassInternal] != 16 {
		t.Errorf("errors: %v", errs)
	}
	if rate, ok := tally.SuccessRate(); !ok || rate != 20.0/320 {
		t.Errorf("success rate %f, %t", rate, ok)
	}
}

func TestTallyOfNothingHasNoRateAndNoQuantiles(t *testing.T) {
	t.Parallel()
	tally := tallyOf(map[webhook.Cell]int64{1: 3, 4: 2}) // pending and canceled say nothing
	if _, ok := tally.SuccessRate(); ok {
		t.Error("a rate of nothing")
	}
	if _, ok := tally.Duration(0.5); ok {
		t.Error("a duration of nothing")
	}
	if _, ok := tally.Latency(0.5); ok {
		t.Error("a latency of nothing")
	}
}

func TestTallyQuantilesAreTheNearestRank(t *testing.T) {
	t.Parallel()
	tally := tallyOf(map[webhook.Cell]int64{1000: 50, 1080: 45, 1160: 5, 2008: 1})
	for q, cell := range map[float64]float64{0: 0, 0.5: 0, 0.51: 80, 0.95: 80, 0.951: 160, 1: 160} {
		want := 64e3 * math.Exp2((cell+0.5)/8)
		if got, ok := tally.Duration(q); !ok || math.Abs(float64(got)-want) > 1 {
			t.Errorf("q %f is %s, want %s", q, got, time.Duration(want))
		}
	}
	if got, ok := tally.Latency(0.99); !ok || got < 128*time.Microsecond || got > 140*time.Microsecond {
		t.Errorf("latency %s, %t", got, ok)
	}
}

func TestMergedTalliesCountBoth(t *testing.T) {
	t.Parallel()
	a := tallyOf(map[webhook.Cell]int64{1: 1, 2: 2, 100: 1, 1000: 6, 2000: 1})
	a.Merge(tallyOf(map[webhook.Cell]int64{2: 3, 3: 4, 100: 2, 1287: 7, 2287: 1}))
	if p, s, f := a.Status(webhook.StatusPending), a.Status(webhook.StatusSuccess), a.Status(webhook.StatusFailed); p != 1 || s != 5 || f != 4 {
		t.Errorf("merged: %d pending, %d success, %d failed", p, s, f)
	}
	if n := a.Errors()[webhook.ClassInternal]; n != 3 {
		t.Errorf("merged: %d errors", n)
	}
	if d, _ := a.Duration(1); d < 48*24*time.Hour || a.Attempts() != 13 {
		t.Errorf("merged: %d attempts, the longest %s", a.Attempts(), d)
	}
	if d, _ := a.Latency(1); d < 48*24*time.Hour {
		t.Errorf("merged: latency %s", d)
	}
}

// A later release may have stored it, or a bit may have flipped: the rest still counts.
func TestTallyLeavesOutCellsThatAreNotKnown(t *testing.T) {
	t.Parallel()
	tally := tallyOf(map[webhook.Cell]int64{-1: 9, 2: 1, 99: 9, 999: 9, 1000: 1, 1288: 9, 2288: 9, math.MaxInt16: 9})
	if n, m := tally.Deliveries(), tally.Attempts(); n != 1 || m != 1 {
		t.Errorf("%d deliveries and %d attempts", n, m)
	}
}

func TestWindowsAreWholeParts(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 5, 13, 37, 21, 5, time.UTC)
	for name, want := range map[string]struct {
		parts int
		first time.Time
	}{
		"1h":  {61, time.Date(2026, 3, 5, 12, 37, 0, 0, time.UTC)},
		"24h": {25, time.Date(2026, 3, 4, 13, 0, 0, 0, time.UTC)},
		"7d":  {29, time.Date(2026, 2, 26, 12, 0, 0, 0, time.UTC)},
		"30d": {31, time.Date(2026, 2, 3, 0, 0, 0, 0, time.UTC)},
	} {
		for _, w := range webhook.StatsWindows() {
			if w.Name != name {
				continue
			}
			parts := w.Parts(now)
			if len(parts) != want.parts || !parts[0].Equal(want.first) {
				t.Errorf("%s: %d parts from %s", name, len(parts), parts[0])
			}
			if last := parts[len(parts)-1]; last.After(now) || !last.Add(w.Part).After(now) {
				t.Errorf("%s: the last part, from %s, does not hold now", name, last)
			}
		}
	}
}
