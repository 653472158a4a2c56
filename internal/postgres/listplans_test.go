package postgres_test

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/webhook"
)

const (
	seededDays = 40
	dayRows    = 2000
)

// seed fills every day up to today with deliveries and events of a big workspace
// and a small one, of which one in 50 is the stage's endpoint's, one in 200
// failed and one in a day pending, and gathers statistics.
func (s *stage) seed(today time.Time) {
	s.t.Helper()
	must(s.t, s.db.EnsurePartitions(s.t.Context(), today.AddDate(0, 0, -seededDays), seededDays+15))
	big := s.endpoint("w").ID
	for d := range seededDays {
		s.exec(`WITH ids AS (
				SELECT i, (lpad(to_hex($1::bigint + 1000 * i), 12, '0') || substr(md5(i::text), 1, 20))::uuid AS id,
				       CASE WHEN i % 100 = 0 THEN 'small' ELSE 'w' END AS ws
				FROM generate_series(1, $2::int) i
			), made AS (
				INSERT INTO events (id, workspace_id, type, created_at, deliveries) SELECT id, ws, 'a.b', now(), 1 FROM ids
			)
			INSERT INTO deliveries (id, workspace_id, event_id, endpoint_id, event_type, status, next_attempt_at, completed_at)
			SELECT id, ws, id, CASE WHEN i % 50 = 1 THEN $3::uuid ELSE $4::uuid END, 'a.b',
			       CASE WHEN i = 7 THEN 'pending' WHEN i % 200 = 3 THEN 'failed' ELSE 'success' END,
			       CASE WHEN i = 7 THEN now() END, CASE WHEN i <> 7 THEN now() END
			FROM ids`, today.AddDate(0, 0, -d).UnixMilli(), dayRows, pg(s.end), pg(big))
	}
	s.exec("VACUUM ANALYZE deliveries, events")
}

// planner asks for plans as Open's connections get them.
func (s *stage) planner() *pgx.Conn {
	s.t.Helper()
	conn, err := pgx.Connect(s.t.Context(), s.url)
	must(s.t, err)
	s.t.Cleanup(func() { _ = conn.Close(context.Background()) })
	_, err = conn.Exec(s.t.Context(), "SET plan_cache_mode = force_custom_plan")
	must(s.t, err)
	return conn
}

var (
	scanned = regexp.MustCompile(`Scan .*on ((?:events|deliveries|attempts)_p[0-9]{8})`)
	removed = regexp.MustCompile(`Rows Removed by (?:Filter|Index Recheck): ([0-9]{3,})`)
)

// run carries a statement out and returns its plan and the day tables that it
// looked into, without undoing what it did.
func run(t *testing.T, conn *pgx.Conn, sql string, args ...any) (plan string, tables map[string]bool) {
	t.Helper()
	rows, err := conn.Query(t.Context(), "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) "+sql, args...)
	must(t, err)
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	must(t, err)
	tables = make(map[string]bool)
	for _, line := range lines {
		if m := scanned.FindStringSubmatch(line); m != nil && !strings.Contains(line, "never executed") {
			tables[m[1]] = true
		}
	}
	return strings.Join(lines, "\n"), tables
}

// wantPlan wants a statement to look into few day tables, to read no full one
// from end to end, and to throw hardly any row away.
func wantPlan(t *testing.T, conn *pgx.Conn, maxTables int, index, sql string, args ...any) {
	t.Helper()
	plan, tables := run(t, conn, sql, args...)
	wantNoWholeDay(t, plan)
	if len(tables) > maxTables || removed.MatchString(plan) || !strings.Contains(plan, index) {
		t.Errorf("looks into %d tables, wanted by %s:\n%.4000s", len(tables), index, plan)
	}
}

