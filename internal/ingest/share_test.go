package ingest

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

func TestShares(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	brought := func(counts ...int) *shares {
		s := new(shares)
		for n, count := range counts {
			s.count(webhook.WorkspaceID(strconv.Itoa(n)), count, start)
		}
		return s
	}
	for name, c := range map[string]struct {
		counts []int
		after  time.Duration
		exceed []bool
	}{
		"OneAloneHasNoShareToExceed": {counts: []int{100_000}, exceed: []bool{false}},
		"ABurstBesideOthers":         {counts: []int{1000, 10}, exceed: []bool{true, false}},
		"EqualOnesDoNot":             {counts: []int{50, 50, 50}, exceed: []bool{false, false, false}},
		"ALittleMoreIsFine":          {counts: []int{60, 50, 40}, exceed: []bool{false, false, false}},
		"TwoBurstsBesideASmallOne":   {counts: []int{450, 450, 100}, exceed: []bool{true, true, false}},
		"NobodyKnown":                {exceed: []bool{false}},
		"RememberedForASpan":         {counts: []int{1000, 10}, after: shareSpan, exceed: []bool{true, false}},
		"ForgottenAfterTwo":          {counts: []int{1000, 10}, after: 2 * shareSpan, exceed: []bool{false, false}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := brought(c.counts...)
			for n, want := range c.exceed {
				if got := s.exceeds(webhook.WorkspaceID(strconv.Itoa(n)), 0, start.Add(c.after)); got != want {
					t.Errorf("workspace %d exceeds its share: %v", n, got)
				}
			}
		})
	}

	t.Run("CountsWhatIsAboutToCome", func(t *testing.T) {
		t.Parallel()
		if s := brought(10); !s.exceeds("new", 5000, start) || s.exceeds("new", 10, start) {
			t.Error("a newcomer's burst and its first event look alike")
		}
		if new(shares).exceeds("new", 5000, start) {
			t.Error("one alone exceeds its share")
		}
	})

	t.Run("ForgetsSpanBySpan", func(t *testing.T) {
		t.Parallel()
		s := brought(1000, 10)
		for n := range 10 {
			now := start.Add(time.Duration(n) * shareSpan)
			s.count("0", 10, now)
			s.count("1", 10, now)
		}
		if len(s.current) != 2 || s.active != 2 || s.all != 40 {
			t.Errorf("%d workspaces with %d deliveries", s.active, s.all)
		}
	})
}

// lanes counts the committed deliveries of each workspace that go by bulk.
func (m *memory) lanes(t *testing.T) (bulk, first map[webhook.WorkspaceID]int) {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	bulk, first = make(map[webhook.WorkspaceID]int), make(map[webhook.WorkspaceID]int)
	for _, g := range m.groups {
		for _, d := range g.Deliveries {
			ws, into := g.Events[d.Event].WorkspaceID, first
			if d.Bulk {
				into = bulk
			}
			into[ws]++
			if lane, ok := webhook.LaneOf(d.Task); ok && (lane == webhook.LaneBulk) != d.Bulk {
				t.Errorf("task %s of a row with bulk = %v", d.Task, d.Bulk)
			}
		}
	}
	return bulk, first
}

func TestBurst(t *testing.T) {
	t.Parallel()
	// burst has one workspace bring a lot, both a little more while so many tasks
	// wait, and returns which of the last went by bulk.
	burst := func(t *testing.T, waiting map[webhook.Lane]int) (busy, quiet bool, w *world) {
		bubble(t, func(t *testing.T, in *world) {
			w = in
			w.endpoints["busy"], w.endpoints["quiet"] = 100, 1
			w.Start()
			must(t, w.publish("busy", "a"))
			must(t, w.publish("quiet", "a"))
			w.queue.set(func(q *fakeQueue) { q.waiting = waiting })
			<-time.After(backlogEvery)
			synctest.Wait()
			must(t, w.publish("busy", "b"))
			must(t, w.publish("quiet", "b"))
			w.settled(t)
			bulk, first := w.lanes(t)
			if n := bulk["busy"] + first["busy"]; n != 200 {
				t.Errorf("%d deliveries of the busy one", n)
			}
			busy, quiet = bulk["busy"] > 0, bulk["quiet"] > 0
		})
		return busy, quiet, w
	}

	t.Run("GoesBehindTheOthersWhileTasksPileUp", func(t *testing.T) {
		if busy, quiet, _ := burst(t, map[webhook.Lane]int{webhook.LaneDeliver: crowd + 1}); !busy || quiet {
			t.Errorf("by bulk: busy %v, quiet %v", busy, quiet)
		}
	})
	t.Run("StaysThereUntilBulkIsEmpty", func(t *testing.T) {
		if busy, quiet, _ := burst(t, map[webhook.Lane]int{webhook.LaneBulk: 1}); !busy || quiet {
			t.Errorf("by bulk: busy %v, quiet %v", busy, quiet)
		}
	})
	t.Run("IsNoneWhileWorkersKeepUp", func(t *testing.T) {
		if busy, quiet, _ := burst(t, map[webhook.Lane]int{webhook.LaneDeliver: crowd}); busy || quiet {
			t.Errorf("by bulk: busy %v, quiet %v", busy, quiet)
		}
	})
	t.Run("IsSeenInOneRequest", func(t *testing.T) {
		bubble(t, func(t *testing.T, w *world) {
			w.endpoints["busy"], w.endpoints["quiet"] = rush+1, 1
			w.Start()
			must(t, w.publish("quiet", "a"))
			must(t, w.publish("busy", "a"))
			must(t, w.publish("quiet", "b"))
			w.settled(t)
			if bulk, first := w.lanes(t); bulk["busy"] != rush+1 || first["quiet"] != 2 {
				t.Errorf("by bulk %v, others %v", bulk, first)
			}
		})
	})
	t.Run("IsSeenBetweenTwoLooks", func(t *testing.T) {
		bubble(t, func(t *testing.T, w *world) {
			w.endpoints["busy"], w.endpoints["quiet"] = rush/4, 1
			w.Start()
			must(t, w.publish("quiet", "a"))
			for range 6 {
				must(t, w.publish("busy", "a"))
			}
			if bulk, first := w.lanes(t); first["busy"] > rush || bulk["busy"] < rush/4 {
				t.Errorf("by bulk %v, others %v", bulk, first)
			}
		})
	})
	t.Run("FillsItsOwnLaneOnly", func(t *testing.T) {
		_, _, w := burst(t, map[webhook.Lane]int{webhook.LaneBulk: 2000})
		if n := len(w.given()); n != 102 {
			t.Errorf("%d deliveries have tasks, want 101 before and the quiet one's", n)
		}
	})
}
