package postgres_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/postrider/postrider/internal/pgtest"
	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/webhook"
)

// A day that autovacuum has not looked at yet seems almost empty to the planner.
// A statement that trusts it reads the whole day for each group: 20 ms at 20,000
// rows, more with every row, until there are statistics.
func TestHotStatementsReadNoWholeDayWithoutStatistics(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	url := pgtest.New(t)
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, "SET plan_cache_mode = force_custom_plan"); err != nil {
		t.Fatal(err)
	}
	today := time.Now().UTC().Truncate(24 * time.Hour)
	db, err := postgres.Open(ctx, postgres.Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.EnsurePartitions(ctx, today, 3); err != nil {
		t.Fatal(err)
	}
	all := fill(t, conn, today, 20_000)
	lo := pgtype.UUID{Bytes: webhook.FirstID(today), Valid: true}
	hi := pgtype.UUID{Bytes: webhook.FirstID(today.AddDate(0, 0, 1)), Valid: true}
	const n = 512
	ids, workspaces, tasks := all[:n], slices.Repeat([]string{"w"}, n), slices.Repeat([]string{"c_x"}, n)
	bytes, times, longs, ints := make([][]byte, n), make([]pgtype.Timestamptz, n), make([]int64, n), make([]int32, n)
	bools := make([]bool, n)
	for name, statement := range map[string]struct {
		sql  string
		args []any
	}{
		"GuardDeliveries":   {dbsqlc.GuardDeliveries, []any{workspaces, ids, lo, hi}},
		"RecordSuccesses":   {dbsqlc.RecordSuccesses, []any{workspaces, ids, ids, times, longs, ints, bytes, bytes, bytes, lo, hi}},
		"RecordFailures":    {dbsqlc.RecordFailures, []any{workspaces, ids, tasks, ints, tasks, tasks, longs, bools, ids, times, longs, ints, tasks, tasks, bytes, bytes, bytes, lo, hi}},
		"HandOver":          {dbsqlc.HandOver, []any{lo, hi, workspaces, ids, tasks, tasks}},
		"ParkDeliveries":    {dbsqlc.ParkDeliveries, []any{lo, hi, workspaces, ids, tasks, tasks, times}},
		"SettleDeliveries":  {dbsqlc.SettleDeliveries, []any{"canceled", "x", lo, hi, workspaces, ids, tasks}},
		"LockDueDeliveries": {dbsqlc.LockDueDeliveries, []any{workspaces, ids, lo, hi}},
		"GiveTasks":         {dbsqlc.GiveTasks, []any{lo, hi, workspaces, ids, tasks}},
		"ClearTasks":        {dbsqlc.ClearTasks, []any{lo, hi, workspaces, ids, tasks}},
		"ReleaseParked":     {dbsqlc.ReleaseParked, []any{false, lo, hi, workspaces, ids}},
		"CancelPending":     {dbsqlc.CancelPending, []any{lo, hi, workspaces, ids}},
		"GiveTurns":         {dbsqlc.GiveTurns, []any{lo, hi, workspaces, ids, tasks, longs}},
		"TurnsOf":           {dbsqlc.TurnsOf, []any{workspaces, ids, lo, hi}},
		"LockOrdered":       {dbsqlc.LockOrdered, []any{workspaces, ids, lo, hi}},
		"LiveHeads":         {dbsqlc.LiveHeads, []any{workspaces, ids, lo, hi}},
		"WaitTurns":         {dbsqlc.WaitTurns, []any{lo, hi, workspaces, ids, ids, tasks, tasks}},
		"EventBodies":       {dbsqlc.EventBodies, []any{workspaces, ids, lo, hi}},
	} {
		t.Run(name, func(t *testing.T) { wantByKey(t, conn, statement.sql, statement.args, "(id = ") })
	}
	for name, statement := range map[string]struct {
		sql  string
		args []any
	}{
		"DueLines":   {dbsqlc.DueLines, []any{int32(100), lo, hi, "w", false}},
		"DueOfLines": {dbsqlc.DueOfLines, []any{workspaces, bools, lo, hi, int32(50)}},
	} {
		t.Run(name, func(t *testing.T) { wantByShare(t, conn, statement.sql, statement.args) })
	}
	t.Run("GuardSpans", func(t *testing.T) {
		wantByKey(t, conn, dbsqlc.GuardSpans, []any{workspaces[:1], ids[:1], ids[n-1:], []int32{n}, lo, hi}, "(id >= (unnest(")
	})
	t.Run("AndTheTestSeesOthers", func(t *testing.T) {
		plan := strings.Join(explain(t, conn, "SELECT * FROM deliveries WHERE id >= $1 AND id < $2", []any{lo, hi}), "\n")
		if !strings.Contains(plan, "Seq Scan on deliveries_p") {
			t.Errorf("a statement that reads a whole day has the plan\n%s", plan)
		}
	})
}