func wantNoWholeDay(t *testing.T, plan string) {
	t.Helper()
	oldest := time.Now().UTC().AddDate(0, 0, 1-seededDays).Format("20060102")
	today := time.Now().UTC().Format("20060102")
	for line := range strings.Lines(plan) {
		m := scanned.FindStringSubmatch(line)
		if m == nil || !strings.Contains(line, "Seq Scan") || strings.Contains(line, "never executed") {
			continue
		}
		if day := m[1][len(m[1])-8:]; day >= oldest && day <= today && !strings.HasPrefix(m[1], "attempts") {
			t.Errorf("reads a whole day: %s", line)
		}
	}
}

// wantWalk is wantPlan for a statement that throws rows away, but only after it has
// bounded how many it looks at.
func wantWalk(t *testing.T, conn *pgx.Conn, maxTables int, index, sql string, args ...any) {
	t.Helper()
	plan, tables := run(t, conn, sql, args...)
	wantNoWholeDay(t, plan)
	wasted := false
	lines := strings.Split(plan, "\n")
	for i, line := range lines {
		if removed.MatchString(line) && slices.ContainsFunc(lines[max(i-4, 0):i], func(l string) bool { return scanned.MatchString(l) }) {
			wasted = true
		}
	}
	if len(tables) > maxTables || wasted || !strings.Contains(plan, index) {
		t.Errorf("looks into %d tables, wanted by %s:\n%.4000s", len(tables), index, plan)
	}
}

