package postgres_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
)

// follow reads a list to its end in pages, and calls between after each.
func follow[T any](t testing.TB, limit int, id func(T) webhook.ID, list func(webhook.Page) ([]T, webhook.ID, error), between func()) []webhook.ID {
	t.Helper()
	var seen []webhook.ID
	for p, more := (webhook.Page{Limit: limit}), true; more; {
		page, next, err := list(p)
		must(t, err)
		if len(page) > limit {
			t.Fatalf("a page of %d", len(page))
		}
		for _, v := range page {
			seen = append(seen, id(v))
		}
		p.Before, more = next, !next.IsZero()
		between()
	}
	return seen
}

// walk is follow for a list that says whether there is more after its last row.
func walk[T any](t testing.TB, limit int, id func(T) webhook.ID, list func(webhook.Page) ([]T, bool, error), between func()) []webhook.ID {
	t.Helper()
	return follow(t, limit, id, func(p webhook.Page) ([]T, webhook.ID, error) {
		page, more, err := list(p)
		if !more || err != nil {
			return page, webhook.ID{}, err
		}
		if len(page) == 0 {
			t.Fatal("an empty page with more")
		}
		return page, id(page[len(page)-1]), nil
	}, between)
}

// newestFirst are ids in the order of lists.
func newestFirst(ids []webhook.ID) []webhook.ID {
	out := slices.Clone(ids)
	slices.SortFunc(out, func(a, b webhook.ID) int { return slices.Compare(b[:], a[:]) })
	return out
}

// catalog is a workspace's deliveries of four days, with what lists go by.
type catalog struct {
	ids webhook.IDSource // which grow also within a millisecond: the newest attempt is the last one
	*stage
	store *postgres.Deliveries
	all   []webhook.Member
	other webhook.ID // an endpoint
}

func newCatalog(t *testing.T) *catalog {
	t.Helper()
	c := &catalog{stage: setup(t)}
	c.store = postgres.NewDeliveries(c.db)
	c.other = c.endpoint("w").ID
	states := []string{"task = 'c_1'", isSuccess, isFailed, isCanceled, isParked}
	for i := range 40 {
		m := c.set(c.pending(i%4, ""), states[i%len(states)])
		c.set(m, fmt.Sprintf("event_type = 't.%d'", i%3))
		if i%7 == 0 {
			m.EndpointID = c.other
			c.exec("UPDATE deliveries SET endpoint_id = $1 WHERE id = $2", pg(c.other), pg(m.DeliveryID))
		}
		c.all = append(c.all, m)
	}
	c.exec("INSERT INTO workspaces (id, name) VALUES ('other', 'O')")
	foreign := c.pending(0, "")
	c.exec("UPDATE deliveries SET workspace_id = 'other' WHERE id = $1", pg(foreign.DeliveryID))
	return c
}

func (c *catalog) list(f webhook.DeliveryFilter, limit int) []webhook.ID {
	c.t.Helper()
	return follow(c.t, limit, func(d webhook.Delivery) webhook.ID { return d.ID }, func(p webhook.Page) ([]webhook.Delivery, webhook.ID, error) {
		return c.store.List(context.Background(), "w", f, p)
	}, func() {})
}

// attempts records one of a delivery; the code 0 is no answer.
func (c *catalog) attempts(m webhook.Member, code int, class string) {
	c.t.Helper()
	c.exec(`INSERT INTO attempts (delivery_id, workspace_id, id, number, started_at, duration_us, status_code, error_class, request_headers)
		VALUES ($1, 'w', $2, 1, now(), 1, nullif($3::int, 0), nullif($4, ''), '')`, pg(m.DeliveryID), pg(c.ids.Next(time.Now())), code, class)
	c.exec("UPDATE deliveries SET attempts = attempts + 1 WHERE id = $1", pg(m.DeliveryID))
}

// where are the ids that a condition holds for.
func (c *catalog) where(sql string) (ids []webhook.ID) {
	c.t.Helper()
	for _, m := range c.all {
		if query[bool](c.stage, "SELECT ("+sql+") IS TRUE FROM deliveries WHERE id = $1", pg(m.DeliveryID)) {
			ids = append(ids, m.DeliveryID)
		}
	}
	return ids
}

