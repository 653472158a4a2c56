package postgres_test

import (
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/webhook"
)

// What is counted, by a leader or for a reader, is read by ranges of one day.
func TestStatsReadOneDayByTheirIndex(t *testing.T) {
	t.Parallel()
	s := setup(t)
	today := time.Now().UTC().Truncate(24 * time.Hour)
	s.seed(today)
	conn := s.planner()
	old := today.AddDate(0, 0, -20)
	lo, hi := pg(webhook.FirstID(old)), pg(webhook.FirstID(old.Add(time.Minute)))
	end := pg(webhook.FirstID(old.AddDate(0, 0, 1)))
	none, statuses, classes := []pgtype.UUID(nil), []string{"pending"}, []string{"status"}
	for name, want := range map[string]struct {
		tables int
		index  string
		sql    string
		args   []any
	}{
		"CountCells":        {2, "_pkey", dbsqlc.CountCells, []any{"w", lo, hi, statuses, classes}},
		"LiveTally":         {2, "_pkey", dbsqlc.LiveTally, []any{statuses, classes, none, "w", lo, hi, int32(2001)}},
		"LiveOfAnEndpoint":  {2, "_endpoint_id_id_idx", dbsqlc.LiveTally, []any{statuses, classes, []pgtype.UUID{pg(s.end)}, "w", lo, end, int32(2001)}},
		"LiveOfEndpoints":   {2, "_endpoint_id_id_idx", dbsqlc.LiveTally, []any{statuses, classes, []pgtype.UUID{pg(s.end), lo, hi}, "w", lo, end, int32(2001)}},
		"NextDeliveryOf":    {1, "_pkey", dbsqlc.NextDeliveryOf, []any{"w", lo, end}},
		"NextWorkspaceOf":   {1, "_pkey", dbsqlc.NextWorkspaceOf, []any{"", lo, end}},
		"NextWorkspaceLast": {1, "_pkey", dbsqlc.NextWorkspaceOf, []any{"w", lo, end}},
	} {
		t.Run(name, func(t *testing.T) { wantPlan(t, conn, want.tables, want.index, want.sql, want.args...) })
	}
}

func TestStatsTablesHaveTheIndexesTheirStatementsName(t *testing.T) {
	t.Parallel()
	s := setup(t)
	conn := s.planner()
	_, err := conn.Exec(t.Context(), "SET enable_seqscan = off")
	must(t, err)
	ids, none := []pgtype.UUID{pg(s.end), pg(webhook.ID{})}, pgtype.UUID{}
	for name, want := range map[string]struct {
		index string
		sql   string
		args  []any
	}{
		"TakeMarks":     {"stats_marks_age", dbsqlc.TakeMarks, []any{int64(1), int32(10)}},
		"RaiseBarrier":  {"stats_marks_", dbsqlc.RaiseBarrier, []any{int32(10)}},
		"ReadyMarks":    {"stats_marks_age", dbsqlc.ReadyMarks, []any{int32(10)}},
		"OldestMark":    {"stats_marks_age", dbsqlc.OldestMark, nil},
		"RemoveMarks":   {"stats_marks_minute", dbsqlc.RemoveMarks, []any{"w", int32(1), int32(2)}},
		"MarksOf":       {"stats_marks_minute", dbsqlc.MarksOf, []any{"w", int32(1), int32(2)}},
		"TalliesOf":     {"stats_tallies_pkey", dbsqlc.TalliesOf, []any{ids, []int32{1, 1}, []int32{2, 2}, "w"}},
		"RollupsOf":     {"stats_rollups_pkey", dbsqlc.RollupsOf, []any{ids, "w", int16(360), int32(1), int32(2)}},
		"NoRollupsOf":   {"stats_unrolled_pkey", dbsqlc.RollupsOf, []any{ids, "w", int16(360), int32(1), int32(2)}},
		"MergedOf":      {"stats_tallies_pkey", dbsqlc.MergedOf, []any{int32(10), "w", int32(0), int32(300), none}},
		"RemoveOld":     {"stats_rollups_start", dbsqlc.RemoveOldRollups, []any{int32(60)}},
		"RemoveRollups": {"stats_rollups_start", dbsqlc.RemoveRollups, []any{"w", int16(360), int32(0)}},
		"Unrolled":      {"stats_unrolled_pkey", dbsqlc.Unrolled, []any{int32(60)}},
		"UnrolledMin":   {"stats_tallies_minutes", dbsqlc.Unrolled, []any{int32(60)}},
		"Rolled":        {"stats_unrolled_pkey", dbsqlc.Rolled, []any{int32(360), int16(360), "w"}},
		"ClearTallies":  {"stats_tallies_start", dbsqlc.ClearTallies, []any{"w", int32(1), int32(2)}},
		"HourIsMerged":  {"stats_tallies_start", dbsqlc.HourIsMerged, []any{"w", int32(60)}},
		"MergeHour":     {"stats_tallies_start", dbsqlc.MergeHour, []any{"w", int32(60), int32(120)}},
		"UnmergedHour":  {"stats_tallies_minutes", dbsqlc.UnmergedHour, []any{int32(60)}},
		"RemoveTallies": {"stats_tallies_start", dbsqlc.RemoveTallies, []any{int32(60), int32(10)}},
	} {
		t.Run(name, func(t *testing.T) {
			if plan, _ := run(t, conn, want.sql, want.args...); !strings.Contains(plan, want.index) {
				t.Errorf("not by %s:\n%s", want.index, plan)
			}
		})
	}
}

// A minute's deliveries and attempts, thousands of each, are joined at once also where
// the day has no statistics yet, as it has none for its first minutes.
func TestStatsCountAMinuteWithoutALoopInALoop(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.fillToday(2000)
	conn := s.planner()
	_, err := conn.Exec(t.Context(), "BEGIN")
	must(t, err)
	must(t, dbsqlc.New(conn).JoinAtOnce(t.Context()))
	lo, hi := pg(webhook.FirstID(time.Now().Add(-time.Minute))), pg(webhook.FirstID(time.Now().Add(time.Minute)))
	plan, _ := run(t, conn, dbsqlc.CountCells, "w", lo, hi, []string{"pending"}, []string{"status"})
	if strings.Contains(plan, "Nested Loop") {
		t.Error(plan)
	}
}