func TestListsGoByTheirIndex(t *testing.T) {
	t.Parallel()
	s := setup(t)
	today := time.Now().UTC().Truncate(24 * time.Hour)
	s.seed(today)
	conn := s.planner()
	lo, hi := pg(webhook.ID{}), pg(webhook.FirstID(today.AddDate(0, 0, 20)))
	before := pg(webhook.FirstID(today.AddDate(0, 0, -10)))
	deliveries := func(ws string, hi pgtype.UUID, status, eventType, endpoint any) []any {
		return []any{ws, lo, hi, status, eventType, endpoint, nil, nil, int32(51)}
	}
	walked := func(hi pgtype.UUID, status, eventType, endpoint, byStatus, byEndpoint any) []any {
		return []any{int32(100), status, eventType, endpoint, nil, "w", lo, hi, byStatus, byEndpoint, int32(51)}
	}
	// The days to come are empty, and looked into: two weeks and what setup made.
	const ahead = 16
	for name, want := range map[string]struct {
		tables int
		index  string
		args   []any
	}{
		"All":          {ahead + 1, "_pkey", deliveries("w", hi, nil, nil, nil)},
		"OfASmallOne":  {ahead + 3, "_pkey", deliveries("small", hi, nil, nil, nil)},
		"OfAStranger":  {ahead + seededDays + 3, "_pkey", deliveries("stranger", hi, nil, nil, nil)},
		"NextPage":     {1, "_pkey", deliveries("w", before, nil, nil, nil)},
		"Failed":       {6, "_workspace_id_status_id_idx", deliveries("w", before, "failed", nil, nil)},
		"Canceled":     {seededDays + 3, "_workspace_id_status_id_idx", deliveries("w", before, "canceled", nil, nil)},
		"OfAnEndpoint": {2, "_endpoint_id_id_idx", deliveries("w", before, nil, nil, pg(s.end))},
	} {
		t.Run(name, func(t *testing.T) { wantPlan(t, conn, want.tables, want.index, dbsqlc.ListDeliveries, want.args...) })
	}
	for name, want := range map[string]struct {
		tables int
		index  string
		args   []any
	}{
		"OfAType":             {1, "_pkey", walked(before, nil, "a.b", nil, nil, nil)},
		"OfATypeThatIsRare":   {1, "_pkey", walked(before, nil, "never", nil, nil, nil)},
		"Success":             {1, "_pkey", walked(before, "success", nil, nil, nil, nil)},
		"OfATypeToAnEndpoint": {4, "_endpoint_id_id_idx", walked(before, nil, "never", pg(s.end), nil, pg(s.end))},
		"FailedToAnEndpoint":  {seededDays + 3, "_workspace_id_status_id_idx", walked(before, "failed", nil, pg(s.end), "failed", nil)},
	} {
		t.Run("Walked/"+name, func(t *testing.T) { wantWalk(t, conn, want.tables, want.index, dbsqlc.WalkDeliveries, want.args...) })
	}
	t.Run("FewPending", func(t *testing.T) {
		args := []any{lo, hi, int32(5000), "w", "never", pg(s.end), int32(51)}
		wantWalk(t, conn, ahead+seededDays+3, "_next_attempt_at_idx", dbsqlc.FewPending, args...)
	})
	t.Run("EventsOfAType", func(t *testing.T) {
		wantWalk(t, conn, 1, "_pkey", dbsqlc.WalkEvents, int32(1000), "never", "w", lo, before, int32(51))
	})
	t.Run("Events", func(t *testing.T) {
		wantPlan(t, conn, 1, "_pkey", dbsqlc.ListEvents, "w", lo, before, nil, int32(51), int64(8<<20))
	})
	from, half := pg(webhook.FirstID(today.AddDate(0, 0, -20))), pg(webhook.FirstID(today.AddDate(0, 0, -20).Add(time.Second)))
	t.Run("EventsOfAFeed", func(t *testing.T) {
		wantPlan(t, conn, 1, "_pkey", dbsqlc.CatchUpEvents, pg(s.end), "w", from, hi, int32(250))
	})
	t.Run("EventsOfAStream", func(t *testing.T) {
		wantPlan(t, conn, 2, "_pkey", dbsqlc.CatchUpEvents, pg(webhook.ID{}), "w", pg(webhook.FirstID(time.Now().Add(-5*time.Second))),
			pg(webhook.FirstID(time.Now().Add(10*time.Minute))), int32(20_000))
	})
	t.Run("DeliveriesOfAFeed", func(t *testing.T) {
		wantPlan(t, conn, 1, "_endpoint_id_id_idx", dbsqlc.CatchUpDeliveries, pg(s.end), from, half)
	})
	t.Run("BodiesOfAFeed", func(t *testing.T) {
		wantPlan(t, conn, 1, "_pkey", dbsqlc.ListEvents, "w", from, half, []pgtype.UUID{from, half}, int32(2), int64(8<<20))
	})
	t.Run("PendingAndMany", func(t *testing.T) {
		s.exec("UPDATE deliveries SET status = 'pending', completed_at = NULL, next_attempt_at = now() WHERE right(id::text, 1) < '8'")
		s.exec("ANALYZE deliveries")
		wantWalk(t, conn, 1, "_pkey", dbsqlc.WalkDeliveries, walked(before, "pending", nil, nil, nil, nil)...)
	})
	t.Run("AndTheTestSeesOthers", func(t *testing.T) {
		plan, tables := run(t, conn, "SELECT * FROM deliveries WHERE event_type = 'x'")
		if len(tables) < seededDays || !removed.MatchString(plan) || !strings.Contains(plan, "Seq Scan on deliveries_p") {
			t.Errorf("%d tables:\n%.2000s", len(tables), plan)
		}
	})
}

