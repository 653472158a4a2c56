// Package turns decides which due deliveries a round of feed takes, so that one
// workspace's backlog delays nobody else's. It is pure: no clock, no I/O.
package turns

import (
	"bytes"
	"slices"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

const (
	// Most is how many deliveries a round takes.
	Most = 2000
	// Lines is how many lines a round looks at; the next one goes on after them.
	Lines = 100
)

// Line is where a workspace's deliveries wait for feed: its live ones in one and
// its replays, or what came of a burst, in another, so that neither is behind
// the other.
type Line struct {
	Workspace webhook.WorkspaceID
	Bulk      bool
}

// Due is a delivery that is due and that nobody holds.
type Due struct {
	Line
	ID webhook.ID
	At time.Time
}

// Room is how many deliveries the lanes in Redis take.
type Room struct {
	Live int // by the lanes of first attempts and of retries
	Bulk int
}

// Share is how much of a round is a line's, where so many have something due.
// Less than a chunk would make small tasks of everything.
func Share(lines int) int { return max(Most/max(lines, 1), webhook.MaxChunkMembers) }

// Pick returns what a round takes, in its order: of every line the oldest, then
// of every line the second, at most share of each and Most of all, and of each
// kind what there is room for. A line that fills its share has a backlog: what is
// taken of it goes by bulk, so that nothing that comes later waits behind it.
func Pick(due []Due, share int, room Room) []Due {
	room.Live, room.Bulk = min(room.Live, Most), min(room.Bulk, Most)
	left := Most
	var picked []Due
	for _, d := range inTurn(due, share) {
		lane := &room.Live
		if d.Bulk {
			lane = &room.Bulk
		}
		if *lane > 0 && left > 0 {
			*lane--
			left--
			picked = append(picked, d)
		}
	}
	return picked
}

// inTurn sorts what is due by the lines' turns, and leaves out what is beyond a
// line's share.
func inTurn(due []Due, share int) []Due {
	due = slices.Clone(due)
	slices.SortFunc(due, older)
	waiting := make(map[Line]int)
	for _, d := range due {
		waiting[d.Line]++
	}
	turn := make(map[Line]int)
	var rounds [][]Due
	for _, d := range due {
		n := turn[d.Line]
		turn[d.Line]++
		if n >= share {
			continue
		}
		if n == len(rounds) {
			rounds = append(rounds, nil)
		}
		backlog := waiting[d.Line] >= share
		d.Bulk = d.Bulk || backlog
		rounds[n] = append(rounds[n], d)
	}
	return slices.Concat(rounds...)
}

func older(a, b Due) int {
	if c := a.At.Compare(b.At); c != 0 {
		return c
	}
	return bytes.Compare(a.ID[:], b.ID[:])
}
