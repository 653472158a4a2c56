package recovery

import (
	"errors"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/recovery/turns"
	"github.com/postrider/postrider/internal/webhook"
)

// fed counts the deliveries in Redis, by workspace and lane.
func (q *fakeQueue) fed() map[webhook.WorkspaceID]map[webhook.Lane]int {
	q.mu.Lock()
	defer q.mu.Unlock()
	out := make(map[webhook.WorkspaceID]map[webhook.Lane]int)
	for _, c := range q.chunks {
		lane, _ := webhook.LaneOf(c.Task)
		for _, m := range c.Members {
			if out[m.WorkspaceID] == nil {
				out[m.WorkspaceID] = make(map[webhook.Lane]int)
			}
			out[m.WorkspaceID][lane]++
		}
	}
	return out
}

// rounds feeds until so many rounds have put something into Redis.
func (s *stage) rounds(n int) {
	s.t.Helper()
	f := s.feed()
	s.queue.enqueued = func() {
		if n--; n < 0 {
			s.queue.refuse = true
		}
	}
	if err := f.runOnce(s.t.Context()); err != nil && !errors.Is(err, errAway) {
		s.t.Error(err)
	}
}

func TestFeedGoesByTurns(t *testing.T) {
	t.Parallel()

	t.Run("ABacklogDelaysNobodyElse", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.backlog("busy", 0, 5000, "1 day")
		s.backlog("quiet", 0, 10, "1 second")
		s.rounds(1)
		fed := s.queue.fed()
		if n := fed["quiet"][webhook.LaneDeliver]; n != 10 {
			t.Errorf("%d of the quiet one's 10 were in the first round", n)
		}
		if n := fed["busy"][webhook.LaneBulk]; n != 1000 || len(fed["busy"]) != 1 {
			t.Errorf("the busy one's in the first round were %v, want 1000 by bulk", fed["busy"])
		}
	})

	t.Run("NorOnAnotherDay", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.backlog("busy", 1, 3000, "1 day")
		s.backlog("quiet", 2, 5, "2 seconds") // failed before, and due late
		s.backlog("quiet", 0, 5, "1 second")
		s.rounds(1)
		if n := s.queue.fed()["quiet"][webhook.LaneDeliver]; n != 10 {
			t.Errorf("%d of the quiet one's 10 were in the first round", n)
		}
	})

	t.Run("NorWhileBulkIsFull", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.queue.bulk = 400
		s.backlog("busy", 0, 5000, "1 day")
		s.backlog("quiet", 0, 10, "1 second")
		must(t, s.feed().runOnce(t.Context()))
		fed := s.queue.fed()
		if len(fed) != 1 || fed["quiet"][webhook.LaneDeliver] != 10 {
			t.Errorf("fed %v", fed)
		}
		s.queue.bulk = 399
		must(t, s.feed().runOnce(t.Context()))
		if fed := s.queue.fed(); fed["busy"][webhook.LaneBulk] != webhook.MaxChunkMembers {
			t.Errorf("fed %v, want one chunk of the busy one", fed)
		}
	})

	t.Run("NorAWorkspacesReplaysItsOwn", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.backlog("w", 0, 3000, "1 day")
		s.exec("UPDATE deliveries SET bulk = true")
		s.backlog("w", 0, 10, "1 second")
		s.rounds(1)
		if n := s.queue.fed()["w"][webhook.LaneDeliver]; n != 10 {
			t.Errorf("%d of the 10 live ones were in the first round", n)
		}
	})

	t.Run("AllOfAFewStayInTheirLane", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.backlog("w", 0, turns.Most-1, "1 day")
		must(t, s.feed().runOnce(t.Context()))
		if fed := s.queue.fed(); fed["w"][webhook.LaneDeliver] != turns.Most-1 {
			t.Errorf("fed %v", fed)
		}
	})

	t.Run("TakesTheOldestOfAWorkspaceFirst", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.backlog("w", 0, 1500, "1 hour")
		s.backlog("w", 1, 1500, "2 hours")
		s.rounds(1)
		if !query[bool](s, "SELECT max(next_attempt_at) FILTER (WHERE task IS NOT NULL) < min(next_attempt_at) FILTER (WHERE task IS NULL) FROM deliveries") {
			t.Error("an older one was left for a younger one")
		}
	})

	t.Run("LeavesWhatIsNotItsOwnOfAnyLine", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		ep := s.endpoint()
		var others []webhook.ID
		for _, set := range []string{
			"next_attempt_at = now() + interval '1 minute'",
			"next_attempt_at = now() + interval '1 minute', workspace_id = 'a'", // of whom nothing is due
			"task = 'c_other'",
			"parked = true, held_reason = 'breaker_open'",
			"status = 'success', next_attempt_at = NULL, completed_at = now()",
		} {
			others = append(others, s.delivery(ep, set))
		}
		s.backlog("w", 0, 5000, "1 day")
		must(t, s.feed().runOnce(t.Context()))
		if n := members(s.queue.chunks); n != 5000 {
			t.Errorf("fed %d of 5000", n)
		}
		for _, id := range others {
			if s.queue.task(id) != "" {
				t.Errorf("fed %s", id)
			}
		}
	})

	t.Run("ReachesEveryOneOfManyWorkspaces", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		const many = 2*turns.Lines + 50
		s.backlog("w", 0, many*12, "1 hour")
		s.exec("UPDATE deliveries SET workspace_id = 'w' || ('x' || right(id::text, 8))::bit(32)::int % $1", many)
		s.backlog("waiting", 0, 10, "-1 hour")
		must(t, s.feed().runOnce(t.Context()))
		fed := s.queue.fed()
		for ws, lanes := range fed {
			if n := lanes[webhook.LaneDeliver]; n != 12 {
				t.Errorf("%d of 12 of %s", n, ws)
			}
		}
		if len(fed) != many {
			t.Errorf("fed %d of %d workspaces", len(fed), many)
		}
	})

	t.Run("ComesRoundToThoseWhoCameMeanwhile", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.queue.bulk = 400 // the backlogs stay
		s.backlog("m", 0, 130*100, "1 hour")
		s.exec("UPDATE deliveries SET workspace_id = 'm' || ('x' || right(id::text, 8))::bit(32)::int % 130")
		f := s.feed()
		must(t, f.runOnce(t.Context()))
		s.backlog("a", 0, 1, "1 second")
		s.backlog("z", 0, 1, "1 second")
		must(t, f.runOnce(t.Context()))
		if fed := s.queue.fed(); len(fed) != 2 || fed["a"] == nil || fed["z"] == nil {
			t.Errorf("fed %v", fed)
		}
	})

	t.Run("PassesOverWhatAnotherHasInHand", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.backlog("w", 0, 3000, "1 day")
		other, err := s.raw.Begin(t.Context())
		must(t, err)
		_, err = other.Exec(t.Context(), "SELECT FROM deliveries ORDER BY next_attempt_at LIMIT 100 FOR UPDATE")
		must(t, err)
		chunks, more, err := s.feed().store.Claim(t.Context(), turns.Room{Live: turns.Most, Bulk: turns.Most}, time.Now())
		must(t, err)
		if n := members(chunks); n != turns.Most-100 || !more {
			t.Errorf("claimed %d, more %v", n, more)
		}
		must(t, other.Rollback(t.Context()))
	})
}
