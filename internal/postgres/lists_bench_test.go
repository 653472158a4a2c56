package postgres_test

import (
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
)

var benchRows = flag.Int("rows", 200_000, "deliveries that BenchmarkLists looks through")

const (
	benchDays      = 10
	benchEndpoints = 200
)

// archive fills ten days with deliveries: of 200 endpoints, the busiest of which gets
// a sixth, of 50 types, 97 % of them successes, and an event for each fifth.
func archive(b *testing.B, rows int) (s *stage, busy, quiet webhook.ID) {
	b.Helper()
	s = setup(b)
	today := time.Now().UTC().Truncate(24 * time.Hour)
	must(b, s.db.EnsurePartitions(b.Context(), today.AddDate(0, 0, -benchDays), benchDays+15))
	ends := make([]pgtype.UUID, benchEndpoints)
	for i := range ends {
		ends[i] = pg(s.endpoint("w").ID)
	}
	for d := 1; d <= benchDays; d++ {
		s.exec(`WITH ids AS (
				SELECT i, (lpad(to_hex($1::bigint + 86400000::bigint * i / $2::int), 12, '0') || substr(md5(i::text), 1, 20))::uuid AS id,
				       ($3::uuid[])[1 + floor(200 * random() ^ 3)] AS endpoint, random() AS luck
				FROM generate_series(1, $2::int) i
			), made AS (
				INSERT INTO events (id, workspace_id, type, created_at, body, deliveries)
				SELECT id, 'w', 't.' || i % 50, now(), convert_to(repeat('x', 300), 'UTF8'), 5 FROM ids WHERE i % 5 = 0
			)
			INSERT INTO deliveries (id, workspace_id, event_id, endpoint_id, event_type, status, attempts, next_attempt_at, completed_at)
			SELECT id, 'w', id, endpoint, 't.' || i % 50,
			       CASE WHEN i % 50000 = 7 THEN 'pending' WHEN luck < 0.02 THEN 'failed' WHEN luck < 0.03 THEN 'canceled' ELSE 'success' END, 1,
			       CASE WHEN i % 50000 = 7 THEN now() END, CASE WHEN i % 50000 <> 7 THEN now() END
			FROM ids`, today.AddDate(0, 0, -d).UnixMilli(), rows/benchDays, ends)
	}
	s.exec("VACUUM ANALYZE deliveries, events")
	return s, ends[0].Bytes, ends[benchEndpoints-1].Bytes
}

// attempted gives each delivery of the archive an attempt: what did not succeed was
// answered 500, or not at all.
func (s *stage) attempted() {
	s.t.Helper()
	s.exec(`INSERT INTO attempts (delivery_id, workspace_id, id, number, started_at, duration_us, status_code, error, error_class, request_headers)
		SELECT id, workspace_id, id, 1, now(), 1000, CASE WHEN status = 'success' THEN 204 WHEN attempts_hash < 8 THEN 500 END,
		       CASE WHEN status <> 'success' THEN 'it failed' END, CASE WHEN status = 'success' THEN NULL WHEN attempts_hash < 8 THEN 'status' ELSE 'refused' END, ''
		FROM (SELECT id, workspace_id, status, abs(hashtext(id::text)) % 10 AS attempts_hash FROM deliveries) d`)
	s.exec("VACUUM ANALYZE attempts")
}