// wantByKey wants every table of a day to be read by its primary key: "Index Cond" with
// its workspace and what is said of the id, a row's or a range, under each of its scans.
func wantByKey(t *testing.T, conn *pgx.Conn, sql string, args []any, ofID string) {
	t.Helper()
	plan := explain(t, conn, sql, args)
	for i, line := range plan {
		if !strings.Contains(line, "Scan") || !strings.Contains(line, " on deliveries_p") && !strings.Contains(line, " on events_p") {
			continue
		}
		next := ""
		if i+1 < len(plan) {
			next = plan[i+1]
		}
		if !strings.Contains(line, "_pkey on ") || !strings.Contains(next, "(workspace_id = ") || !strings.Contains(next, ofID) {
			t.Errorf("not a look-up by key:\n%s\n%s\nin\n%s", line, next, strings.Join(plan, "\n"))
		}
	}
}

// wantByShare wants every scan of a day to be of the index by workspaces, from
// where its condition on the workspace begins.
func wantByShare(t *testing.T, conn *pgx.Conn, sql string, args []any) {
	t.Helper()
	plan := explain(t, conn, sql, args)
	for i, line := range plan {
		if !strings.Contains(line, "Scan") || !strings.Contains(line, " on deliveries_p") {
			continue
		}
		if !strings.Contains(line, "_workspace_id_bulk_next_attempt_at_idx on ") || !strings.Contains(plan[i+1], "workspace_id") || strings.Contains(strings.Join(plan, ""), "Sort") {
			t.Errorf("not by its index:\n%s\nin\n%s", line, strings.Join(plan, "\n"))
		}
	}
}

// fill inserts deliveries and events of the day, which stays without statistics.
func fill(t *testing.T, conn *pgx.Conn, day time.Time, n int) []pgtype.UUID {
	t.Helper()
	ids := make([]pgtype.UUID, n)
	for i := range ids {
		ids[i] = pgtype.UUID{Bytes: webhook.NewID(day.Add(time.Duration(i) * time.Millisecond)), Valid: true}
	}
	for _, sql := range []string{
		`INSERT INTO deliveries (id, workspace_id, event_id, endpoint_id, event_type, task, next_attempt_at)
		 SELECT id, 'w', id, id, 'a.b', 'c_x', now() FROM unnest($1::uuid[]) id`,
		`INSERT INTO events (id, workspace_id, type, created_at, body, deliveries)
		 SELECT id, 'w', 'a.b', now(), 'x', 1 FROM unnest($1::uuid[]) id`,
	} {
		if _, err := conn.Exec(t.Context(), sql, ids); err != nil {
			t.Fatal(err)
		}
	}
	return ids
}

func explain(t *testing.T, conn *pgx.Conn, sql string, args []any) []string {
	t.Helper()
	rows, err := conn.Query(t.Context(), "EXPLAIN "+sql, args...)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return lines
}
