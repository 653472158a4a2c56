package postgres_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/recovery/parking"
	"github.com/postrider/postrider/internal/recovery/turns"
	"github.com/postrider/postrider/internal/webhook"
)

// placed is a delivery as its worker knows it.
type placed struct {
	webhook.Member
	task string
	turn webhook.Turn
}

// accepts commits events with these keys, each to the stage's endpoint, and returns
// their deliveries; those that wait have no task.
func (s *stage) accepts(db *postgres.DB, at time.Time, keys ...string) []placed {
	s.t.Helper()
	out, err := s.accept(db, at, s.end, keys...)
	must(s.t, err)
	return out
}

func (s *stage) accept(db *postgres.DB, at time.Time, endpoint webhook.ID, keys ...string) (out []placed, err error) {
	g := &webhook.Group{}
	for n, key := range keys {
		g.Events = append(g.Events, webhook.Event{
			ID: webhook.NewID(at), WorkspaceID: "w", Type: "a.b", CreatedAt: at, Body: []byte("{}"), Deliveries: 1, Options: webhook.Options{OrderingKey: key},
		})
		g.Deliveries = append(g.Deliveries, webhook.NewDelivery{
			ID: webhook.NewID(at), Event: n, EndpointID: endpoint, Task: webhook.NewTask(webhook.LaneDeliver, at),
		})
	}
	if _, err := postgres.NewIngest(db).Commit(context.Background(), g); err != nil {
		return nil, err
	}
	for n, d := range g.Deliveries {
		p := placed{Member: webhook.Member{DeliveryID: d.ID, EndpointID: endpoint, EventID: g.Events[n].ID, WorkspaceID: "w"}}
		if !d.Waits {
			p.task = d.Task
		}
		out = append(out, p)
	}
	return out, nil
}

// guard asks as a worker does, and keeps the delivery's turn.
func (s *stage) guard(p *placed) webhook.Standing {
	s.t.Helper()
	all, err := s.deliver(s.db).Guard(context.Background(), []webhook.Member{p.Member})
	must(s.t, err)
	st := all[p.DeliveryID]
	if st.Turn != nil {
		p.turn = *st.Turn
	}
	return st
}

// ends records an attempt of a delivery's task and returns who has the turn next.
func (s *stage) ends(p placed, code int, change ...func(*webhook.Outcome)) *webhook.Chunk {
	s.t.Helper()
	st := s.guard(&p)
	o := outcome(p.Member, p.task, st.Attempts, code)
	if code/100 != 2 {
		o.Status, o.NextTask, o.Delay = webhook.StatusFailed, "", 0
	}
	o.Turn = &webhook.Turn{Key: p.turn.Key, Seq: p.turn.Seq}
	for _, c := range change {
		c(&o)
	}
	s.records(s.db, []webhook.Outcome{o}, true)
	return o.Turn.Next
}

// waitingStates: in neither feed's nor audit's index.
const (
	waitsForTurn = "status = 'pending' AND parked AND held_reason = 'ordering' AND task IS NULL AND attempts = 0"
	feeds        = "status = 'pending' AND NOT parked AND held_reason IS NULL AND task IS NULL"
)

