package postgres_test

import (
	"slices"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/recovery/turns"
	"github.com/postrider/postrider/internal/webhook"
)

func TestOrderingKey(t *testing.T) {
	t.Parallel()
	now := time.Now()

	t.Run("OnlyTheHeadHasATask", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		all := s.accepts(s.db, now, "k", "k", "", "other", "k")
		more := s.accepts(s.db, now, "k")
		for n, want := range []bool{true, false, true, true, false} {
			if (all[n].task != "") != want {
				t.Errorf("delivery %d has the task %q", n, all[n].task)
			}
		}
		for _, p := range []placed{all[1], all[4], more[0]} {
			s.wants(p.Member, waitsForTurn+" AND ordering_key = 'k'")
		}
		s.wants(all[0].Member, "task = '"+all[0].task+"' AND ordering_key = 'k' AND NOT parked")
		s.wants(all[2].Member, "task = '"+all[2].task+"' AND ordering_key IS NULL AND ordering_seq IS NULL")
		s.holds("SELECT count(*) = 4 FROM events WHERE ordering_key = 'k'")
		s.holds("SELECT count(*) = 3 FROM ordering_queue")
		if feed, more, err := postgres.NewFeed(s.db).Claim(t.Context(), turns.Room{Live: 100, Bulk: 100}, now); err != nil || len(feed) > 0 || more {
			t.Errorf("feed takes %v, %v", feed, err)
		}
	})

	t.Run("ASuccessLetsTheNextGoInItsOwnTransaction", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		all := s.accepts(s.db, now, "k", "k", "k")
		s.goesTo(s.ends(all[0], 200), &all[1])
		s.wants(all[2].Member, waitsForTurn)
		s.goesTo(s.ends(all[1], 204), &all[2])
		if next := s.ends(all[2], 200); next != nil {
			t.Errorf("after the last one comes %v", next)
		}
		s.holds("SELECT head_seq IS NULL AND head_id IS NULL FROM ordering_keys")
		again := s.accepts(s.db, now, "k")
		if again[0].task == "" {
			t.Error("the key is idle, and an event of it waits")
		}
		s.holds("SELECT count(*) = 0 FROM ordering_queue")
	})

	t.Run("AFailureThatIsRetriedKeepsTheTurn", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		all := s.accepts(s.db, now, "k", "k")
		retried := func(o *webhook.Outcome) { o.Status, o.NextTask, o.Delay = webhook.StatusPending, "r_next", time.Minute }
		if next := s.ends(all[0], 500, retried); next != nil {
			t.Errorf("%v goes while the head waits for its retry", next)
		}
		s.wants(all[1].Member, waitsForTurn)
		all[0].task = "r_next"
		s.goesTo(s.ends(all[0], 500), &all[1])
		s.wants(all[0].Member, "status = 'failed'")
	})

	t.Run("AFailureThatDecidesNothingPassesNoTurn", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		all := s.accepts(s.db, now, "k", "k")
		stray := all[0]
		s.guard(&stray)
		o := outcome(stray.Member, "c_another", 0, 500)
		o.Status, o.NextTask, o.Turn = webhook.StatusFailed, "", &stray.turn
		s.records(s.db, []webhook.Outcome{o}, false)
		if o.Turn.Next != nil {
			t.Errorf("%v has the turn", o.Turn.Next)
		}
		s.wants(all[1].Member, waitsForTurn)
	})

	t.Run("ASuccessThatComesAgainPassesNoTurn", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		all := s.accepts(s.db, now, "k", "k", "k")
		s.goesTo(s.ends(all[0], 200), &all[1])
		if next := s.ends(all[0], 200); next != nil {
			t.Errorf("%v has the turn, too", next)
		}
		s.wants(all[2].Member, waitsForTurn)
	})

	t.Run("AGoneReceiverPassesTheTurn", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		all := s.accepts(s.db, now, "k", "k")
		next := s.ends(all[0], 410, func(o *webhook.Outcome) { o.Disable, o.EndpointVersion = true, s.versionOf(o.Delivery.EndpointID) })
		s.goesTo(next, &all[1])
		if st := s.guard(&all[1]); st.EndpointActive {
			t.Error("the endpoint is active")
		}
	})

	t.Run("OneThatIsBeforeItsTurnIsPutBack", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		all := s.accepts(s.db, now, "k", "k", "k")
		// As a process of a release that knows no keys would do it.
		s.set(all[2].Member, "parked = false, held_reason = NULL, task = 'c_early'")
		s.exec("DELETE FROM ordering_queue WHERE delivery_id = $1", pg(all[2].DeliveryID))
		all[2].task = "c_early"
		if !s.guard(&all[2]).Waits || s.guard(&all[0]).Waits {
			t.Fatal("the guard does not see whose turn it is")
		}
		must(t, s.deliver(s.db).Wait(t.Context(), []webhook.Member{all[2].Member, all[1].Member}, "c_early"))
		s.wants(all[2].Member, waitsForTurn)
		s.goesTo(s.ends(all[0], 200), &all[1])
		s.goesTo(s.ends(all[1], 200), &all[2])
		// Whose turn has come goes to feed.
		must(t, s.deliver(s.db).Wait(t.Context(), []webhook.Member{all[2].Member}, all[2].task))
		s.wants(all[2].Member, feeds)
	})

	t.Run("ADuplicateLeavesNoGapThatBlocks", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		group := func(ids ...string) *webhook.Group {
			g := &webhook.Group{}
			for n, id := range ids {
				g.Events = append(g.Events, webhook.Event{ID: webhook.NewID(now), ExternalID: id, WorkspaceID: "w", Type: "a.b", CreatedAt: now, Body: []byte("{}"), Options: webhook.Options{OrderingKey: "k"}})
				g.Deliveries = append(g.Deliveries, webhook.NewDelivery{ID: webhook.NewID(now), Event: n, EndpointID: s.end, Task: "c_" + id})
			}
			return g
		}
		store := postgres.NewIngest(s.db)
		_, err := store.Commit(t.Context(), group("a"))
		must(t, err)
		again := group("a", "b", "a2")
		dups, err := store.Commit(t.Context(), again)
		must(t, err)
		if len(dups) != 1 || again.Deliveries[0].Waits || !again.Deliveries[1].Waits {
			t.Errorf("%d duplicates, %+v", len(dups), again.Deliveries)
		}
		s.holds("SELECT count(*) = 3 AND max(ordering_seq) - min(ordering_seq) = 2 FROM deliveries")
	})

	t.Run("TheViewsShowIt", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		all := s.accepts(s.db, now, "k", "k", "")
		got, _, err := postgres.NewDeliveries(s.db).List(t.Context(), "w", webhook.DeliveryFilter{Status: webhook.StatusPending}, webhook.Page{Limit: 10})
		must(t, err)
		byID := map[webhook.ID]webhook.Delivery{}
		for _, d := range got {
			byID[d.ID] = d
		}
		if d := byID[all[1].DeliveryID]; d.OrderingKey != "k" || d.HeldReason != webhook.HeldOrdering || d.HeldUntil != nil {
			t.Errorf("got %+v", d)
		}
		if d := byID[all[2].DeliveryID]; d.OrderingKey != "" || d.HeldReason != "" {
			t.Errorf("got %+v", d)
		}
		e, err := postgres.NewEvents(s.db).Get(t.Context(), "w", all[0].EventID.Format(webhook.EventPrefix))
		must(t, err)
		events, _, err := postgres.NewEvents(s.db).List(t.Context(), "w", webhook.EventFilter{}, webhook.Page{Limit: 10})
		must(t, err)
		if e.OrderingKey != "k" || len(events) != 3 || !slices.ContainsFunc(events, func(e webhook.Event) bool { return e.OrderingKey == "k" }) {
			t.Errorf("got %+v, %+v", e, events)
		}
	})
}
