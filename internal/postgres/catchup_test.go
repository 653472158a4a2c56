package postgres_test

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/match"
	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
)

// feedStage has events of a while ago: what was accepted a moment ago no feed shows.
type feedStage struct {
	*stage
	endpoint webhook.Endpoint
	next     time.Time // the next event's
	ids      webhook.IDSource
}

func feedSetup(t *testing.T) *feedStage {
	t.Helper()
	s := &feedStage{stage: setup(t), next: time.Now().Add(-time.Hour)}
	s.endpoint = webhook.Endpoint{
		ID: webhook.NewID(s.next), WorkspaceID: "w", URL: "https://example.com", Events: []string{"post.*"},
		Filters: []byte(`{"n":{"$gte":0}}`), IsActive: true, Secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
	}
	_, err := postgres.NewEndpoints(s.db).Create(t.Context(), s.endpoint)
	must(t, err)
	return s
}

// accept stores an event a second after the one before, with a delivery to the endpoint or not.
func (s *feedStage) accept(eventType, data string, delivered bool, o webhook.Options) webhook.Event {
	s.t.Helper()
	s.next = s.next.Add(time.Second)
	e := webhook.Event{ID: s.ids.Next(s.next), WorkspaceID: "w", Type: eventType, CreatedAt: s.next, Options: o}
	e.Body = webhook.EncodeBody(e.PublicID(), eventType, s.next, []byte(data), "w")
	g := &webhook.Group{Events: []webhook.Event{e}}
	if delivered {
		g.Deliveries = []webhook.NewDelivery{{ID: s.ids.Next(s.next), EndpointID: s.endpoint.ID}}
	}
	s.commits(s.db, g)
	return e
}

func (s *feedStage) page(after webhook.ID, limit int) webhook.CatchUpPage {
	s.t.Helper()
	sub, err := match.Stored(&s.endpoint)
	must(s.t, err)
	page, err := postgres.NewCatchUp(s.db).Page(context.Background(), &webhook.CatchUp{
		WorkspaceID: "w", EndpointID: s.endpoint.ID, Interest: sub, After: after, Limit: limit,
	})
	must(s.t, err)
	if bytes.Compare(page.Position[:], after[:]) < 0 || len(page.Events) > limit {
		s.t.Errorf("%d events, from %s to %s", len(page.Events), after, page.Position)
	}
	return page
}

// wants fails the test for a feed that does not hold these events, in pages of any size.
func (s *feedStage) wants(want ...webhook.Event) {
	s.t.Helper()
	for _, limit := range []int{1, 2, 250} {
		var got, ids []string
		position, more := webhook.ID{}, true
		for more {
			page := s.page(position, limit)
			for _, e := range page.Events {
				got = append(got, e.PublicID())
			}
			position, more = page.Position, page.More
		}
		for _, e := range want {
			ids = append(ids, e.PublicID())
		}
		if !slices.Equal(got, ids) {
			s.t.Errorf("in pages of %d: got %v, want %v", limit, got, ids)
		}
	}
}

