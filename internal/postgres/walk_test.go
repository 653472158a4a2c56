package postgres_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
)

// crowd inserts so many deliveries of events of type "t", newer than at, and their events.
func (s *stage) crowd(n int, at time.Time, settings string) {
	s.t.Helper()
	s.exec(`WITH ids AS (
			SELECT (left($1::text, 14) || lpad(to_hex(4096 + n / 65536), 4, '0') || '-' || lpad(to_hex(n % 65536), 4, '0') || '-' || substr(md5(n::text), 1, 12))::uuid AS id
			FROM generate_series(1, $2::int) n
		), made AS (
			INSERT INTO events (id, workspace_id, type, created_at, deliveries) SELECT id, 'w', 't', now(), 1 FROM ids
		)
		INSERT INTO deliveries (id, workspace_id, event_id, endpoint_id, event_type, next_attempt_at)
		SELECT id, 'w', id, $3, 't', now() FROM ids`, pg(webhook.FirstID(at)), n, pg(s.end))
	s.exec("UPDATE deliveries SET " + settings + " WHERE event_type = 't'")
	s.exec("ANALYZE deliveries, events")
}

// A page looks at a bounded number of rows: what is rare comes after empty pages.
func TestAListOfWhatIsRare(t *testing.T) {
	t.Parallel()
	const many = 12_000
	hour := time.Now().Add(-time.Hour).Truncate(time.Millisecond)

	t.Run("GoesOnWhereItsPageEnded", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		quiet := s.endpoint("w").ID
		s.crowd(many, hour, isSuccess)
		rare := s.set(s.pending(1, ""), isSuccess+", event_type = 'rare', endpoint_id = endpoint_id")
		s.exec("INSERT INTO events (id, workspace_id, type, created_at, deliveries) VALUES ($1, 'w', 'rare', now(), 1)", pg(rare.EventID))
		store := postgres.NewDeliveries(s.db)
		for name, f := range map[string]webhook.DeliveryFilter{
			"OfAType":                   {Type: "rare"},
			"OfATypeAndAStatus":         {Type: "rare", Status: webhook.StatusSuccess},
			"OfATypeToAnEndpoint":       {Type: "rare", EndpointID: s.end},
			"OfATypeThatNeverOccurs":    {Type: "never"},
			"ToAnEndpointThatNeverGot":  {Type: "rare", EndpointID: quiet},
			"PendingToABusyEndpoint":    {Status: webhook.StatusPending, EndpointID: s.end},
			"FailedToABusyEndpoint":     {Status: webhook.StatusFailed, EndpointID: s.end},
			"PendingOfAType":            {Status: webhook.StatusPending, Type: "t"},
			"CanceledOfAType":           {Status: webhook.StatusCanceled, Type: "t"},
			"OfATypeSinceTheTime":       {Type: "rare", Since: hour},
			"OfATypeUntilAndBeforeThat": {Type: "rare", Until: hour},
		} {
			pages, found := 0, []webhook.ID(nil)
			for p := (webhook.Page{Limit: 50}); ; pages++ {
				page, next, err := store.List(t.Context(), "w", f, p)
				must(t, err)
				for _, d := range page {
					found = append(found, d.ID)
				}
				if p.Before = next; next.IsZero() {
					break
				}
			}
			want := f.Type == "rare" && f.EndpointID != quiet && f.Since.IsZero()
			if slices.Contains(found, rare.DeliveryID) != want || len(found) > 1 {
				t.Errorf("%s: found %v", name, found)
			}
			if walks := f.Type != "" && f.Until.IsZero() && f.EndpointID != quiet && f.Status != webhook.StatusPending && f.Status != webhook.StatusCanceled; (pages > 0) != walks {
				t.Errorf("%s: %d pages before the last", name, pages)
			}
		}
		events, next, err := postgres.NewEvents(s.db).List(t.Context(), "w", webhook.EventFilter{Type: "rare"}, webhook.Page{Limit: 50})
		must(t, err)
		if len(events) != 0 || next.IsZero() {
			t.Errorf("the first page of events has %d, next %s", len(events), next)
		}
		events, next, err = postgres.NewEvents(s.db).List(t.Context(), "w", webhook.EventFilter{Type: "rare"}, webhook.Page{Limit: 50, Before: next})
		must(t, err)
		if len(events) != 1 || !next.IsZero() {
			t.Errorf("the second page of events has %d, next %s", len(events), next)
		}
	})

	t.Run("FindsThePendingAmongMany", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		s.crowd(many, hour, "task = 'c_1'")
		quiet := s.endpoint("w").ID
		mine := s.set(s.pending(1, ""), "event_type = 'rare'")
		s.exec("UPDATE deliveries SET endpoint_id = $1 WHERE id = $2", pg(quiet), pg(mine.DeliveryID))
		seen := follow(t, 250, func(d webhook.Delivery) webhook.ID { return d.ID }, func(p webhook.Page) ([]webhook.Delivery, webhook.ID, error) {
			return postgres.NewDeliveries(s.db).List(context.Background(), "w", webhook.DeliveryFilter{Status: webhook.StatusPending}, p)
		}, func() {})
		if len(seen) != many+1 || !slices.Equal(seen, newestFirst(seen)) {
			t.Errorf("found %d", len(seen))
		}
		page, next, err := postgres.NewDeliveries(s.db).List(t.Context(), "w", webhook.DeliveryFilter{Status: webhook.StatusPending, EndpointID: quiet}, webhook.Page{Limit: 5})
		must(t, err)
		if len(page) != 1 || page[0].ID != mine.DeliveryID || !next.IsZero() {
			t.Errorf("found %d, next %s", len(page), next)
		}
	})
}
