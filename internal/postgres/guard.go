package postgres

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/webhook"
)

// spansFrom is how many deliveries lie in spans when those are asked about first.
const spansFrom = 4

// Guard returns the standing of each delivery that exists.
func (s *Deliver) Guard(ctx context.Context, members []webhook.Member) (webhook.Standings, error) {
	out := make(webhook.Standings, len(members))
	for day, d := range byDay(members, itself) {
		if err := s.guardDay(ctx, day, d, out); err != nil {
			return nil, fmt.Errorf("guard %d deliveries: %w", len(d.ids), available(err))
		}
	}
	return out, s.guardTurns(ctx, members, out)
}

func (s *Deliver) guardDay(ctx context.Context, day time.Time, d *dayOf[webhook.Member], out webhook.Standings) error {
	asked := &d.keys
	// Where most lie elsewhere it would only be one question more.
	if near := spansOf(&d.keys); near.deliveries >= max(spansFrom, len(d.ids)/2) {
		if err := s.guardSpans(ctx, day, d, near, out); err != nil {
			return err
		}
		if asked = d.without(out); len(asked.ids) == 0 {
			return nil
		}
	}
	rows, err := guardRows[dbsqlc.GuardDeliveriesRow](ctx, s.db, day, dbsqlc.GuardDeliveries, func(own *onDay) string { return own.guard },
		asked.workspaces, asked.ids, asked.lo, asked.hi)
	for i := range rows {
		if rows[i].ReadOnly {
			return s.db.readOnly()
		}
		out[rows[i].ID.Bytes] = standingOf(&rows[i])
	}
	return err
}

// guardSpans fills in those of the spans' deliveries that are ready to be made, as a
// chunk's mostly are.
func (s *Deliver) guardSpans(ctx context.Context, day time.Time, d *dayOf[webhook.Member], near *spans, out webhook.Standings) error {
	rows, err := guardRows[dbsqlc.GuardSpansRow](ctx, s.db, day, dbsqlc.GuardSpans, func(own *onDay) string { return own.guardSpans },
		near.workspaces, near.firsts, near.lasts, near.mosts, d.lo, d.hi)
	if err != nil {
		return err
	}
	wanted := make(map[webhook.ID]webhook.WorkspaceID, len(d.ids))
	for _, m := range d.all {
		wanted[m.DeliveryID] = m.WorkspaceID
	}
	for i := range rows {
		r := &rows[i]
		if r.ReadOnly {
			return s.db.readOnly()
		}
		st := &webhook.Standing{
			Status: webhook.StatusPending, Task: deref(r.Task), Attempts: int(r.Attempts), ScheduleStart: int(r.ScheduleStart),
			Replayed: r.Replayed, EndpointVersion: r.Version, EndpointActive: true,
		}
		for id := range slices.Chunk(r.Ids, len(webhook.ID{})) {
			if id := webhook.ID(id); string(wanted[id]) == r.WorkspaceID {
				out[id] = st
			}
		}
	}
	return nil
}

// without are the keys of those that are not told of.
func (d *dayOf[T]) without(told webhook.Standings) *keys {
	rest := &keys{lo: d.lo, hi: d.hi}
	for i, id := range d.ids {
		if _, ok := told[id.Bytes]; !ok {
			rest.workspaces, rest.ids = append(rest.workspaces, d.workspaces[i]), append(rest.ids, id)
		}
	}
	return rest
}

// guardRows asks of one day, by the statement of its own table on a busy one.
func guardRows[T any](ctx context.Context, db *DB, day time.Time, statement string, of func(*onDay) string, asked ...any) ([]T, error) {
	now := time.Now()
	if own := db.busy(ctx, day, now); own != nil {
		found, err := rowsByKeys[T](ctx, db, of(own), asked...)
		if !db.goByParents(err, now, day) {
			return found, err
		}
	}
	rows, err := db.pool.Query(ctx, statement, asked...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[T])
}

// rowsByKeys asks by a plan that is kept, which is for sessions of our own: see busy.
func rowsByKeys[T any](ctx context.Context, db *DB, statement string, asked ...any) (found []T, err error) {
	b := &pgx.Batch{}
	b.Queue(dbsqlc.PlanOnceByKeys)
	b.Queue(statement, asked...).Query(func(rows pgx.Rows) (err error) {
		found, err = pgx.CollectRows(rows, pgx.RowToStructByPos[T])
		return err
	})
	err = db.pool.SendBatch(ctx, b).Close() // which finds them
	return found, err
}

func standingOf(r *dbsqlc.GuardDeliveriesRow) *webhook.Standing {
	return &webhook.Standing{
		Status: webhook.Status(r.Status), Task: deref(r.Task), Attempts: int(r.Attempts),
		ScheduleStart: int(r.ScheduleStart), DueIn: time.Duration(r.DueInMs) * time.Millisecond,
		DeliverAt: r.DeliverAt.Time, Replayed: r.Replayed,
		EndpointVersion: r.Version, EndpointActive: r.IsActive, EndpointDeleted: r.Deleted,
		Turn: turnOf(r.OrderingKey, r.OrderingSeq), BreakerOpen: r.BreakerOpen, OpenFor: time.Duration(r.OpenForMs) * time.Millisecond, ProbeID: r.ProbeID.Bytes,
	}
}

func turnOf(key *string, seq *int64) *webhook.Turn {
	if key == nil || seq == nil {
		return nil
	}
	return &webhook.Turn{Key: *key, Seq: *seq}
}
