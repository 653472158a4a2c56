package postgres_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/recovery/turns"
	"github.com/postrider/postrider/internal/webhook"
)

// groupOf is a group of one event an id, "" being a generated one, with two
// deliveries each: one that a task carries and one for feed.
func (s *stage) groupOf(ids ...string) *webhook.Group {
	g := &webhook.Group{}
	now := time.Now()
	for i, id := range ids {
		g.Events = append(g.Events, webhook.Event{
			ID: webhook.NewID(now), ExternalID: id, WorkspaceID: "w", Type: "a.b", CreatedAt: now, Body: []byte("{}"), Deliveries: 2,
		})
		for _, task := range []string{"c_1", ""} {
			g.Deliveries = append(g.Deliveries, webhook.NewDelivery{ID: webhook.NewID(now), Event: i, EndpointID: s.end, Task: task})
		}
	}
	return g
}

// commits fails the test for a group with an error, and returns its duplicates.
func (s *stage) commits(db *postgres.DB, g *webhook.Group) map[webhook.ID]webhook.Event {
	s.t.Helper()
	dups, err := postgres.NewIngest(db).Commit(context.Background(), g)
	must(s.t, err)
	return dups
}

func (s *stage) wantStored(events int) {
	s.t.Helper()
	s.holds("SELECT (SELECT count(*) FROM events) = $1 AND (SELECT count(*) FROM deliveries) = 2 * $1", events)
}

