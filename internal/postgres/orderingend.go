package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/webhook"
)

// turnsOf are the turns of those of the rows that have an ordering key. It sorts rows.
func turnsOf(ctx context.Context, q *dbsqlc.Queries, rows []taskRow) (turns []turn, err error) {
	err = eachDay(rows, func(d dayRows) error {
		found, err := q.TurnsOf(ctx, dbsqlc.TurnsOfParams{Lo: d.lo, Hi: d.hi, WorkspaceIds: d.workspaces, Ids: d.ids})
		for _, r := range found {
			turns = append(turns, turn{
				Member: webhook.Member{
					DeliveryID: r.ID.Bytes, EndpointID: r.EndpointID.Bytes, EventID: r.EventID.Bytes,
					WorkspaceID: webhook.WorkspaceID(r.WorkspaceID),
				},
				key: r.OrderingKey, seq: r.OrderingSeq, bulk: r.Bulk,
			})
		}
		return err
	})
	return turns, err
}

// ending runs what ends deliveries without a record, in a transaction that q is of,
// and lets those of the same ordering keys go that come next. In whose name a
// request may be under way holds the next one up for that long; the caller's own
// deliveries, of which it knows that there is none, do not.
func ending(ctx context.Context, q *dbsqlc.Queries, turns []turn, own bool, change func() error) error {
	if len(turns) == 0 {
		return change()
	}
	if _, err := lockTurns(ctx, q, turns); err != nil {
		return err
	}
	before, err := lockOrdered(ctx, q, turns)
	if err != nil {
		return err
	}
	for i := range turns {
		if before[turns[i].DeliveryID].Busy && !own {
			turns[i].wait = inFlight
		}
	}
	if err := change(); err != nil {
		return err
	}
	ended, err := endedOf(ctx, q, turns, 0)
	if err != nil {
		return err
	}
	return leaveLine(ctx, q, ended, nil)
}

// Settle ends deliveries without an attempt. They are the caller's, who makes no
// request for them.
func (s *Deliver) Settle(ctx context.Context, members []webhook.Member, task string, status webhook.Status, reason string) error {
	turns, err := turnsOf(ctx, s.db.q, rowsOf(members))
	if err != nil {
		return fmt.Errorf("settle %d deliveries: %w", len(members), available(err))
	}
	if len(turns) == 0 {
		return available(settle(ctx, s.db.q, members, task, status, reason))
	}
	return s.db.inTx(ctx, func(q *dbsqlc.Queries, _ pgx.Tx) error {
		return ending(ctx, q, turns, true, func() error { return settle(ctx, q, members, task, status, reason) })
	})
}

func rowsOf(members []webhook.Member) []taskRow {
	rows := make([]taskRow, len(members))
	for i, m := range members {
		rows[i] = taskRow{workspace: m.WorkspaceID, id: m.DeliveryID}
	}
	return rows
}

func settle(ctx context.Context, q *dbsqlc.Queries, members []webhook.Member, task string, status webhook.Status, reason string) error {
	for _, d := range byDay(members, itself) {
		err := q.SettleDeliveries(ctx, dbsqlc.SettleDeliveriesParams{
			WorkspaceIds: d.workspaces, Ids: d.ids, Lo: d.lo, Hi: d.hi,
			Tasks: repeat(task, len(d.ids)), Status: string(status), Reason: reason,
		})
		if err != nil {
			return fmt.Errorf("settle %d deliveries: %w", len(d.ids), err)
		}
	}
	return nil
}

// cancelOrdered is Cancel for a delivery with an ordering key.
func cancelOrdered(ctx context.Context, q *dbsqlc.Queries, ws webhook.WorkspaceID, id webhook.ID) (n int64, err error) {
	turns, err := turnsOf(ctx, q, []taskRow{{workspace: ws, id: id}})
	if err != nil || len(turns) == 0 {
		return 0, err
	}
	err = ending(ctx, q, turns, false, func() (err error) {
		n, err = q.CancelDelivery(ctx, dbsqlc.CancelDeliveryParams{WorkspaceID: string(ws), ID: pgID(id), Reason: reasonCanceled, InTurn: true})
		return err
	})
	return n, err
}

// retryOrdered is Retry for a delivery with an ordering key. One that the line has
// passed goes at once and alone, as does one of an idle key; one that was canceled
// while it waited is back in its place.
func retryOrdered(ctx context.Context, q *dbsqlc.Queries, ws webhook.WorkspaceID, id webhook.ID) (int64, error) {
	turns, err := turnsOf(ctx, q, []taskRow{{workspace: ws, id: id}})
	if err != nil || len(turns) == 0 {
		return 0, err
	}
	heads, err := lockTurns(ctx, q, turns)
	if err != nil {
		return 0, err
	}
	lo, hi := dayBounds(id.Day())
	if head := heads[turns[0].line()]; head == 0 || turns[0].seq <= head {
		return q.RetryDelivery(ctx, dbsqlc.RetryDeliveryParams{WorkspaceID: string(ws), ID: pgID(id), Lo: lo, Hi: hi, InTurn: true})
	}
	n, err := q.RetryInLine(ctx, dbsqlc.RetryInLineParams{WorkspaceID: string(ws), ID: pgID(id), Lo: lo, Hi: hi})
	if err != nil || n == 0 {
		return 0, err
	}
	return n, joinLine(ctx, q, turns)
}