func TestDeliveriesList(t *testing.T) {
	t.Parallel()

	t.Run("IsNarrowedByEachFilter", func(t *testing.T) {
		t.Parallel()
		c := newCatalog(t)
		since, until := time.Now().AddDate(0, 0, -2).Add(-time.Hour), time.Now().AddDate(0, 0, -1).Add(-time.Hour)
		event := c.all[10]
		for name, f := range map[string]struct {
			webhook.DeliveryFilter
			sql string
		}{
			"None":     {webhook.DeliveryFilter{}, "true"},
			"Pending":  {webhook.DeliveryFilter{Status: webhook.StatusPending}, "status = 'pending'"},
			"Success":  {webhook.DeliveryFilter{Status: webhook.StatusSuccess}, "status = 'success'"},
			"Failed":   {webhook.DeliveryFilter{Status: webhook.StatusFailed}, "status = 'failed'"},
			"Canceled": {webhook.DeliveryFilter{Status: webhook.StatusCanceled}, "status = 'canceled'"},
			"Type":     {webhook.DeliveryFilter{Type: "t.1"}, "event_type = 't.1'"},
			"Endpoint": {webhook.DeliveryFilter{EndpointID: c.other}, fmt.Sprintf("endpoint_id = '%x'", c.other[:])},
			"Event":    {webhook.DeliveryFilter{EventID: event.EventID}, fmt.Sprintf("event_id = '%x'", event.EventID[:])},
			"Time":     {webhook.DeliveryFilter{Since: since, Until: until}, fmt.Sprintf("id >= '%x' AND id < '%x'", first(since), first(until))},
			"All": {
				webhook.DeliveryFilter{Status: webhook.StatusSuccess, Type: "t.0", EndpointID: c.other, Since: since},
				fmt.Sprintf("status = 'success' AND event_type = 't.0' AND endpoint_id = '%x' AND id >= '%x'", c.other[:], first(since)),
			},
			"Nothing": {webhook.DeliveryFilter{Type: "t.9"}, "false"},
		} {
			var want []webhook.ID
			for _, m := range c.all {
				if query[bool](c.stage, "SELECT "+f.sql+" FROM deliveries WHERE id = $1", pg(m.DeliveryID)) {
					want = append(want, m.DeliveryID)
				}
			}
			if len(want) == 0 && name != "Nothing" && name != "All" {
				t.Fatalf("%s: nothing to find", name)
			}
			for _, limit := range []int{1, 3, 250} {
				if got := c.list(f.DeliveryFilter, limit); !slices.Equal(got, newestFirst(want)) {
					t.Errorf("%s in pages of %d: got %d, want %d", name, limit, len(got), len(want))
				}
			}
		}
	})

	t.Run("IsNarrowedByWhatTheLastAttemptCameTo", func(t *testing.T) {
		t.Parallel()
		c := newCatalog(t)
		event := c.all[7]
		for i, m := range c.all {
			c.attempts(m, []int{0, 503, 404, 200, 301}[i/5%5], []string{"timeout", "status", "status", "", "status"}[i/5%5])
			if i%3 == 0 { // only the last one counts
				c.attempts(m, 0, "refused")
			}
		}
		const last = "(SELECT %s FROM attempts a WHERE a.delivery_id = deliveries.id ORDER BY a.id DESC LIMIT 1)"
		code, class := fmt.Sprintf(last, "status_code"), fmt.Sprintf(last, "error_class")
		tried, failures := " AND EXISTS (SELECT FROM attempts a WHERE a.delivery_id = deliveries.id)", " AND status <> 'success'"
		for name, f := range map[string]struct {
			webhook.DeliveryFilter
			sql string
		}{
			"2xx":      {webhook.DeliveryFilter{StatusClass: webhook.Answer2xx}, code + " / 100 = 2"},
			"5xx":      {webhook.DeliveryFilter{StatusClass: webhook.Answer5xx}, code + " / 100 = 5" + failures},
			"4xx":      {webhook.DeliveryFilter{StatusClass: webhook.Answer4xx}, code + " / 100 = 4" + failures},
			"NoAnswer": {webhook.DeliveryFilter{StatusClass: webhook.NoAnswer}, code + " IS NULL" + tried + failures},
			"Refused":  {webhook.DeliveryFilter{ErrorClass: webhook.ClassRefused}, class + " = 'refused'" + failures},
			"Both":     {webhook.DeliveryFilter{ErrorClass: webhook.ClassStatus, StatusClass: webhook.Answer3xx}, code + " = 301" + failures},
			"Failed":   {webhook.DeliveryFilter{StatusClass: webhook.NoAnswer, Status: webhook.StatusFailed}, code + " IS NULL AND status = 'failed'"},
			"Pending":  {webhook.DeliveryFilter{StatusClass: webhook.NoAnswer, Status: webhook.StatusPending}, code + " IS NULL AND status = 'pending'" + tried},
			"Endpoint": {webhook.DeliveryFilter{ErrorClass: webhook.ClassRefused, EndpointID: c.other}, class + " = 'refused' AND endpoint_id = '" + fmt.Sprintf("%x", c.other[:]) + "'" + failures},
			"Type":     {webhook.DeliveryFilter{ErrorClass: webhook.ClassRefused, Type: "t.0"}, class + " = 'refused' AND event_type = 't.0'" + failures},
			"Event":    {webhook.DeliveryFilter{StatusClass: webhook.Answer5xx, EventID: event.EventID}, fmt.Sprintf("event_id = '%x'", event.EventID[:])},
			"Other":    {webhook.DeliveryFilter{StatusClass: webhook.Answer4xx, EventID: event.EventID}, "false"},
		} {
			want := newestFirst(c.where(f.sql))
			if len(want) == 0 && name != "Other" && name != "Both" {
				t.Fatalf("%s: nothing to find", name)
			}
			for _, limit := range []int{1, 3, 250} {
				if got := c.list(f.DeliveryFilter, limit); !slices.Equal(got, want) {
					t.Errorf("%s in pages of %d: got %d, want %d", name, limit, len(got), len(want))
				}
			}
		}
	})

	t.Run("HasNeitherGapsNorRepeatsWhileItGrows", func(t *testing.T) {
		t.Parallel()
		c := newCatalog(t)
		want := make([]webhook.ID, len(c.all))
		for i, m := range c.all {
			want[i] = m.DeliveryID
		}
		got := follow(t, 7, func(d webhook.Delivery) webhook.ID { return d.ID }, func(p webhook.Page) ([]webhook.Delivery, webhook.ID, error) {
			return c.store.List(t.Context(), "w", webhook.DeliveryFilter{}, p)
		}, func() { c.pending(0, "") })
		if !slices.Equal(got, newestFirst(want)) {
			t.Errorf("got %d of %d, or in another order", len(got), len(want))
		}
	})

	t.Run("TellsTheLastAttemptsOutcome", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		m, fresh := s.pending(1, "r_next"), s.pending(0, "")
		for seen, code := range []int{500, 503} {
			s.records(s.db, []webhook.Outcome{outcome(m, "r_next", seen, code)}, true)
		}
		s.exec(`INSERT INTO events (id, workspace_id, external_id, type, created_at, deliveries) VALUES ($1, 'w', 'own', 'a.b', now(), 1)`, pg(m.EventID))
		all, next, err := postgres.NewDeliveries(s.db).List(t.Context(), "w", webhook.DeliveryFilter{}, webhook.Page{Limit: 2})
		must(t, err)
		if len(all) != 2 || !next.IsZero() || all[0].ID != fresh.DeliveryID || all[0].StatusCode != 0 || all[0].EventID != fresh.EventID.Format(webhook.EventPrefix) {
			t.Fatalf("got %+v, next: %s", all, next)
		}
		if d := all[1]; d.Attempts != 2 || d.StatusCode != 503 || d.Error != "status" || d.ErrorClass != webhook.ClassStatus ||
			string(d.ResponseBody) != "answer" || d.EventID != "own" || d.NextAttemptAt == nil || d.CompletedAt != nil {
			t.Errorf("got %+v", d)
		}
	})
}

