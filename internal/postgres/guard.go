package postgres

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/webhook"
)

const (
	// spansFrom is how many deliveries of some spans are asked about together first.
	spansFrom = 4
	// spread is how far apart a span's deliveries were accepted, at most.
	spread = time.Second
	// rowsEach bounds what a span reads: so many rows for each of its deliveries.
	rowsEach = 4
)

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
	if spans := spansOf(d.all); spans.deliveries >= spansFrom {
		if err := s.guardSpans(ctx, day, d, spans, out); err != nil {
			return err
		}
		if asked = d.without(out); len(asked.ids) == 0 {
			return nil
		}
	}
	rows, err := guardRows[dbsqlc.GuardDeliveriesRow](ctx, s.db, day, func(own *onDay) (string, []any) {
		statement := dbsqlc.GuardDeliveries
		if own != nil {
			statement = own.guard
		}
		return statement, []any{asked.workspaces, asked.ids, asked.lo, asked.hi}
	})
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
func (s *Deliver) guardSpans(ctx context.Context, day time.Time, d *dayOf[webhook.Member], spans *spans, out webhook.Standings) error {
	rows, err := guardRows[dbsqlc.GuardSpansRow](ctx, s.db, day, func(own *onDay) (string, []any) {
		statement := dbsqlc.GuardSpans
		if own != nil {
			statement = own.guardSpans
		}
		return statement, []any{spans.workspaces, spans.firsts, spans.lasts, spans.mosts, d.lo, d.hi}
	})
	if err != nil {
		return err
	}
	wanted := make(map[webhook.ID]bool, len(d.ids))
	for _, m := range d.all {
		wanted[m.DeliveryID] = true
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
			if id := webhook.ID(id); wanted[id] {
				out[id] = st
			}
		}
	}
	return nil
}

// spans are ranges of ids, one a workspace.
type spans struct {
	workspaces    []string
	firsts, lasts []pgtype.UUID
	mosts         []int32 // rows that are read of each
	deliveries    int     // that lie in them
}

// spansOf leaves out the deliveries of a workspace which are too far apart.
func spansOf(all []*webhook.Member) *spans {
	type span struct {
		first, last webhook.ID
		deliveries  int
	}
	found := make(map[webhook.WorkspaceID]*span, 1)
	for _, m := range all {
		s := found[m.WorkspaceID]
		if s == nil {
			s = &span{first: m.DeliveryID, last: m.DeliveryID}
			found[m.WorkspaceID] = s
		}
		if compareIDs(m.DeliveryID, s.first) < 0 {
			s.first = m.DeliveryID
		}
		if compareIDs(m.DeliveryID, s.last) > 0 {
			s.last = m.DeliveryID
		}
		s.deliveries++
	}
	near := &spans{}
	for ws, s := range found {
		if s.last.Time().Sub(s.first.Time()) > spread {
			continue
		}
		near.workspaces = append(near.workspaces, string(ws))
		near.firsts, near.lasts = append(near.firsts, pgID(s.first)), append(near.lasts, pgID(s.last))
		near.mosts = append(near.mosts, int32(rowsEach*s.deliveries))
		near.deliveries += s.deliveries
	}
	return near
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

// guardRows asks of one day, of its own table on a busy one. What of tells to ask must
// not depend on anything else.
func guardRows[T any](ctx context.Context, db *DB, day time.Time, of func(*onDay) (string, []any)) (found []T, err error) {
	now := time.Now()
	if own := db.busy(ctx, day, now); own != nil {
		b := &pgx.Batch{}
		b.Queue(dbsqlc.PlanOnceByKeys)
		statement, asked := of(own)
		queueRows(b, statement, asked, &found)
		err = db.pool.SendBatch(ctx, b).Close() // which finds them
		if !db.goByParents(err, now, day) {
			return found, err
		}
	}
	b := &pgx.Batch{}
	statement, asked := of(nil)
	queueRows(b, statement, asked, &found)
	err = db.pool.SendBatch(ctx, b).Close()
	return found, err
}

func queueRows[T any](b *pgx.Batch, statement string, asked []any, found *[]T) {
	b.Queue(statement, asked...).Query(func(rows pgx.Rows) (err error) {
		*found, err = pgx.CollectRows(rows, pgx.RowToStructByPos[T])
		return err
	})
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