func joinLine(ctx context.Context, q *dbsqlc.Queries, turns []turn) error {
	if len(turns) == 0 {
		return nil
	}
	return q.JoinLine(ctx, joinColumns(turns))
}

func joinColumns(turns []turn) dbsqlc.JoinLineParams {
	c := columnsOf(turns)
	p := dbsqlc.JoinLineParams{EndpointIds: c.endpoints, OrderingKeys: c.keys, Seqs: c.seqs}
	for i := range turns {
		p.DeliveryIds = append(p.DeliveryIds, pgID(turns[i].DeliveryID))
		p.WorkspaceIds = append(p.WorkspaceIds, string(turns[i].WorkspaceID))
		p.EventIds = append(p.EventIds, pgID(turns[i].EventID))
		p.Bulks = append(p.Bulks, turns[i].bulk)
	}
	return p
}

// expired passes the turns on of what a page of ExpirePending failed. The lines are
// locked after the rows here, for only that statement knows them: whoever this
// deadlocks with tries again.
func expired(ctx context.Context, q *dbsqlc.Queries, rows []dbsqlc.ExpirePendingRow) error {
	var turns []turn
	for _, r := range rows {
		for i, key := range r.OrderingKeys {
			turns = append(turns, turn{
				Member: webhook.Member{EndpointID: r.EndpointID.Bytes, WorkspaceID: webhook.WorkspaceID(r.WorkspaceID)},
				key:    key, seq: r.OrderingSeqs[i], wait: inFlight,
			})
		}
	}
	if len(turns) == 0 {
		return nil
	}
	if _, err := lockTurns(ctx, q, turns); err != nil {
		return err
	}
	return leaveLine(ctx, q, turns, nil)
}

// Wait puts deliveries that a task holds back into the line of their ordering key:
// others are before them.
func (s *Deliver) Wait(ctx context.Context, members []webhook.Member, task string) error {
	turns, err := turnsOf(ctx, s.db.q, rowsOf(members))
	if err != nil {
		return fmt.Errorf("let %d deliveries wait: %w", len(members), available(err))
	}
	err = s.db.inTx(ctx, func(q *dbsqlc.Queries, _ pgx.Tx) error {
		if _, err := lockTurns(ctx, q, turns); err != nil {
			return err
		}
		waiting := make(map[webhook.ID]bool)
		for _, d := range byDay(turns, func(t *turn) *webhook.Member { return &t.Member }) {
			p := dbsqlc.WaitTurnsParams{Lo: d.lo, Hi: d.hi, WorkspaceIds: d.workspaces, Ids: d.ids, Tasks: repeat(task, len(d.ids))}
			for _, t := range d.all {
				p.EndpointIds, p.OrderingKeys = append(p.EndpointIds, pgID(t.EndpointID)), append(p.OrderingKeys, t.key)
			}
			ids, err := q.WaitTurns(ctx, p)
			if err != nil {
				return err
			}
			for _, id := range ids {
				waiting[id.Bytes] = true
			}
		}
		var back []turn
		for _, t := range turns {
			if waiting[t.DeliveryID] {
				back = append(back, t)
			}
		}
		return joinLine(ctx, q, back)
	})
	if err != nil {
		return fmt.Errorf("let %d deliveries wait: %w", len(members), err)
	}
	return nil
}

// guardTurns says of those that have an ordering key whether others are before them.
func (s *Deliver) guardTurns(ctx context.Context, members []webhook.Member, out map[webhook.ID]webhook.Standing) error {
	var p dbsqlc.HeadsOfParams
	for _, m := range members {
		if t := out[m.DeliveryID].Turn; t != nil {
			p.EndpointIds, p.OrderingKeys = append(p.EndpointIds, pgID(m.EndpointID)), append(p.OrderingKeys, t.Key)
		}
	}
	if len(p.EndpointIds) == 0 {
		return nil
	}
	rows, err := s.db.q.HeadsOf(ctx, p)
	if err != nil {
		return fmt.Errorf("look whose turn it is: %w", available(err))
	}
	heads := make(map[keyLine]int64, len(rows))
	for _, r := range rows {
		heads[keyLine{r.EndpointID.Bytes, r.OrderingKey}] = deref(r.HeadSeq)
	}
	for _, m := range members {
		if st := out[m.DeliveryID]; st.Turn != nil {
			head := heads[keyLine{m.EndpointID, st.Turn.Key}]
			st.Waits = head != 0 && head < st.Turn.Seq
			out[m.DeliveryID] = st
		}
	}
	return nil
}

// headTasks names the tasks of new heads: a lane's are shared by as many as a chunk
// may have.
type headTasks struct {
	now  time.Time
	open map[webhook.Lane]*webhook.Chunk
}

func (h *headTasks) name(t *turn) string {
	lane := webhook.LaneDeliver
	if t.bulk {
		lane = webhook.LaneBulk
	}
	c := h.open[lane]
	if c == nil || len(c.Members) == webhook.MaxChunkMembers {
		c = &webhook.Chunk{Task: webhook.NewTask(lane, h.now)}
		h.open[lane] = c
	}
	c.Members = append(c.Members, t.Member)
	return c.Task
}