func first(t time.Time) []byte {
	id := webhook.FirstID(t.Add(time.Millisecond - 1)) // the first whole millisecond not before t
	return id[:]
}

func TestEventsList(t *testing.T) {
	t.Parallel()
	insert := func(s *stage, daysAgo int, eventType string, size int) webhook.ID {
		s.t.Helper()
		id := webhook.NewID(time.Now().AddDate(0, 0, -daysAgo))
		s.exec(`INSERT INTO events (id, workspace_id, type, created_at, body, deliveries)
			VALUES ($1, 'w', $2, '2000-01-01', convert_to(repeat('x', $3), 'UTF8'), 1)`, pg(id), eventType, size)
		return id
	}
	list := func(s *stage, f webhook.EventFilter, limit int, between func()) []webhook.ID {
		s.t.Helper()
		return follow(s.t, limit, func(e webhook.Event) webhook.ID { return e.ID }, func(p webhook.Page) ([]webhook.Event, webhook.ID, error) {
			return postgres.NewEvents(s.db).List(context.Background(), "w", f, p)
		}, between)
	}

	t.Run("IsNarrowedAndPaged", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		var all, typed, recent []webhook.ID
		for i := range 21 {
			id := insert(s, i%4, fmt.Sprintf("t.%d", i%2), 10)
			all = append(all, id)
			if i%2 == 1 {
				typed = append(typed, id)
			}
			if i%4 == 1 || i%4 == 2 {
				recent = append(recent, id)
			}
		}
		grow := func() { insert(s, 0, "t.0", 1) }
		if got := list(s, webhook.EventFilter{}, 4, grow); !slices.Equal(got, newestFirst(all)) {
			t.Errorf("got %d of %d, or in another order", len(got), len(all))
		}
		if got := list(s, webhook.EventFilter{Type: "t.1"}, 4, grow); !slices.Equal(got, newestFirst(typed)) {
			t.Errorf("got %d of %d of a type", len(got), len(typed))
		}
		f := webhook.EventFilter{Since: time.Now().AddDate(0, 0, -2).Add(-time.Hour), Until: time.Now().Add(-time.Hour)}
		if got := list(s, f, 4, grow); !slices.Equal(got, newestFirst(recent)) {
			t.Errorf("got %d of %d of a range", len(got), len(recent))
		}
	})

	t.Run("EndsAPageOfLargeBodiesEarlyButLosesNone", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		var all []webhook.ID
		for _, size := range []int{3 << 20, 9 << 20, 3 << 20, 3 << 20, 3 << 20, 1} {
			all = append(all, insert(s, 0, "a.b", size))
		}
		pages := 0
		if got := list(s, webhook.EventFilter{}, 50, func() { pages++ }); !slices.Equal(got, newestFirst(all)) {
			t.Errorf("got %d of %d", len(got), len(all))
		}
		if pages < 3 {
			t.Errorf("%d pages of 21 MiB", pages)
		}
	})
}

