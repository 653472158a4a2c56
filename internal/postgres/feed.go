package postgres

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/recovery/turns"
	"github.com/postrider/postrider/internal/webhook"
)

// Feed implements recovery's feed: it gives tasks to what is due and has none.
type Feed struct {
	db *DB

	mu sync.Mutex
	// after is the line that the last look at the lines ended with.
	after turns.Line
}

// NewFeed makes the store on db.
func NewFeed(db *DB) *Feed { return &Feed{db: db} }

// Claim gives due deliveries to new tasks that carry now as their time, in one
// transaction: a round, as turns.Pick has it. The tasks are not in Redis yet:
// enqueue the chunks, or Release them. more says that another round would find
// something, if there is room for it.
func (s *Feed) Claim(ctx context.Context, room turns.Room, now time.Time) (chunks []webhook.Chunk, more bool, err error) {
	// Asked outside of the transaction: it locks nothing.
	due, err := s.due(ctx, now)
	if err != nil {
		return nil, false, fmt.Errorf("find due deliveries: %w", available(err))
	}
	picked := turns.Pick(due.all, due.share, room)
	if len(picked) == 0 {
		return nil, due.others, nil
	}
	c := chunker{now: now, shards: s.db.shards, open: make(map[webhook.Lane]int)}
	err = s.db.inTx(ctx, func(q *dbsqlc.Queries, _ pgx.Tx) error {
		locked, err := lockDue(ctx, q, picked)
		if err != nil {
			return err
		}
		for _, d := range picked {
			if row, ok := locked[d.ID]; ok {
				c.add(row, d.Bulk)
			}
		}
		return eachDay(c.rows, func(d dayRows) error {
			return q.GiveTasks(ctx, dbsqlc.GiveTasksParams{
				Lo: d.lo, Hi: d.hi, WorkspaceIds: d.workspaces, Ids: d.ids, Tasks: d.tasks,
			})
		})
	})
	if err != nil {
		return nil, false, fmt.Errorf("claim %d due deliveries: %w", len(picked), err)
	}
	return c.chunks, due.others || due.crowded && len(c.chunks) > 0, nil
}

// lockDue locks those of the picked that are still nobody's.
func lockDue(ctx context.Context, q *dbsqlc.Queries, picked []turns.Due) (map[webhook.ID]*dbsqlc.LockDueDeliveriesRow, error) {
	rows := make([]taskRow, len(picked))
	for i, d := range picked {
		rows[i] = taskRow{workspace: d.Workspace, id: d.ID}
	}
	locked := make(map[webhook.ID]*dbsqlc.LockDueDeliveriesRow, len(picked))
	err := eachDay(rows, func(d dayRows) error {
		got, err := q.LockDueDeliveries(ctx, dbsqlc.LockDueDeliveriesParams{Lo: d.lo, Hi: d.hi, WorkspaceIds: d.workspaces, Ids: d.ids})
		for i := range got {
			locked[got[i].ID.Bytes] = &got[i]
		}
		return err
	})
	return locked, err
}

// Release takes deliveries back from tasks that did not reach Redis. Those whose
// task is another by now stay as they are.
func (s *Feed) Release(ctx context.Context, chunks []webhook.Chunk) error {
	return releaseTasks(ctx, s.db, chunks)
}

func releaseTasks(ctx context.Context, db *DB, chunks []webhook.Chunk) error {
	var rows []taskRow
	for _, c := range chunks {
		for _, m := range c.Members {
			rows = append(rows, taskRow{workspace: m.WorkspaceID, id: m.DeliveryID, task: c.Task})
		}
	}
	return eachDay(rows, func(d dayRows) error {
		err := db.q.ClearTasks(ctx, dbsqlc.ClearTasksParams{
			Lo: d.lo, Hi: d.hi, WorkspaceIds: d.workspaces, Ids: d.ids, Tasks: d.tasks,
		})
		if err != nil {
			return fmt.Errorf("release %d deliveries: %w", len(d.ids), available(err))
		}
		return nil
	})
}

// chunker groups deliveries into chunks without bodies, a lane at a time.
type chunker struct {
	now    time.Time
	shards webhook.Shards
	open   map[webhook.Lane]int // index of the lane's chunk that has room
	chunks []webhook.Chunk
	rows   []taskRow
}

func (c *chunker) add(r *dbsqlc.LockDueDeliveriesRow, bulk bool) {
	lane := webhook.LaneDeliver
	switch {
	case bulk:
		lane = webhook.LaneBulk
	case r.Attempts > 0:
		lane = webhook.LaneRetry
	}
	i, ok := c.open[lane]
	if !ok || len(c.chunks[i].Members) == webhook.MaxChunkMembers {
		i = len(c.chunks)
		c.open[lane] = i
		c.chunks = append(c.chunks, webhook.Chunk{Task: c.shards.NewTask(lane, c.now)})
	}
	chunk := &c.chunks[i]
	ws := webhook.WorkspaceID(r.WorkspaceID)
	chunk.Members = append(chunk.Members, webhook.Member{
		DeliveryID: r.ID.Bytes, EndpointID: r.EndpointID.Bytes, EventID: r.EventID.Bytes, WorkspaceID: ws,
	})
	c.rows = append(c.rows, taskRow{workspace: ws, id: r.ID.Bytes, task: chunk.Task})
}

// taskRow names a delivery and, where it matters, the task that holds it.
type taskRow struct {
	workspace webhook.WorkspaceID
	id        webhook.ID
	task      string
}

// dayRows are rows of one day as the columns of a statement.
type dayRows struct {
	lo, hi     pgtype.UUID
	workspaces []string
	ids        []pgtype.UUID
	tasks      []string
}

// maxDayRows bounds one statement's arrays.
const maxDayRows = 5000

// eachDay calls fn with the rows of each day, sorted by id, so that two
// statements over the same rows lock them in one order. It sorts rows.
func eachDay(rows []taskRow, fn func(dayRows) error) error {
	slices.SortFunc(rows, func(a, b taskRow) int { return bytes.Compare(a.id[:], b.id[:]) })
	for len(rows) > 0 {
		day := rows[0].id.Day()
		d := dayRows{}
		d.lo, d.hi = dayBounds(day)
		n := 0
		for ; n < len(rows) && n < maxDayRows && rows[n].id.Day().Equal(day); n++ {
			d.workspaces = append(d.workspaces, string(rows[n].workspace))
			d.ids = append(d.ids, pgID(rows[n].id))
			d.tasks = append(d.tasks, rows[n].task)
		}
		if err := fn(d); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}