func TestLookUpsByIDTouchOneDay(t *testing.T) {
	t.Parallel()
	s := setup(t)
	today := time.Now().UTC().Truncate(24 * time.Hour)
	s.seed(today)
	conn := s.planner()
	id := query[pgtype.UUID](s, "SELECT id FROM deliveries WHERE workspace_id = 'w' AND id >= $1 AND status = 'failed' ORDER BY id LIMIT 1", pg(webhook.FirstID(today.AddDate(0, 0, -20))))
	lo, hi := pg(webhook.FirstID(today.AddDate(0, 0, -20))), pg(webhook.FirstID(today.AddDate(0, 0, -19)))
	ws, ids := []string{"w"}, []pgtype.UUID{id}
	first, next := pg(webhook.FirstID(webhook.ID(id.Bytes).Time())), pg(webhook.FirstID(webhook.ID(id.Bytes).Time().Add(time.Millisecond)))
	for name, want := range map[string]struct {
		tables int // a day's of each table that it is about
		sql    string
		args   []any
	}{
		"DeliveryByID":        {1, dbsqlc.DeliveryByID, []any{"w", id}},
		"EventByID":           {1, dbsqlc.EventByID, []any{"w", id}},
		"AcceptedEvent":       {1, dbsqlc.AcceptedEvent, []any{"w", id}},
		"ListAttempts":        {1, dbsqlc.ListAttempts, []any{"w", id, hi, int32(51)}},
		"LastAttempts":        {1, dbsqlc.LastAttempts, []any{ids, "w", id, id}},
		"DeliveriesByOutcome": {1, dbsqlc.DeliveriesByOutcome, []any{ids, "w", id, id, int32(500), int32(599), false, "status"}},
		"ChosenDeliveries":    {2, dbsqlc.ChosenDeliveries, []any{ids, "w", id, id}},
		"ExternalIDs":         {1, dbsqlc.ExternalIDs, []any{"w", ids, id, id}},
		"DeliveriesOfEvent":   {1, dbsqlc.ListDeliveries, []any{"w", first, next, nil, nil, nil, id, nil, int32(51)}},
		"DeliveriesOfEventTo": {1, dbsqlc.DeliveriesOfEventTo, []any{[]pgtype.UUID{pg(s.end)}, first, next, "w", id}},
		"RecordedAttempts":    {2, dbsqlc.RecordedAttempts, []any{ws, ids, ids, lo, hi}},
		"RetryDelivery":       {2, dbsqlc.RetryDelivery, []any{"w", id, true, lo, hi}},
		"CancelDelivery":      {1, dbsqlc.CancelDelivery, []any{"canceled", "w", id, true}},
		"RetryInLine":         {2, dbsqlc.RetryInLine, []any{"w", id, lo, hi}},
		"LockDueDeliveries":   {1, dbsqlc.LockDueDeliveries, []any{ws, ids, lo, hi}},
		"ExpirePending":       {1, dbsqlc.ExpirePending, []any{lo, hi, int32(10)}},
	} {
		t.Run(name, func(t *testing.T) { wantPlan(t, conn, want.tables, "Scan", want.sql, want.args...) })
	}
}

// What goes over every day goes by an index of pending rows alone.
func TestSweepsReadOnlyWhatIsPending(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.seed(time.Now().UTC().Truncate(24 * time.Hour))
	conn := s.planner()
	for name, want := range map[string]struct {
		index string
		sql   string
		args  []any
	}{
		"DueDeliveries":  {"_next_attempt_at_idx on", dbsqlc.DueDeliveries, nil},
		"HeldDeliveries": {"_next_attempt_at_idx1 on", dbsqlc.HeldDeliveries, []any{time.Time{}, time.Now(), true, int32(100)}},
		"OldestDue":      {"_next_attempt_at_idx on", dbsqlc.OldestDue, nil},
		"OldestHeld":     {"_endpoint_id_id_idx1 on", dbsqlc.OldestHeld, []any{pg(s.end), int32(10)}},
		"CountHeld":      {"_endpoint_id_id_idx1 on", dbsqlc.CountHeld, []any{int32(10_000)}},
		"OldestParked":   {"_endpoint_id_id_idx2 on", dbsqlc.OldestParked, []any{pg(s.end), int32(10)}},
	} {
		t.Run(name, func(t *testing.T) { wantPlan(t, conn, 1000, want.index, want.sql, want.args...) })
	}
}

