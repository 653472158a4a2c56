package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/postrider/postrider/internal/pgtest"
	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/webhook"
)

// maxDayLocks is what a statement on one day may lock, however many days there are.
// At most 20 are of the day; marking its minute takes stats_marks, its three indexes
// and its sequence.
const maxDayLocks = 25

// locksOf counts the locks that a statement takes with as many partitions as
// the database has. Nothing of it is committed.
func locksOf(t *testing.T, url string, statement func(*dbsqlc.Queries) error) int {
	t.Helper()
	ctx := context.Background()
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	cfg.RuntimeParams["plan_cache_mode"] = "force_custom_plan" // as Open's connections
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	tx, err := conn.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := statement(dbsqlc.New(tx)); err != nil {
		t.Fatal(err)
	}
	var n int
	err = tx.QueryRow(ctx, `SELECT count(*) FROM pg_locks
		WHERE pid = pg_backend_pid() AND locktype = 'relation' AND relation >= 16384`).Scan(&n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// insertDelivery inserts one of day that is recorded as a success in a test.
func insertDelivery(t *testing.T, url string, day time.Time) pgtype.UUID {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	id := pgtype.UUID{Bytes: webhook.NewID(day), Valid: true}
	_, err = conn.Exec(ctx, `INSERT INTO deliveries (id, workspace_id, event_id, endpoint_id, event_type, next_attempt_at)
		VALUES ($1, 'w', $1, $1, 'a.b', now())`, id)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestDayBoundStatementsLockOneDay(t *testing.T) {
	t.Parallel()
	url := pgtest.New(t)
	db, err := postgres.Open(t.Context(), postgres.Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	today := time.Now().UTC().Truncate(24 * time.Hour)
	if err := db.EnsurePartitions(t.Context(), today.AddDate(0, 0, -105), 120); err != nil {
		t.Fatal(err)
	}
	lo := pgtype.UUID{Bytes: webhook.FirstID(today), Valid: true}
	hi := pgtype.UUID{Bytes: webhook.FirstID(today.AddDate(0, 0, 1)), Valid: true}
	delivery := insertDelivery(t, url, today)
	ids := make([]pgtype.UUID, 50)
	workspaces, tasks := make([]string, 50), make([]string, 50)
	for i := range ids {
		ids[i] = pgtype.UUID{Bytes: webhook.NewID(today), Valid: true}
		workspaces[i], tasks[i] = "w", "c_x"
	}
	ctx := t.Context()
	statements := map[string]func(*dbsqlc.Queries) error{
		"LockDueDeliveries": func(q *dbsqlc.Queries) error {
			_, err := q.LockDueDeliveries(ctx, dbsqlc.LockDueDeliveriesParams{Lo: lo, Hi: hi, WorkspaceIds: workspaces, Ids: ids})
			return err
		},
		"DueLines": func(q *dbsqlc.Queries) error {
			_, err := q.DueLines(ctx, dbsqlc.DueLinesParams{Lo: lo, Hi: hi, N: 100})
			return err
		},
		"DueOfLines": func(q *dbsqlc.Queries) error {
			_, err := q.DueOfLines(ctx, dbsqlc.DueOfLinesParams{Lo: lo, Hi: hi, WorkspaceIds: workspaces, Bulks: make([]bool, 50), N: 50})
			return err
		},
		"GiveTasks": func(q *dbsqlc.Queries) error {
			return q.GiveTasks(ctx, dbsqlc.GiveTasksParams{Lo: lo, Hi: hi, WorkspaceIds: workspaces, Ids: ids, Tasks: tasks})
		},
		"ClearTasks": func(q *dbsqlc.Queries) error {
			return q.ClearTasks(ctx, dbsqlc.ClearTasksParams{Lo: lo, Hi: hi, WorkspaceIds: workspaces, Ids: ids, Tasks: tasks})
		},
		"ReleaseParked": func(q *dbsqlc.Queries) error {
			_, err := q.ReleaseParked(ctx, dbsqlc.ReleaseParkedParams{Lo: lo, Hi: hi, WorkspaceIds: workspaces, Ids: ids})
			return err
		},
		"CancelPending": func(q *dbsqlc.Queries) error {
			_, err := q.CancelPending(ctx, dbsqlc.CancelPendingParams{Lo: lo, Hi: hi, WorkspaceIds: workspaces, Ids: ids})
			return err
		},
		"ReleaseParkedAfterPlanOnce": func(q *dbsqlc.Queries) error {
			if err := q.PlanOnce(ctx); err != nil {
				return err
			}
			if err := q.PlanEach(ctx); err != nil {
				return err
			}
			_, err := q.ReleaseParked(ctx, dbsqlc.ReleaseParkedParams{Lo: lo, Hi: hi, WorkspaceIds: workspaces, Ids: ids})
			return err
		},
		"ExpirePending": func(q *dbsqlc.Queries) error {
			_, err := q.ExpirePending(ctx, dbsqlc.ExpirePendingParams{Lo: lo, Hi: hi, N: 5000})
			return err
		},
		"GuardSpans": func(q *dbsqlc.Queries) error {
			_, err := q.GuardSpans(ctx, dbsqlc.GuardSpansParams{Lo: lo, Hi: hi, WorkspaceIds: []string{"w"}, Firsts: ids[:1], Lasts: ids[:1], Mosts: []int32{50}})
			return err
		},
		"GuardDeliveries": func(q *dbsqlc.Queries) error {
			_, err := q.GuardDeliveries(ctx, dbsqlc.GuardDeliveriesParams{Lo: lo, Hi: hi, WorkspaceIds: workspaces, Ids: ids})
			return err
		},
		"RecordSuccesses": func(q *dbsqlc.Queries) error {
			return q.RecordSuccesses(ctx, dbsqlc.RecordSuccessesParams{
				Lo: lo, Hi: hi, WorkspaceIds: []string{"w"}, DeliveryIds: []pgtype.UUID{delivery}, AttemptIds: ids[:1],
				StartedAts: []pgtype.Timestamptz{{Time: today, Valid: true}}, DurationsUs: []int64{1}, StatusCodes: []int32{200},
				RequestHeaders: [][]byte{{}}, ResponseHeaders: [][]byte{{}}, ResponseBodies: [][]byte{{}},
			})
		},
		"RecordFailures": func(q *dbsqlc.Queries) error {
			held, err := q.RecordFailures(ctx, dbsqlc.RecordFailuresParams{
				Lo: lo, Hi: hi, WorkspaceIds: []string{"w"}, DeliveryIds: []pgtype.UUID{delivery}, AttemptIds: ids[:1],
				Tasks: tasks[:1], Seen: []int32{0}, NewStatuses: []string{"failed"}, NewTasks: []string{""}, DelaysMs: []int64{0},
				Spends: []bool{true}, Errors: []string{"x"}, ErrorClasses: []string{"x"},
				StartedAts: []pgtype.Timestamptz{{Time: today, Valid: true}}, DurationsUs: []int64{1}, StatusCodes: []int32{500},
				RequestHeaders: [][]byte{{}}, ResponseHeaders: [][]byte{{}}, ResponseBodies: [][]byte{{}},
			})
			if len(held) != 0 {
				t.Errorf("a stray attempt decided %v", held)
			}
			return err
		},
		"GiveTurns": func(q *dbsqlc.Queries) error {
			_, err := q.GiveTurns(ctx, dbsqlc.GiveTurnsParams{Lo: lo, Hi: hi, WorkspaceIds: workspaces, Ids: ids, Tasks: tasks, DelaysMs: make([]int64, 50)})
			return err
		},
		"LockOrdered": func(q *dbsqlc.Queries) error {
			_, err := q.LockOrdered(ctx, dbsqlc.LockOrderedParams{Lo: lo, Hi: hi, WorkspaceIds: workspaces, Ids: ids})
			return err
		},
		"LiveHeads": func(q *dbsqlc.Queries) error {
			_, err := q.LiveHeads(ctx, dbsqlc.LiveHeadsParams{Lo: lo, Hi: hi, WorkspaceIds: workspaces, Ids: ids})
			return err
		},
		"TurnsOf": func(q *dbsqlc.Queries) error {
			_, err := q.TurnsOf(ctx, dbsqlc.TurnsOfParams{Lo: lo, Hi: hi, WorkspaceIds: workspaces, Ids: ids})
			return err
		},
		"WaitTurns": func(q *dbsqlc.Queries) error {
			_, err := q.WaitTurns(ctx, dbsqlc.WaitTurnsParams{
				Lo: lo, Hi: hi, WorkspaceIds: workspaces, Ids: ids, EndpointIds: ids, OrderingKeys: tasks, Tasks: tasks,
			})
			return err
		},
		"HandOver": func(q *dbsqlc.Queries) error {
			_, err := q.HandOver(ctx, dbsqlc.HandOverParams{Lo: lo, Hi: hi, WorkspaceIds: workspaces, Ids: ids, Tasks: tasks, NewTasks: tasks})
			return err
		},
		"EventBodies": func(q *dbsqlc.Queries) error {
			_, err := q.EventBodies(ctx, dbsqlc.EventBodiesParams{Lo: lo, Hi: hi, WorkspaceIds: workspaces, Ids: ids})
			return err
		},
	}
	for name, statement := range statements {
		t.Run(name, func(t *testing.T) {
			if n := locksOf(t, url, statement); n > maxDayLocks {
				t.Errorf("%d locks", n)
			}
		})
	}
	t.Run("AndTheTestSeesOthers", func(t *testing.T) {
		n := locksOf(t, url, func(q *dbsqlc.Queries) error {
			_, err := q.DueDeliveries(ctx)
			return err
		})
		if n < 120 {
			t.Errorf("a statement on every day took %d locks", n)
		}
	})
}

// A generic plan would lock every day, whatever the statement names.
func TestConnectionsPlanEachStatement(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.exec(`CREATE FUNCTION is_planned_each_time() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		IF current_setting('plan_cache_mode') <> 'force_custom_plan' THEN RAISE 'statements are planned once'; END IF;
		RETURN NEW; END $$`)
	s.exec("CREATE TRIGGER planned BEFORE INSERT ON workers FOR EACH ROW EXECUTE FUNCTION is_planned_each_time()")
	_, err := s.deliver(s.db).Heartbeat(t.Context(), "me", "host")
	must(t, err)
}