func TestCatchUp(t *testing.T) {
	t.Parallel()

	t.Run("HasWhatTheEndpointGotOrWouldGetOldestFirst", func(t *testing.T) {
		t.Parallel()
		s := feedSetup(t)
		none := webhook.Options{}
		got := s.accept("post.created", `{"n":1}`, true, none)
		missed := s.accept("post.created", `{"n":2}`, false, none)
		s.accept("user.created", `{"n":3}`, false, none)
		s.accept("post.created", `{"n":-1}`, false, none)
		before := s.accept("user.created", `{"n":5}`, true, none) // as it was subscribed then
		s.accept("post.created", `{"n":6}`, false, webhook.Options{Targets: []webhook.ID{s.end}})
		targeted := s.accept("post.created", `{"n":7}`, false, webhook.Options{Targets: []webhook.ID{s.endpoint.ID}})
		s.wants(got, missed, before, targeted)
		page := s.page(webhook.ID{}, 250)
		for i, want := range []webhook.Status{webhook.StatusPending, "", webhook.StatusPending, ""} {
			if e := page.Events[i]; e.Status != want || e.DeliveryID.IsZero() != (want == "") || e.Body == nil {
				t.Errorf("event %d is %+v", i, e)
			}
		}
	})

	t.Run("LeavesOutWhatWasBeforeTheEndpoint", func(t *testing.T) {
		t.Parallel()
		s := feedSetup(t)
		later := s.next
		s.next = s.next.Add(-5 * time.Minute)
		s.accept("post.created", `{"n":1}`, false, webhook.Options{})
		slow := s.accept("post.created", `{"n":2}`, true, webhook.Options{}) // the API's clock was ahead
		s.next = later
		s.wants(slow, s.accept("post.created", `{"n":3}`, false, webhook.Options{}))
	})

	t.Run("LeavesOutOtherWorkspaces", func(t *testing.T) {
		t.Parallel()
		s := feedSetup(t)
		e := s.accept("post.created", `{"n":1}`, false, webhook.Options{})
		s.exec("INSERT INTO workspaces (id, name) VALUES ('other', 'O')")
		s.exec(`INSERT INTO events (id, workspace_id, type, created_at, body, deliveries)
			SELECT overlay(id::text placing '0000' from 15 for 4)::uuid, 'other', type, created_at, body, 0 FROM events`)
		s.wants(e)
	})

	t.Run("TellsWhatBecameOfTheLastDelivery", func(t *testing.T) {
		t.Parallel()
		s := feedSetup(t)
		e := s.accept("post.created", `{"n":1}`, true, webhook.Options{})
		s.exec("UPDATE deliveries SET " + isFailed)
		again := s.ids.Next(s.next)
		s.exec(`INSERT INTO deliveries (id, workspace_id, event_id, endpoint_id, event_type, replay_id, status, completed_at)
			SELECT $1, workspace_id, event_id, endpoint_id, event_type, gen_random_uuid(), 'success', now() FROM deliveries`, pg(again))
		s.wants(e)
		if got := s.page(webhook.ID{}, 9).Events[0]; got.Status != webhook.StatusSuccess || got.DeliveryID != again {
			t.Errorf("got %+v", got)
		}
	})

	t.Run("OfAnEventWithoutItsPayloadSaysSo", func(t *testing.T) {
		t.Parallel()
		s := feedSetup(t)
		e := s.accept("post.created", `{"n":1}`, true, webhook.Options{})
		s.accept("post.created", `{"n":2}`, false, webhook.Options{}) // nobody knows whether it would match
		s.exec("UPDATE events SET body = NULL")
		s.wants(e)
		if got := s.page(webhook.ID{}, 9).Events[0]; got.Body != nil || got.Status != webhook.StatusPending {
			t.Errorf("got %+v", got)
		}
	})

	t.Run("EndsAPageOfLargeEvents", func(t *testing.T) {
		t.Parallel()
		s := feedSetup(t)
		var all []webhook.Event
		for range 12 {
			all = append(all, s.accept("post.created", `{"n":1,"text":"`+strings.Repeat("x", 1<<20)+`"}`, true, webhook.Options{}))
		}
		if page := s.page(webhook.ID{}, 250); len(page.Events) != 7 || !page.More {
			t.Errorf("%d events, more: %v", len(page.Events), page.More)
		}
		s.wants(all...)
	})

	t.Run("GoesOnThroughManyThatAreForOthers", func(t *testing.T) {
		t.Parallel()
		s := feedSetup(t)
		first := s.accept("post.created", `{"n":1}`, false, webhook.Options{})
		s.exec(`INSERT INTO events (id, workspace_id, type, created_at, body, deliveries)
			SELECT (left(id::text, 14) || lpad(to_hex(8 + n / 65536), 4, '0') || '-' || lpad(to_hex(n % 65536), 4, '0') || '-' || right(id::text, 12))::uuid,
			       'w', 'user.created', now(), '{}', 0 FROM events, generate_series(1, 9000) n ON CONFLICT DO NOTHING`)
		last := s.accept("post.created", `{"n":2}`, false, webhook.Options{})
		page := s.page(webhook.ID{}, 250)
		if !page.More || len(page.Events) > 1 {
			t.Errorf("one page looked at everything: %d events", len(page.Events))
		}
		s.wants(first, last)
	})

	t.Run("AtItsEndGoesOnFromNow", func(t *testing.T) {
		t.Parallel()
		s := feedSetup(t)
		page := s.page(webhook.ID{}, 50)
		if age := time.Since(page.Position.Time()); page.More || age > time.Minute || age < 4*time.Second {
			t.Errorf("more: %v, position %s", page.More, page.Position.Time())
		}
		future := webhook.FirstID(time.Now().Add(time.Hour))
		if page := s.page(future, 50); page.Position != future || page.More {
			t.Errorf("from the future it goes to %s", page.Position.Time())
		}
	})
}