// goesTo fails the test unless the turn is this one's, by a task that its row names.
func (s *stage) goesTo(next *webhook.Chunk, p *placed) {
	s.t.Helper()
	if next == nil || len(next.Members) != 1 || next.Members[0] != p.Member {
		s.t.Fatalf("the turn went to %+v, want %+v", next, p.Member)
	}
	p.task = next.Task
	st := s.guard(p)
	if st.Task != next.Task || st.Status != webhook.StatusPending || st.Waits || st.DueIn > 0 {
		s.t.Errorf("it stands at %+v", st)
	}
}

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
		next := s.ends(all[0], 410, func(o *webhook.Outcome) { o.Disable = true })
		s.goesTo(next, &all[1])
		if st := s.guard(&all[1]); st.EndpointActive {
			t.Error("the endpoint is active")
		}
	})

	t.Run("ACanceledHeadIsFollowedAndACanceledOneInTheMiddleIsLeftOut", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		store := postgres.NewDeliveries(s.db)
		all := s.accepts(s.db, now, "k", "k", "k")
		d, err := store.Cancel(t.Context(), "w", all[1].DeliveryID)
		must(t, err)
		if d.Status != webhook.StatusCanceled || d.OrderingKey != "k" {
			t.Errorf("got %+v", d)
		}
		s.set(all[0].Member, "task = NULL")
		_, err = store.Cancel(t.Context(), "w", all[0].DeliveryID)
		must(t, err)
		s.wants(all[2].Member, feeds+" AND next_attempt_at <= now()")
		s.holds("SELECT count(*) = 0 FROM ordering_queue")
	})

	t.Run("WhatFollowsACanceledRequestWaitsUntilThatIsOver", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		all := s.accepts(s.db, now, "k", "k")
		_, err := postgres.NewDeliveries(s.db).Cancel(t.Context(), "w", all[0].DeliveryID)
		must(t, err)
		s.wants(all[1].Member, feeds+" AND next_attempt_at > now() + interval '1 minute'")
	})

	t.Run("ACanceledOneThatIsRetriedIsBackInItsPlace", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		store := postgres.NewDeliveries(s.db)
		all := s.accepts(s.db, now, "k", "k", "k")
		_, err := store.Cancel(t.Context(), "w", all[1].DeliveryID)
		must(t, err)
		d, err := store.Retry(t.Context(), "w", all[1].DeliveryID)
		must(t, err)
		if d.HeldReason != webhook.HeldOrdering || d.Status != webhook.StatusPending {
			t.Errorf("got %+v", d)
		}
		s.goesTo(s.ends(all[0], 200), &all[1])
		s.goesTo(s.ends(all[1], 200), &all[2])
	})

	t.Run("AFailedOneThatTheLinePassedIsRetriedAlone", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		all := s.accepts(s.db, now, "k", "k", "k")
		s.goesTo(s.ends(all[0], 500), &all[1])
		_, err := postgres.NewDeliveries(s.db).Retry(t.Context(), "w", all[0].DeliveryID)
		must(t, err)
		s.wants(all[0].Member, "status = 'pending' AND NOT parked AND task IS NULL")
		s.set(all[0].Member, "task = 'c_again'")
		all[0].task = "c_again"
		if s.guard(&all[0]).Waits {
			t.Error("it waits")
		}
		if next := s.ends(all[0], 200); next != nil {
			t.Errorf("%v got a turn from it", next)
		}
		s.wants(all[1].Member, "task = '"+all[1].task+"'")
		s.wants(all[2].Member, waitsForTurn)
	})

	t.Run("ADeletedEndpointsAreAllCanceled", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		s.accepts(s.db, now.AddDate(0, 0, -2), slices.Repeat([]string{"k", "l"}, 700)...)
		s.accepts(s.db, now, slices.Repeat([]string{"k", "l"}, 1200)...)
		must(t, postgres.NewEndpoints(s.db).Delete(t.Context(), "w", s.end))
		for range 10 {
			_, err := postgres.NewParked(s.db).Next(t.Context(), parking.Decide)
			must(t, err)
		}
		s.holds("SELECT count(*) <= 2 FROM deliveries WHERE status = 'pending'") // what a task holds is its worker's
		s.holds("SELECT count(*) = 0 FROM ordering_queue")
	})

	t.Run("ADeletedWorkspacesAreAllCanceled", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		s.accepts(s.db, now, slices.Repeat([]string{"k", "l"}, 1200)...)
		must(t, postgres.NewWorkspaces(s.db).Delete(t.Context(), "w"))
		for range 10 {
			_, err := postgres.NewParked(s.db).Next(t.Context(), parking.Decide)
			must(t, err)
		}
		s.holds("SELECT count(*) <= 2 FROM deliveries WHERE status = 'pending'") // what a task holds is its worker's
		s.holds("SELECT count(*) = 0 FROM ordering_queue")
	})

	t.Run("AnExpiredDayPassesTheTurnToTheNextDay", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		old := s.accepts(s.db, now.AddDate(0, 0, -3), "k", "k", "")
		young := s.accepts(s.db, now, "k", "k")
		n, err := postgres.NewRetention(s.db).Expire(t.Context(), now.AddDate(0, 0, -3).UTC().Truncate(24*time.Hour))
		must(t, err)
		if n != 3 {
			t.Errorf("%d expired", n)
		}
		s.wants(old[1].Member, "status = 'failed' AND reason = 'expired'")
		s.wants(young[0].Member, feeds)
		s.wants(young[1].Member, waitsForTurn)
	})

	t.Run("WhatIsSettledPassesTheTurn", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		all := s.accepts(s.db, now, "k", "k", "")
		must(t, s.deliver(s.db).Settle(t.Context(), []webhook.Member{all[0].Member}, all[0].task, webhook.StatusFailed, webhook.ReasonPayloadExpired))
		s.wants(all[0].Member, "status = 'failed'")
		s.wants(all[1].Member, feeds+" AND next_attempt_at <= now()")
		s.holds("SELECT head_id = $1 FROM ordering_keys", pg(all[1].DeliveryID))
		// One that is another's by now passes nothing.
		must(t, s.deliver(s.db).Settle(t.Context(), []webhook.Member{all[1].Member}, "c_old", webhook.StatusFailed, webhook.ReasonPayloadExpired))
		s.wants(all[1].Member, feeds)
	})

	t.Run("WhatIsParkedForOthersReasonsIsLetGoAndTheLineIsNot", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		all := s.accepts(s.db, now, slices.Repeat([]string{"k", "l"}, 50)...)
		for n := range 2 {
			must(t, s.deliver(s.db).Park(t.Context(), []webhook.Hold{{
				Delivery: all[n].Member, Task: all[n].task, Reason: webhook.HeldInFlight, For: time.Millisecond,
			}}))
		}
		s.exec("UPDATE parked_endpoints SET next_check_at = now() - interval '1 second', release_count = 100")
		out, err := postgres.NewParked(s.db).Next(t.Context(), parking.Decide)
		must(t, err)
		if out.Released != 2 {
			t.Errorf("%+v", out)
		}
		s.holds("SELECT count(*) = 98 FROM deliveries WHERE held_reason = 'ordering'")
		s.holds("SELECT count(*) = 0 FROM parked_endpoints")
	})

	t.Run("OneThatIsBeforeItsTurnIsPutBack", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		all := s.accepts(s.db, now, "k", "k", "k")
		// As a process of a release that knows no keys would do it.
		s.set(all[2].Member, "parked = false, held_reason = NULL, task = 'c_early'")
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

func TestOrderingOfManyWriters(t *testing.T) {
	t.Parallel()
	s := setup(t)
	other := s.open(oneKey)
	// Groups that hold the same keys in opposite orders, at two processes.
	keys := []string{"a", "b", "c", "d", "e"}
	backwards := slices.Clone(keys)
	slices.Reverse(backwards)
	var writers sync.WaitGroup
	for n, db := range []*postgres.DB{s.db, other, s.db, other} {
		order := keys
		if n%2 == 1 {
			order = backwards
		}
		writers.Go(func() {
			for range 25 {
				if _, err := s.accept(db, time.Now(), s.end, slices.Repeat(order, 2)...); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	s.holds("SELECT count(*) = 1000 AND count(DISTINCT (ordering_key, ordering_seq)) = 1000 FROM deliveries")
	s.holds("SELECT count(*) = 5 AND count(DISTINCT ordering_key) = 5 FROM deliveries WHERE task IS NOT NULL")
	s.holds(`SELECT bool_and(d.ordering_seq = (SELECT min(m.ordering_seq) FROM deliveries m WHERE m.ordering_key = d.ordering_key))
		FROM deliveries d WHERE task IS NOT NULL`)
	s.holds("SELECT count(*) = 995 FROM ordering_queue")
	// The last of an earlier transaction is before the first of a later one.
	s.holds(`SELECT count(*) = 0 FROM (
		SELECT max(ordering_seq) - min(ordering_seq) AS spread, count(*) AS n FROM deliveries GROUP BY ordering_key, xmin::text) x
		WHERE spread <> n - 1`)
}

func TestOrderingSweep(t *testing.T) {
	t.Parallel()
	sweep := func(s *stage) (passed int) {
		s.t.Helper()
		store := postgres.NewOrdering(s.db)
		for after := (webhook.Line{}); ; {
			out, err := store.Sweep(context.Background(), after, 2)
			must(s.t, err)
			passed += out.Passed
			if after = out.Last; after == (webhook.Line{}) {
				return passed
			}
		}
	}
	for name, end := range map[string]string{"Success": isSuccess, "Failed": isFailed, "Canceled": isCanceled} {
		t.Run("PassesTheTurnOfAHeadThatEndedUnseenAs"+name, func(t *testing.T) {
			t.Parallel()
			s := setup(t)
			all := s.accepts(s.db, time.Now(), "k", "k", "k", "l", "l", "m", "m", "n", "o")
			s.set(all[0].Member, end)
			s.set(all[1].Member, end+", parked = false") // nor did this one leave its line
			if n := sweep(s); n != 1 {
				t.Errorf("%d turns passed", n)
			}
			s.wants(all[2].Member, feeds)
			s.wants(all[4].Member, waitsForTurn)
			s.wants(all[6].Member, waitsForTurn)
			if n := sweep(s); n != 0 {
				t.Errorf("%d turns passed once more", n)
			}
		})
	}
	t.Run("FindsAHeadThatWaitsForItself", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		all := s.accepts(s.db, time.Now(), "k", "k")
		s.set(all[0].Member, "task = NULL, parked = true, held_reason = 'ordering'")
		sweep(s)
		s.wants(all[0].Member, feeds)
		s.wants(all[1].Member, waitsForTurn)
	})
	t.Run("FindsALineWithoutAHead", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		all := s.accepts(s.db, time.Now(), "k", "k")
		s.set(all[0].Member, isFailed)
		s.exec("UPDATE ordering_keys SET head_seq = NULL, head_id = NULL, moved_at = now() - interval '2 hours'")
		sweep(s)
		s.wants(all[1].Member, feeds)
	})
	t.Run("FindsAHeadWhoseDayIsGone", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		all := s.accepts(s.db, time.Now(), "k", "k")
		s.exec("DELETE FROM deliveries WHERE id = $1", pg(all[0].DeliveryID))
		sweep(s)
		s.wants(all[1].Member, feeds)
	})
	t.Run("ForgetsWhatWasIdleForAnHourAndRepeatsNoNumber", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		first := s.accepts(s.db, time.Now(), "k", "held", "young")
		s.ends(first[0], 500)
		s.ends(first[2], 500)
		was := query[int64](s, "SELECT last_seq FROM ordering_keys WHERE ordering_key = 'k'")
		s.exec("UPDATE ordering_keys SET moved_at = now() - interval '61 minutes' WHERE ordering_key <> 'young'")
		sweep(s)
		s.holds("SELECT array_agg(ordering_key ORDER BY ordering_key) = '{held,young}' FROM ordering_keys")
		// One from before, retried by hand, goes alone, and the new ones do not mind.
		again := s.accepts(s.db, time.Now(), "k", "k")
		s.holds("SELECT head_seq > $1 FROM ordering_keys WHERE ordering_key = 'k'", was)
		_, err := postgres.NewDeliveries(s.db).Retry(t.Context(), "w", first[0].DeliveryID)
		must(t, err)
		s.wants(first[0].Member, "NOT parked AND status = 'pending'")
		s.goesTo(s.ends(again[0], 200), &again[1])
	})
}