func TestOtherLists(t *testing.T) {
	t.Parallel()
	s := setup(t)
	ctx := context.Background()
	ends, keys := []webhook.ID{s.end}, []webhook.ID(nil)
	for i := range 6 {
		ends = append(ends, s.endpoint("w").ID)
		k := webhook.Key{ID: webhook.NewID(time.Now()), WorkspaceID: "w"}
		must(t, postgres.NewKeys(s.db).Create(ctx, k, []byte{byte(i)}))
		keys = append(keys, k.ID)
	}
	got := walk(t, 2, func(e webhook.Endpoint) webhook.ID { return e.ID }, func(p webhook.Page) ([]webhook.Endpoint, bool, error) {
		return postgres.NewEndpoints(s.db).List(ctx, "w", p)
	}, func() { s.endpoint("w") })
	if !slices.Equal(got, newestFirst(ends)) {
		t.Errorf("got %d of %d endpoints", len(got), len(ends))
	}
	got = walk(t, 2, func(k webhook.Key) webhook.ID { return k.ID }, func(p webhook.Page) ([]webhook.Key, bool, error) {
		return postgres.NewKeys(s.db).List(ctx, "w", p)
	}, func() {})
	if !slices.Equal(got, newestFirst(keys)) {
		t.Errorf("got %d of %d keys", len(got), len(keys))
	}
	m := s.pending(0, "r_next")
	var attempts []webhook.ID
	for seen := range 5 {
		o := outcome(m, "r_next", seen, 500)
		s.records(s.db, []webhook.Outcome{o}, true)
		attempts = append(attempts, o.Attempt.ID)
	}
	got = walk(t, 2, func(a webhook.Attempt) webhook.ID { return a.ID }, func(p webhook.Page) ([]webhook.Attempt, bool, error) {
		return postgres.NewDeliveries(s.db).Attempts(ctx, "w", m.DeliveryID, 0, p)
	}, func() {})
	if !slices.Equal(got, newestFirst(attempts)) {
		t.Errorf("got %d of %d attempts", len(got), len(attempts))
	}
	none, _, err := postgres.NewDeliveries(s.db).Attempts(ctx, "other", m.DeliveryID, 0, webhook.Page{Limit: 2})
	if err != nil || len(none) != 0 {
		t.Errorf("another workspace sees %v, %v", none, err)
	}
}