// BenchmarkLists reads a page of each kind: go test -bench Lists -args -rows 10000000.
func BenchmarkLists(b *testing.B) {
	s, busy, quiet := archive(b, *benchRows)
	s.attempted()
	deliveries, events := postgres.NewDeliveries(s.db), postgres.NewEvents(s.db)
	since := time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -5)
	before := webhook.FirstID(since)
	for _, c := range []struct {
		name string
		f    webhook.DeliveryFilter
		p    webhook.ID
	}{
		{"all", webhook.DeliveryFilter{}, webhook.ID{}},
		{"next page", webhook.DeliveryFilter{}, before},
		{"a type", webhook.DeliveryFilter{Type: "t.7"}, webhook.ID{}},
		{"a type that never occurs", webhook.DeliveryFilter{Type: "never"}, webhook.ID{}},
		{"success", webhook.DeliveryFilter{Status: webhook.StatusSuccess}, webhook.ID{}},
		{"pending", webhook.DeliveryFilter{Status: webhook.StatusPending}, webhook.ID{}},
		{"failed", webhook.DeliveryFilter{Status: webhook.StatusFailed}, webhook.ID{}},
		{"failed of a type", webhook.DeliveryFilter{Status: webhook.StatusFailed, Type: "never"}, webhook.ID{}},
		{"pending of a type", webhook.DeliveryFilter{Status: webhook.StatusPending, Type: "never"}, webhook.ID{}},
		{"busy endpoint", webhook.DeliveryFilter{EndpointID: busy}, webhook.ID{}},
		{"busy endpoint, pending", webhook.DeliveryFilter{EndpointID: busy, Status: webhook.StatusPending}, webhook.ID{}},
		{"busy endpoint, failed", webhook.DeliveryFilter{EndpointID: busy, Status: webhook.StatusFailed}, webhook.ID{}},
		{"busy endpoint, a type that never occurs", webhook.DeliveryFilter{EndpointID: busy, Type: "never"}, webhook.ID{}},
		{"quiet endpoint", webhook.DeliveryFilter{EndpointID: quiet}, webhook.ID{}},
		{"quiet endpoint, failed", webhook.DeliveryFilter{EndpointID: quiet, Status: webhook.StatusFailed}, webhook.ID{}},
		{"unknown endpoint", webhook.DeliveryFilter{EndpointID: webhook.NewID(time.Now())}, webhook.ID{}},
		{"since", webhook.DeliveryFilter{Since: since}, webhook.ID{}},
		{"since, a type that never occurs", webhook.DeliveryFilter{Since: since, Type: "never"}, webhook.ID{}},
		{"until, pending", webhook.DeliveryFilter{Until: since, Status: webhook.StatusPending}, webhook.ID{}},
		{"until, busy endpoint, failed", webhook.DeliveryFilter{Until: since, EndpointID: busy, Status: webhook.StatusFailed}, webhook.ID{}},
		{"an event", webhook.DeliveryFilter{EventID: before}, webhook.ID{}},
		{"answered 5xx", webhook.DeliveryFilter{StatusClass: webhook.Answer5xx}, webhook.ID{}},
		{"answered 3xx, which never occurs", webhook.DeliveryFilter{StatusClass: webhook.Answer3xx}, webhook.ID{}},
		{"answered 2xx", webhook.DeliveryFilter{StatusClass: webhook.Answer2xx}, webhook.ID{}},
		{"failed without an answer", webhook.DeliveryFilter{StatusClass: webhook.NoAnswer, Status: webhook.StatusFailed}, webhook.ID{}},
		{"busy endpoint, timed out", webhook.DeliveryFilter{EndpointID: busy, ErrorClass: webhook.ClassTimeout}, webhook.ID{}},
		{"next page, answered 3xx", webhook.DeliveryFilter{StatusClass: webhook.Answer3xx}, before},
	} {
		b.Run("deliveries/"+c.name, func(b *testing.B) {
			for b.Loop() {
				_, _, err := deliveries.List(b.Context(), "w", c.f, webhook.Page{Limit: 50, Before: c.p})
				must(b, err)
			}
		})
	}
	for name, f := range map[string]webhook.EventFilter{
		"all": {}, "a type": {Type: "t.10"}, "a type that never occurs": {Type: "never"}, "since": {Since: since}, "until, a type": {Until: since, Type: "t.10"},
	} {
		b.Run("events/"+name, func(b *testing.B) {
			for b.Loop() {
				_, _, err := events.List(b.Context(), "w", f, webhook.Page{Limit: 50})
				must(b, err)
			}
		})
	}
}

// BenchmarkStats reads each window after all has been counted, of a workspace and of
// its busiest endpoint.
func BenchmarkStats(b *testing.B) {
	s, busy, _ := archive(b, *benchRows)
	store, now := postgres.NewStats(s.db), time.Now()
	for {
		minutes, err := store.Take(b.Context(), -time.Second, 1000)
		must(b, err)
		if len(minutes) == 0 {
			break
		}
		for _, m := range minutes {
			must(b, store.Count(b.Context(), m, now))
		}
	}
	for more := true; more; {
		var err error
		more, err = store.Merge(b.Context(), now)
		must(b, err)
	}
	s.exec("VACUUM ANALYZE stats_tallies, stats_marks")
	all, err := store.Stats(b.Context(), "w", webhook.ID{}, webhook.StatsWindows()[3], now)
	must(b, err)
	if n := int(all.Total().Deliveries()); n != *benchRows {
		b.Fatalf("%d of %d are counted", n, *benchRows)
	}
	for _, w := range webhook.StatsWindows() {
		for name, endpoint := range map[string]webhook.ID{"workspace": {}, "endpoint": busy} {
			b.Run(name+"/"+w.Name, func(b *testing.B) {
				for b.Loop() {
					_, err := store.Stats(b.Context(), "w", endpoint, w, now)
					must(b, err)
				}
			})
		}
	}
}

// BenchmarkMarks is what the statistics' trigger adds to a commit of 100 events with
// ten deliveries each.
func BenchmarkMarks(b *testing.B) {
	s := setup(b)
	for round := range 3 {
		for _, state := range []string{"ENABLE", "DISABLE"} {
			b.Run(fmt.Sprint(state, "/", round), func(b *testing.B) {
				s.exec("ALTER TABLE deliveries " + state + " TRIGGER USER")
				for b.Loop() {
					b.StopTimer()
					g, now, ids := &webhook.Group{}, time.Now(), webhook.IDSource{}
					for i := range 100 {
						g.Events = append(g.Events, webhook.Event{ID: ids.Next(now), WorkspaceID: "w", Type: "a.b", CreatedAt: now, Body: make([]byte, 300), Deliveries: 10})
						for range 10 {
							g.Deliveries = append(g.Deliveries, webhook.NewDelivery{ID: ids.Next(now), Event: i, EndpointID: s.end, Task: "c_1"})
						}
					}
					b.StartTimer()
					s.commits(s.db, g)
				}
			})
		}
	}
}