// Whoever reads in the order of acceptance must never be told "that was all" while
// something older can still come.
func TestCatchUpEndsBeforeWhatCanStillBeAccepted(t *testing.T) {
	t.Parallel()

	t.Run("ATransactionThatWritesHoldsIt", func(t *testing.T) {
		t.Parallel()
		s := feedSetup(t)
		tx, err := s.raw.Begin(t.Context())
		must(t, err)
		_, err = tx.Exec(t.Context(), "SELECT accept_in_time(clock_timestamp())")
		must(t, err)
		var began time.Time
		must(t, tx.QueryRow(t.Context(), "SELECT now()").Scan(&began))
		first := s.page(webhook.ID{}, 1).Position.Time()
		if latest := began.Add(-webhook.MaxAcceptTime); first.After(latest) {
			t.Errorf("the feed is at %s, and what began at %s may bring older", first, began)
		}
		s.eventually("SELECT clock_timestamp() > $1::timestamptz + interval '50 milliseconds'", began)
		if second := s.page(webhook.ID{}, 1).Position.Time(); !second.Equal(first) {
			t.Errorf("it went on from %s to %s", first, second)
		}
		must(t, tx.Commit(t.Context()))
		if third := s.page(webhook.ID{}, 1).Position.Time(); !third.After(first) {
			t.Errorf("it stays at %s", third)
		}
	})

	t.Run("OneThatOnlyReadsDoesNot", func(t *testing.T) {
		t.Parallel()
		s := feedSetup(t)
		tx, err := s.raw.Begin(t.Context())
		must(t, err)
		var began time.Time
		must(t, tx.QueryRow(t.Context(), "SELECT now() FROM events UNION ALL SELECT now() LIMIT 1").Scan(&began))
		s.eventually("SELECT clock_timestamp() > $1::timestamptz + interval '50 milliseconds'", began)
		if p := s.page(webhook.ID{}, 1).Position.Time(); !p.After(began.Add(-webhook.MaxAcceptTime)) {
			t.Errorf("it is at %s", p)
		}
		must(t, tx.Rollback(t.Context()))
	})

	t.Run("WhatWasMadeTooLongAgoIsNotAccepted", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		for name, ids := range map[string][]string{"plain": {""}, "with a caller's id": {"own", ""}} {
			g := s.groupOf(ids...)
			g.MadeAt = query[time.Time](s, "SELECT clock_timestamp() - interval '5001 milliseconds'")
			_, err := postgres.NewIngest(s.db).Commit(t.Context(), g)
			wantCode(t, err, webhook.CodeUnavailable)
			if n := query[int](s, "SELECT count(*)::int FROM events"); n != 0 {
				t.Errorf("%s: %d were stored", name, n)
			}
		}
		g := s.groupOf("own")
		g.MadeAt = query[time.Time](s, "SELECT clock_timestamp()")
		s.commits(s.db, g)
		s.wantStored(1)
	})

	t.Run("OrderedEventsToo", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		g := s.groupOf("")
		g.Events[0].OrderingKey = "k"
		g.MadeAt = query[time.Time](s, "SELECT clock_timestamp() - interval '5001 milliseconds'")
		_, err := postgres.NewIngest(s.db).Commit(t.Context(), g)
		wantCode(t, err, webhook.CodeUnavailable)
		s.holds("SELECT count(*) = 0 FROM events")
	})
}
