package turns_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/postrider/postrider/internal/recovery/turns"
	"github.com/postrider/postrider/internal/webhook"
)

var plenty = turns.Room{Live: turns.Most, Bulk: turns.Most}

// waiting are n due deliveries of a line, the first of which has been due that long.
func waiting(ws webhook.WorkspaceID, bulk bool, n int, since time.Duration) (due []turns.Due) {
	first := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(-since)
	for i := range n {
		at := first.Add(time.Duration(i) * time.Microsecond)
		due = append(due, turns.Due{Line: turns.Line{Workspace: ws, Bulk: bulk}, ID: webhook.NewID(at), At: at})
	}
	return due
}

// told says how many were picked of each line, and what goes by bulk of it.
func told(before, picked []turns.Due) string {
	was := make(map[webhook.ID]bool)
	for _, d := range before {
		was[d.ID] = d.Bulk
	}
	counts := make(map[string]int)
	for _, d := range picked {
		name := string(d.Workspace)
		if was[d.ID] {
			name += "'s replays"
		}
		if d.Bulk {
			name += " by bulk"
		}
		counts[name]++
	}
	var out []string
	for name, n := range counts {
		out = append(out, fmt.Sprintf("%d of %s", n, name))
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

func TestPick(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		due   []turns.Due
		share int
		room  turns.Room
		want  string
	}{
		"TakesAllThatFits": {
			slices.Concat(waiting("a", false, 60, time.Hour), waiting("b", false, 10, 0)), turns.Most, plenty,
			"10 of b, 60 of a",
		},
		"LeavesRoomForTheYoungerWorkspace": {
			slices.Concat(waiting("a", false, 60, time.Hour), waiting("b", false, 10, 0)), turns.Most, turns.Room{Live: 50},
			"10 of b, 40 of a",
		},
		"SharesShortRoomEqually": {
			slices.Concat(waiting("a", false, 60, time.Hour), waiting("b", false, 60, 0)), turns.Most, turns.Room{Live: 50},
			"25 of a, 25 of b",
		},
		"SendsABacklogByBulk": {
			slices.Concat(waiting("a", false, 1000, time.Hour), waiting("b", false, 999, 0)), 1000, plenty,
			"1000 of a by bulk, 999 of b",
		},
		"TakesNoMoreThanItsShareOfALine": {
			slices.Concat(waiting("a", false, 1500, time.Hour), waiting("b", false, 10, 0)), 1000, plenty,
			"10 of b, 1000 of a by bulk",
		},
		"TakesNoMoreThanARound": {
			slices.Concat(waiting("a", false, 1900, time.Hour), waiting("b", true, 1900, 0)), 1950, plenty,
			"1000 of a, 1000 of b's replays by bulk",
		},
		"TakesNoBacklogWhereBulkIsFull": {
			slices.Concat(waiting("a", false, 1000, time.Hour), waiting("b", false, 999, 0)), 1000, turns.Room{Live: turns.Most},
			"999 of b",
		},
		"TakesReplaysWhereNothingElseHasRoom": {
			slices.Concat(waiting("a", false, 10, time.Hour), waiting("a", true, 10, 0)), turns.Most, turns.Room{Live: -50, Bulk: 5},
			"5 of a's replays by bulk",
		},
		"DelaysNoLiveDeliveryByItsOwnReplays": {
			slices.Concat(waiting("a", true, 1500, time.Hour), waiting("a", false, 10, 0)), 1000, plenty,
			"10 of a, 1000 of a's replays by bulk",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := slices.Clone(c.due)
			if got := told(c.due, turns.Pick(c.due, c.share, c.room)); got != c.want {
				t.Errorf("picked %s, want %s", got, c.want)
			}
			if !slices.Equal(c.due, before) {
				t.Error("what was given in is changed")
			}
		})
	}

	t.Run("TakesTheOldestOfALineFirst", func(t *testing.T) {
		t.Parallel()
		due := waiting("a", false, 100, time.Hour)
		oldest := slices.Clone(due[:10])
		slices.Reverse(due)
		if got := turns.Pick(due, turns.Most, turns.Room{Live: 10}); !slices.Equal(got, oldest) {
			t.Errorf("picked %v", got)
		}
	})

	t.Run("PutsEveryLinesFirstBeforeAnySecond", func(t *testing.T) {
		t.Parallel()
		due := slices.Concat(waiting("a", false, 3, time.Hour), waiting("b", false, 2, time.Minute), waiting("c", false, 1, 0))
		var order []string
		for _, d := range turns.Pick(due, turns.Most, plenty) {
			order = append(order, string(d.Workspace))
		}
		if got := strings.Join(order, ""); got != "abcaba" {
			t.Errorf("in the order %s", got)
		}
	})
}

func TestPickNeverLetsALineWaitForALongerOne(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var due []turns.Due
		lines := rapid.IntRange(1, 8).Draw(t, "lines")
		for n := range lines {
			due = append(due, waiting(webhook.WorkspaceID(rune('a'+n)), false, rapid.IntRange(0, 300).Draw(t, "due"), time.Duration(n)*time.Minute)...)
		}
		share := rapid.IntRange(1, 400).Draw(t, "share")
		taken, left := make(map[webhook.WorkspaceID]int), make(map[webhook.WorkspaceID]int)
		for _, d := range due {
			left[d.Workspace]++
		}
		for _, d := range turns.Pick(due, share, plenty) {
			taken[d.Workspace]++
			left[d.Workspace]--
		}
		for ws := range left {
			if taken[ws] > share {
				t.Fatalf("%d of %s, whose share is %d", taken[ws], ws, share)
			}
			for other := range taken {
				if left[ws] > 0 && taken[ws] < share && taken[other] > taken[ws]+1 {
					t.Fatalf("%d of %s, which has %d left, but %d of %s", taken[ws], ws, left[ws], taken[other], other)
				}
			}
		}
	})
}

func TestShare(t *testing.T) {
	t.Parallel()
	for lines, want := range map[int]int{0: 2000, 1: 2000, 2: 1000, 39: 51, 40: 50, 100: 50} {
		if got := turns.Share(lines); got != want {
			t.Errorf("%d of a round where %d lines have something, want %d", got, lines, want)
		}
	}
}
