package postgres_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
)

// A line may be long, and there may be many: whatever is asked of them goes by their
// keys, also of tables without statistics.
func TestLinesAreReadByTheirKeys(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.exec(`INSERT INTO ordering_keys (endpoint_id, ordering_key, workspace_id, last_seq)
		SELECT gen_random_uuid(), 'k' || i, 'w', 1 FROM generate_series(1, 20000) i`)
	s.exec(`INSERT INTO ordering_queue (endpoint_id, ordering_key, seq, delivery_id, workspace_id, event_id, bulk)
		SELECT endpoint_id, ordering_key, 1, endpoint_id, 'w', endpoint_id, false FROM ordering_keys`)
	conn := s.planner()
	const n = 512
	ids, keys, seqs := slices.Repeat([]pgtype.UUID{pg(s.end)}, n), slices.Repeat([]string{"a"}, n), make([]int64, n)
	for name, statement := range map[string]struct {
		sql  string
		args []any
	}{
		"LockTurns":      {dbsqlc.LockTurns, []any{ids, keys}},
		"HeadsOf":        {dbsqlc.HeadsOf, []any{ids, keys}},
		"PassTurns":      {dbsqlc.PassTurns, []any{ids, keys, seqs}},
		"LeaveLine":      {dbsqlc.LeaveLine, []any{ids, keys, seqs}},
		"RemoveIdleKeys": {dbsqlc.RemoveIdleKeys, []any{ids, keys}},
		"KeysAfter":      {dbsqlc.KeysAfter, []any{pg(s.end), "a", int32(1000)}},
		"NoteLines":      {dbsqlc.NoteLines, []any{"w", ids}},
	} {
		t.Run(name, func(t *testing.T) {
			plan := strings.Join(explain(t, conn, statement.sql, statement.args), "\n")
			if strings.Contains(plan, "Seq Scan on ordering_") || !strings.Contains(plan, "_pkey") {
				t.Errorf("not by its key:\n%s", plan)
			}
		})
	}
	t.Run("AndTheTestSeesOthers", func(t *testing.T) {
		plan := strings.Join(explain(t, conn, "SELECT FROM ordering_queue WHERE bulk", nil), "\n")
		if !strings.Contains(plan, "Seq Scan on ordering_queue") {
			t.Errorf("a statement that reads all has the plan\n%s", plan)
		}
	})
}
