package ingest

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// endpointIDs are a workspace's, oldest first.
func (s *stage) endpointIDs(ws string) (ids []webhook.ID) {
	s.t.Helper()
	rows, err := s.raw.Query(s.t.Context(), "SELECT id FROM endpoints WHERE workspace_id = $1 ORDER BY id", ws)
	must(s.t, err)
	for rows.Next() {
		var id [16]byte
		must(s.t, rows.Scan(&id))
		ids = append(ids, id)
	}
	must(s.t, rows.Err())
	return ids
}

// acceptWith publishes one event with options.
func (s *stage) acceptWith(id string, o webhook.Options) webhook.Accepted {
	s.t.Helper()
	e := one(id, "a.b")
	e[0].Options = o
	out, err := s.Accept(s.t.Context(), "w", e)
	must(s.t, err)
	return out[0]
}

func TestTargets(t *testing.T) {
	t.Parallel()

	t.Run("NarrowWhatMatches", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.endpoints("w", 5)
		all := s.endpointIDs("w")
		s.exec("UPDATE endpoints SET events = '{other}' WHERE id = $1", [16]byte(all[1]))
		s.exec("UPDATE endpoints SET filters = '{\"a\":2}' WHERE id = $1", [16]byte(all[2]))
		s.exec("UPDATE endpoints SET is_active = false, disabled_at = now() WHERE id = $1", [16]byte(all[3]))
		a := s.acceptWith("", webhook.Options{Targets: all[:4]})
		if a.Deliveries != 1 {
			t.Errorf("it made %d deliveries, want one", a.Deliveries)
		}
		s.wants(1, "SELECT count(*) FROM deliveries WHERE endpoint_id = $1 AND task IS NOT NULL", [16]byte(all[0]))
		s.wants(1, "SELECT count(*) FROM deliveries")
		s.wants(4, "SELECT cardinality(endpoint_ids) FROM events")
		if a := s.accept("w", "", "a.b"); a.Deliveries != 2 {
			t.Errorf("one for all made %d deliveries, want two", a.Deliveries)
		}
		s.wants(1, "SELECT count(*) FROM events WHERE endpoint_ids IS NULL AND deliver_at IS NULL")
	})

	t.Run("AreEachEventsOwnInAGroup", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.endpoints("w", 3)
		all := s.endpointIDs("w")
		events := slices.Concat(one("", "a"), one("x", "b"), one("", "c"), one("x", "d"))
		events[0].Targets, events[1].Targets, events[3].Targets = all[:2], all[2:], all
		out, err := s.Accept(t.Context(), "w", events)
		must(t, err)
		for n, want := range []int{2, 1, 3, 1} { // the last is the second again
			if out[n].Deliveries != want {
				t.Errorf("event %d made %d deliveries, want %d", n, out[n].Deliveries, want)
			}
		}
		s.wants(6, "SELECT count(*) FROM deliveries")
		s.wants(0, "SELECT count(*) FROM deliveries d JOIN events e ON e.id = d.event_id WHERE NOT d.endpoint_id = ANY(e.endpoint_ids)")
	})
}

func TestDeliverAt(t *testing.T) {
	t.Parallel()

	t.Run("LeavesTheDeliveryToFeedUntilThen", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.endpoints("w", 60)
		at := time.Now().Add(time.Hour).Truncate(time.Second).Add(1500 * time.Nanosecond)
		s.acceptWith("", webhook.Options{DeliverAt: at})
		s.wants(60, "SELECT count(*) FROM deliveries WHERE task IS NULL AND NOT bulk AND NOT parked AND next_attempt_at = deliver_at AND deliver_at = $1", at.Add(500*time.Nanosecond))
		s.wants(1, "SELECT count(*) FROM events WHERE deliver_at = $1", at.Add(500*time.Nanosecond))
		s.accept("w", "", "now")
		s.eventually("the other one's deliveries are in Redis", func() bool { return len(s.queue.tasks()) == 60 })
		s.wants(60, "SELECT count(*) FROM deliveries WHERE task IS NOT NULL AND deliver_at IS NULL AND event_type = 'now'")
	})

	t.Run("InThePastIsNow", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.endpoints("w", 2)
		at := time.Now().Add(-time.Hour)
		s.acceptWith("", webhook.Options{DeliverAt: at})
		s.wants(2, "SELECT count(*) FROM deliveries WHERE task IS NOT NULL AND next_attempt_at > now() - interval '1 minute' AND next_attempt_at <= now()")
		s.wants(1, "SELECT count(*) FROM events WHERE deliver_at < now() - interval '50 minutes'")
		s.eventually("its deliveries are in Redis", func() bool { return len(s.queue.tasks()) == 2 })
	})

	t.Run("ByAClockThatIsFastIsNotEarly", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.endpoints("w", 1)
		store := s.store
		fast := New(s.index.subs, store, s.queue, Config{Now: func() time.Time { return time.Now().Add(time.Hour) }})
		fast.Start()
		defer fast.Stop(context.Background())
		e := one("", "a.b")
		e[0].DeliverAt = time.Now().Add(time.Minute)
		_, err := fast.Accept(t.Context(), "w", e)
		must(t, err)
		s.wants(1, "SELECT count(*) FROM deliveries WHERE next_attempt_at > now() AND next_attempt_at = deliver_at")
	})

	t.Run("OfAnEventGivenTwiceIsTheFirstOnes", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.endpoints("w", 1)
		first := time.Now().Add(time.Hour).Truncate(time.Second)
		s.acceptWith("own", webhook.Options{DeliverAt: first})
		if a := s.acceptWith("own", webhook.Options{DeliverAt: first.Add(time.Hour)}); !a.Duplicate {
			t.Errorf("the second is %+v", a)
		}
		if a := s.accept("w", "own", "a.b"); !a.Duplicate {
			t.Errorf("the third is %+v", a)
		}
		s.wants(1, "SELECT count(*) FROM deliveries WHERE next_attempt_at = $1", first)
		s.wants(1, "SELECT count(*) FROM deliveries")
	})

	t.Run("CountsNotIntoTheWorkspacesShare", func(t *testing.T) {
		t.Parallel()
		p := newPlan(&webhook.IDSource{}, time.Now(), time.Now())
		x := compile([]webhook.Endpoint{{ID: webhook.ID{1}, Events: []string{"*"}}, {ID: webhook.ID{2}, Events: []string{"*"}}})
		r := &request{workspace: "w", events: slices.Concat(one("", "a"), one("", "b"), one("", "c"))}
		now := time.Now()
		r.events[1].DeliverAt = now.Add(time.Hour)
		if n := p.add(r, x, route{bulk: true, announced: true}); n != 4 {
			t.Errorf("%d of its deliveries are due now, want 4", n)
		}
		for _, d := range p.group.Deliveries {
			if later := d.Event == 1; (d.Task == "") != later || d.Bulk == later {
				t.Errorf("a delivery of event %d is %+v", d.Event, d)
			}
		}
	})
}

// What all events cost must not grow with what few of them say.
func TestEventsWithoutOptionsAllocateNothingForThem(t *testing.T) {
	var endpoints []webhook.ID
	for range 4 {
		endpoints = append(endpoints, webhook.NewID(time.Now()))
	}
	var none webhook.Options
	if n := testing.AllocsPerRun(100, func() { targeted(endpoints, &none) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
