package postgres

import (
	"context"
	"fmt"

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
	ended, err := endedOf(ctx, q, turns)
	if err != nil {
		return err
	}
	return leaveLine(ctx, q, ended, nil)
}

// cancelRows cancels those of a deleted endpoint's deliveries that are pending, and
// returns how many; own is as for ending.
func cancelRows(ctx context.Context, q *dbsqlc.Queries, rows []taskRow, own bool) (n int, err error) {
	turns, err := turnsOf(ctx, q, rows)
	if err != nil {
		return 0, err
	}
	err = ending(ctx, q, turns, own, func() error {
		return eachDay(rows, func(d dayRows) error {
			ids, err := q.CancelPending(ctx, dbsqlc.CancelPendingParams{Lo: d.lo, Hi: d.hi, WorkspaceIds: d.workspaces, Ids: d.ids})
			n += len(ids)
			return err
		})
	})
	return n, err
}

// Settle ends deliveries without an attempt. They are the caller's, who makes no
// request for them.
func (s *Deliver) Settle(ctx context.Context, members []webhook.Member, task string, status webhook.Status, reason string) error {
	turns, err := turnsOf(ctx, s.db.q, rowsOf(members))
	if err != nil {
		return fmt.Errorf("settle %d deliveries: %w", len(members), available(err))
	}
	return s.db.inTx(ctx, func(q *dbsqlc.Queries, _ pgx.Tx) error {
		return ending(ctx, q, turns, true, func() error { return s.settle(ctx, q, members, task, status, reason) })
	})
}

func rowsOf(members []webhook.Member) []taskRow {
	rows := make([]taskRow, len(members))
	for i, m := range members {
		rows[i] = taskRow{workspace: m.WorkspaceID, id: m.DeliveryID}
	}
	return rows
}

// settle counts those that fail in with their day's expired.
func (s *Deliver) settle(ctx context.Context, q *dbsqlc.Queries, members []webhook.Member, task string, status webhook.Status, reason string) error {
	for day, d := range byDay(members, itself) {
		rows, err := q.SettleDeliveries(ctx, dbsqlc.SettleDeliveriesParams{
			WorkspaceIds: d.workspaces, Ids: d.ids, Lo: d.lo, Hi: d.hi,
			Tasks: repeat(task, len(d.ids)), Status: string(status), Reason: reason,
		})
		if err == nil && status == webhook.StatusFailed {
			err = announceExpired(ctx, s.db, q, day, expiredOf(rows))
		}
		if err != nil {
			return fmt.Errorf("settle %d deliveries: %w", len(d.ids), err)
		}
	}
	return nil
}

func expiredOf(rows []dbsqlc.SettleDeliveriesRow) []dbsqlc.ExpirePendingRow {
	out := make([]dbsqlc.ExpirePendingRow, len(rows))
	for i, r := range rows {
		out[i] = dbsqlc.ExpirePendingRow{WorkspaceID: r.WorkspaceID, EndpointID: r.EndpointID, Deliveries: r.Deliveries}
	}
	return out
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
