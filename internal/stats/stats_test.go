package stats

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/postrider/postrider/internal/webhook"
)

// shelf is a store with a clock that moves by cost whenever it is asked to work.
type shelf struct {
	now                                  time.Time
	cost, pause, paused                  time.Duration
	marks, unmerged, unrolled, unfilled  int
	counted, merged, rolled, filled, rid int
	fails                                error
	sick                                 int // which of the marks can't be counted
}

var errSick = errors.New("too many to count in time")

func (s *shelf) clock() time.Time { return s.now }

func (s *shelf) Take(_ context.Context, _ time.Duration, limit int) ([]webhook.StatsMinute, error) {
	return make([]webhook.StatsMinute, min(s.marks, limit)), s.fails
}

func (s *shelf) Count(context.Context, webhook.StatsMinute, time.Time) error {
	if s.marks == s.sick {
		s.marks, s.sick = s.marks-1, 0
		return errSick
	}
	s.counted, s.marks, s.paused, s.now = s.counted+1, s.marks-1, s.paused+s.pause, s.now.Add(s.cost+s.pause)
	return nil
}

func (s *shelf) step(left, done *int) (bool, error) {
	if *left == 0 {
		return false, nil
	}
	*left, *done, s.now = *left-1, *done+1, s.now.Add(s.cost)
	return true, nil
}

func (s *shelf) Merge(context.Context, time.Time) (bool, error) {
	return s.step(&s.unmerged, &s.merged)
}
func (s *shelf) RollUp(context.Context, time.Time) (bool, error) {
	return s.step(&s.unrolled, &s.rolled)
}
func (s *shelf) Backfill(context.Context, time.Time) (bool, error) {
	return s.step(&s.unfilled, &s.filled)
}
func (s *shelf) Remove(context.Context) (int, error)        { s.rid++; return 0, nil }
func (s *shelf) Paused() time.Duration                      { return s.paused }
func (s *shelf) Lag(context.Context) (time.Duration, error) { return 3 * time.Second, nil }

// value is what a metric says.
func value(t *testing.T, m prometheus.Metric) float64 {
	t.Helper()
	var out dto.Metric
	if err := m.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.GetCounter().GetValue() + out.GetGauge().GetValue()
}

func newShelf() *shelf { return &shelf{now: time.Unix(1e9, 0), cost: time.Millisecond} }

func (s *shelf) round(t *testing.T, c *Counter) {
	t.Helper()
	if err := c.RunOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestARoundDoesAllThereIs(t *testing.T) {
	t.Parallel()
	s := newShelf()
	s.marks, s.unmerged, s.unrolled, s.unfilled = 5, 6, 3, 7
	reg := prometheus.NewRegistry()
	c := New(s, Config{Now: s.clock, Registerer: reg})
	s.round(t, c)
	if s.counted != 5 || s.merged != 6 || s.rolled != 3 || s.filled != 7 || s.rid != 1 {
		t.Errorf("counted %d, merged %d, rolled up %d, filled %d, removed %d times", s.counted, s.merged, s.rolled, s.filled, s.rid)
	}
	if n := value(t, c.counted); n != 5 {
		t.Errorf("the metric says %f", n)
	}
	if lag, running := value(t, c.lag), value(t, c.backfill); lag != 3 || running != 0 {
		t.Errorf("lag %f, backfill %f", lag, running)
	}
}

func TestAnEndlessBacklogTakesAPartOfTheTimeAndNothingStarves(t *testing.T) {
	t.Parallel()
	s := newShelf()
	s.marks, s.unmerged, s.unfilled = 1e6, 1e6, 1e6
	s.cost = 7 * time.Millisecond
	c := New(s, Config{Now: s.clock})
	begin, busy := s.now, time.Duration(0)
	for range 200 {
		start := s.now
		s.round(t, c)
		busy += s.now.Sub(start)
		s.now = s.now.Add(time.Second)
	}
	if part := float64(busy) / float64(s.now.Sub(begin)); part > 0.04 {
		t.Errorf("it took %.1f %% of the time", 100*part)
	}
	if s.counted < 100 || s.merged < 50 || s.filled < 50 {
		t.Errorf("counted %d, merged %d, filled %d", s.counted, s.merged, s.filled)
	}
	if value(t, c.backfill) != 1 {
		t.Error("the metric says that nothing is left to fill")
	}
}

func TestAStepThatTakesLongIsFollowedByALongerRest(t *testing.T) {
	t.Parallel()
	s := newShelf()
	s.marks, s.cost = 3, 10*time.Second
	c := New(s, Config{Now: s.clock})
	s.round(t, c)
	s.now = s.now.Add(299 * time.Second)
	s.round(t, c)
	if s.counted != 1 {
		t.Errorf("counted %d", s.counted)
	}
	s.now = s.now.Add(2 * time.Second)
	s.round(t, c)
	if s.counted != 2 {
		t.Errorf("counted %d after its rest", s.counted)
	}
}

// What a step rests by itself is part of its rest: it worked for ten seconds.
func TestWhatAStepPausesIsNoWork(t *testing.T) {
	t.Parallel()
	s := newShelf()
	s.marks, s.cost, s.pause = 3, 10*time.Second, 40*time.Second
	c := New(s, Config{Now: s.clock})
	for _, want := range []struct {
		later   time.Duration
		counted int
	}{{0, 1}, {259 * time.Second, 1}, {2 * time.Second, 2}} {
		s.now = s.now.Add(want.later)
		if s.round(t, c); s.counted != want.counted {
			t.Errorf("counted %d, want %d", s.counted, want.counted)
		}
	}
}

func TestAFailureIsReportedAndLeavesTheRestForTheNextRound(t *testing.T) {
	t.Parallel()
	s := newShelf()
	s.marks, s.fails = 1, errors.New("away")
	c := New(s, Config{Now: s.clock})
	if err := c.RunOnce(t.Context()); !errors.Is(err, s.fails) {
		t.Errorf("got %v", err)
	}
	s.fails = nil
	s.round(t, c)
	if s.counted != 1 {
		t.Errorf("counted %d", s.counted)
	}
}

func TestAMinuteThatCanNotBeCountedKeepsNoOtherFromIt(t *testing.T) {
	t.Parallel()
	s := newShelf()
	s.marks, s.sick = 3, 3
	c := New(s, Config{Now: s.clock})
	if err := c.RunOnce(t.Context()); !errors.Is(err, errSick) {
		t.Errorf("got %v", err)
	}
	if s.counted != 2 {
		t.Errorf("counted %d", s.counted)
	}
}

func TestOldDaysAreLookedForNowAndThen(t *testing.T) {
	t.Parallel()
	s := newShelf()
	c := New(s, Config{Now: s.clock})
	for range 1000 {
		s.round(t, c)
		s.now = s.now.Add(time.Second)
	}
	if s.rid != 2 {
		t.Errorf("%d times in 1000 s", s.rid)
	}
}