func TestCommit(t *testing.T) {
	t.Parallel()

	t.Run("StoresEventsAndDeliveriesWithTheirHolders", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		if dups := s.commits(s.db, s.groupOf("", "own", "")); len(dups) != 0 {
			t.Errorf("duplicates: %v", dups)
		}
		s.wantStored(3)
		s.holds("SELECT count(*) = 3 FROM deliveries WHERE task = 'c_1' AND status = 'pending' AND next_attempt_at <= now()")
		s.holds("SELECT count(*) = 3 FROM deliveries WHERE task IS NULL AND status = 'pending' AND next_attempt_at <= now()")
		s.holds("SELECT count(*) = 1 FROM events WHERE external_id = 'own'")
		s.holds("SELECT count(*) = 1 FROM event_ids i JOIN events e ON e.id = i.event_id WHERE i.id = 'own' AND i.workspace_id = 'w'")
		s.holds("SELECT count(DISTINCT xmin::text) = 1 FROM (SELECT xmin FROM events UNION ALL SELECT xmin FROM deliveries UNION ALL SELECT xmin FROM event_ids) x")
	})

	t.Run("KeepsBulkInItsLaneWhenFeedTakesIt", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		g := s.groupOf("", "")
		bulk := make(map[webhook.ID]bool)
		for n := range g.Deliveries {
			d := &g.Deliveries[n]
			d.Task, d.Bulk = "", d.Event == 0
			bulk[d.ID] = d.Bulk
		}
		s.commits(s.db, g)
		chunks, _, err := postgres.NewFeed(s.db).Claim(context.Background(), turns.Room{Live: 100, Bulk: 100}, time.Now())
		must(t, err)
		found := 0
		for _, c := range chunks {
			lane, _ := webhook.LaneOf(c.Task)
			for _, m := range c.Members {
				found++
				if (lane == webhook.LaneBulk) != bulk[m.DeliveryID] {
					t.Errorf("lane %c for a delivery with bulk = %v", lane, bulk[m.DeliveryID])
				}
			}
		}
		if found != 4 {
			t.Errorf("feed took %d of 4", found)
		}
	})

	t.Run("LeavesOutWhatWasAcceptedBefore", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		first, second := s.groupOf("x", "y"), s.groupOf("new", "y", "", "x")
		s.commits(s.db, first)
		dups := s.commits(s.db, second)
		s.wantStored(4)
		if len(dups) != 2 {
			t.Fatalf("%d duplicates", len(dups))
		}
		for at, was := range map[int]int{1: 1, 3: 0} {
			got, want := dups[second.Events[at].ID], first.Events[was]
			if got.ID != want.ID || got.ExternalID != want.ExternalID || got.Deliveries != 2 || got.Type != "a.b" ||
				!got.CreatedAt.Equal(want.CreatedAt.Truncate(time.Microsecond)) {
				t.Errorf("got %+v, want %+v", got, want)
			}
		}
	})

	t.Run("KeepsTheSameIDOfAnotherWorkspaceApart", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		s.exec("INSERT INTO workspaces (id, name) VALUES ('other', 'O')")
		g := s.groupOf("x")
		g.Events[0].WorkspaceID = "other"
		s.commits(s.db, s.groupOf("x"))
		if dups := s.commits(s.db, g); len(dups) != 0 {
			t.Errorf("duplicates: %v", dups)
		}
		s.wantStored(2)
	})

	t.Run("OfTheSameIDTwiceAtOnceIsOneEvent", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		// Another connection has claimed the id and not committed yet.
		other, err := s.raw.Begin(t.Context())
		must(t, err)
		first := s.groupOf("x")
		_, err = other.Exec(t.Context(), "INSERT INTO event_ids (workspace_id, id, event_id) VALUES ('w', 'x', $1)", pg(first.Events[0].ID))
		must(t, err)
		_, err = other.Exec(t.Context(), `INSERT INTO events (id, workspace_id, external_id, type, created_at, body, deliveries)
			VALUES ($1, 'w', 'x', 'first', now(), '', 7)`, pg(first.Events[0].ID))
		must(t, err)
		second := s.groupOf("x", "y")
		done := make(chan map[webhook.ID]webhook.Event)
		go func() { done <- s.commits(s.db, second) }()
		s.eventually(blocked)
		must(t, other.Commit(t.Context()))
		dups := <-done
		if got := dups[second.Events[0].ID]; len(dups) != 1 || got.ID != first.Events[0].ID || got.Type != "first" || got.Deliveries != 7 {
			t.Errorf("duplicates: %+v", dups)
		}
		s.holds("SELECT count(*) = 2 FROM events")
		s.holds("SELECT count(*) = 2 FROM deliveries")
	})

	t.Run("IsTheFirstWhereTheOtherRollsBack", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		other, err := s.raw.Begin(t.Context())
		must(t, err)
		_, err = other.Exec(t.Context(), "INSERT INTO event_ids (workspace_id, id, event_id) VALUES ('w', 'x', gen_random_uuid())")
		must(t, err)
		done := make(chan map[webhook.ID]webhook.Event)
		go func() { done <- s.commits(s.db, s.groupOf("x")) }()
		s.eventually(blocked)
		must(t, other.Rollback(t.Context()))
		if dups := <-done; len(dups) != 0 {
			t.Errorf("duplicates: %+v", dups)
		}
		s.wantStored(1)
	})

	t.Run("KeepsEveryByteOfAPayload", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		g := s.groupOf("")
		g.Events[0].Body = []byte("a\x00b\xff\xfe\xed\xa0\x80")
		s.commits(s.db, g)
		m := webhook.Member{DeliveryID: g.Deliveries[0].ID, EventID: g.Events[0].ID, WorkspaceID: "w"}
		events, err := postgres.NewDeliver(s.db, postgres.Breaker{}).Events(t.Context(), []webhook.Member{m})
		must(t, err)
		if got := events[m.EventID].Body; !bytes.Equal(got, g.Events[0].Body) {
			t.Errorf("got %q", got)
		}
	})

	t.Run("IsAllOrNothing", func(t *testing.T) {
		t.Parallel()
		for name, ids := range map[string][]string{"Generated": {"", "", ""}, "Own": {"x", "y", "z"}} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := setup(t)
				g := s.groupOf(ids...)
				g.Events[1].Type = "nul\x00"
				_, err := postgres.NewIngest(s.db).Commit(t.Context(), g)
				wantCode(t, err, webhook.CodeInternal) // Postgres's own answer: nothing is there
				s.holds("SELECT count(*) = 0 FROM events")
				s.holds("SELECT count(*) = 0 FROM deliveries")
				s.holds("SELECT count(*) = 0 FROM event_ids")
			})
		}
	})

	t.Run("OfManyDeliveriesIsOneTransaction", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		g := s.groupOf("")
		g.Deliveries = nil
		for range 25_000 {
			g.Deliveries = append(g.Deliveries, webhook.NewDelivery{ID: webhook.NewID(g.Events[0].ID.Time()), EndpointID: s.end})
		}
		s.commits(s.db, g)
		s.holds("SELECT count(*) = 25000 AND count(DISTINCT xmin::text) = 1 FROM deliveries")
	})
}