// Of tables that are small in a test there must be the index that serves.
func TestSmallTablesHaveTheIndexesTheirStatementsName(t *testing.T) {
	t.Parallel()
	s := setup(t)
	conn := s.planner()
	_, err := conn.Exec(t.Context(), "SET enable_seqscan = off")
	must(t, err)
	id, ids := pg(s.end), []pgtype.UUID{pg(s.end)}
	for name, want := range map[string]struct {
		indexes string
		sql     string
		args    []any
	}{
		"KeyByHash":          {"keys_hash_key", dbsqlc.KeyByHash, []any{[]byte("h")}},
		"ListKeys":           {"keys_workspace", dbsqlc.ListKeys, []any{"w", id, int32(51)}},
		"ListEndpoints":      {"endpoints_workspace", dbsqlc.ListEndpoints, []any{"w", id, nil, int32(51)}},
		"SomeEndpoints":      {"Index Scan using endpoints_", dbsqlc.ListEndpoints, []any{"w", id, ids, int32(51)}},
		"WalkEndpoints":      {"endpoints_workspace", dbsqlc.WalkEndpoints, []any{"disabled", "x", "w", id, int32(1000)}},
		"WalkUnhealthy":      {"endpoint_health_workspace", dbsqlc.WalkUnhealthy, []any{"failing", "x", "w", id, int32(1000)}},
		"EndpointStates":     {"endpoints_workspace", dbsqlc.EndpointStates, []any{"w", id, nil, int32(51)}},
		"EndpointStateOfOne": {"Index Scan using endpoints_", dbsqlc.EndpointStates, []any{"w", pg(webhook.FirstID(time.Now().Add(time.Hour))), ids, int32(51)}},
		"EventTypeByName":    {"event_types_pkey", dbsqlc.EventTypeByName, []any{"w", "x"}},
		"ListEventTypes":     {"event_types_newest", dbsqlc.ListEventTypes, []any{"w", id, int32(51), int64(8 << 20)}},
		"CountEventTypes":    {"event_types_", dbsqlc.CountEventTypes, []any{"w"}},
		"TypeRules":          {"event_types_", dbsqlc.TypeRules, []any{[]string{"w"}}},
		"TypeSchemas":        {"event_types_pkey", dbsqlc.TypeSchemas, []any{"w", []string{"x"}}},
		"KnownEventIDs":      {"event_ids_pkey", dbsqlc.KnownEventIDs, []any{"w", []string{"x"}}},
		"SubscriptionsOf":    {"endpoints_workspace", dbsqlc.SubscriptionsOf, []any{[]string{"w"}}},
		"EndpointVersions":   {"workspaces_pkey", dbsqlc.EndpointVersions, []any{[]string{"w"}}},
		"EndpointByID":       {"Index Scan using endpoints_", dbsqlc.EndpointByID, []any{id, "w"}},
		"DeliveryTargets":    {"Index Scan using endpoints_", dbsqlc.DeliveryTargets, []any{ids}},
		"EventByExternalID":  {"event_ids_pkey", dbsqlc.EventByExternalID, []any{"w", "x"}},
		"EventIDOwners":      {"event_ids_pkey", dbsqlc.EventIDOwners, []any{[]string{"w"}, []string{"x"}}},
		"DeleteEventIDs":     {"event_ids_event", dbsqlc.DeleteEventIDs, []any{id, id, int32(10)}},
		"ListWorkspaces":     {"workspaces_newest", dbsqlc.ListWorkspaces, []any{time.Now(), "x", int32(51)}},
		"LockParkedEndpoint": {"parked_endpoints_due", dbsqlc.LockParkedEndpoint, nil},
		"CheckParked":        {"parked_endpoints_pkey", dbsqlc.CheckParked, []any{ids}},
		"ForgetFailures":     {"endpoint_health_pkey", dbsqlc.ForgetFailures, []any{ids}},
	} {
		t.Run(name, func(t *testing.T) {
			if plan := fmt.Sprint(explain(t, conn, want.sql, want.args)); !strings.Contains(plan, want.indexes) {
				t.Errorf("not by %s: %s", want.indexes, plan)
			}
		})
	}
}
