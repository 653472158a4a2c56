package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/webhook"
)

// alikeFrom is from how many deliveries on it is asked first how many of them stand alike.
const alikeFrom = 4

// Guard returns the standing of each delivery that exists.
func (s *Deliver) Guard(ctx context.Context, members []webhook.Member) (map[webhook.ID]webhook.Standing, error) {
	out := make(map[webhook.ID]webhook.Standing, len(members))
	for day, d := range byDay(members, itself) {
		if err := s.guardDay(ctx, day, d, out); err != nil {
			return nil, fmt.Errorf("guard %d deliveries: %w", len(d.ids), available(err))
		}
	}
	return out, s.guardTurns(ctx, members, out)
}

func (s *Deliver) guardDay(ctx context.Context, day time.Time, d *dayOf[webhook.Member], out map[webhook.ID]webhook.Standing) error {
	asked := &d.keys
	if len(d.ids) >= alikeFrom {
		var err error
		if asked, err = s.guardAlike(ctx, day, d, out); err != nil || len(asked.ids) == 0 {
			return err
		}
	}
	rows, err := guardRows[dbsqlc.GuardDeliveriesRow](ctx, s.db, day, asked, dbsqlc.GuardDeliveries, func(own *onDay) string { return own.guard })
	for i := range rows {
		if rows[i].ReadOnly {
			return s.db.readOnly()
		}
		out[rows[i].ID.Bytes] = standingOf(&rows[i])
	}
	return err
}

// guardAlike fills in the deliveries of those endpoints all of whose deliveries stand
// alike, and returns the others.
func (s *Deliver) guardAlike(ctx context.Context, day time.Time, d *dayOf[webhook.Member], out map[webhook.ID]webhook.Standing) (*keys, error) {
	rows, err := guardRows[dbsqlc.GuardAlikeRow](ctx, s.db, day, &d.keys, dbsqlc.GuardAlike, func(own *onDay) string { return own.guardAlike })
	if err != nil {
		return nil, err
	}
	wanted := make(map[webhook.ID]int, len(rows))
	for _, m := range d.all {
		wanted[m.EndpointID]++
	}
	alike := make(map[webhook.ID]webhook.Standing, len(rows))
	for i := range rows {
		r := &rows[i]
		if r.ReadOnly {
			return nil, s.db.readOnly()
		}
		if id := webhook.ID(r.EndpointID.Bytes); int(r.Deliveries) == wanted[id] {
			alike[id] = webhook.Standing{
				Status: webhook.StatusPending, Task: deref(r.Task), Attempts: int(r.Attempts), ScheduleStart: int(r.ScheduleStart),
				Replayed: r.Replayed, EndpointVersion: r.Version, EndpointActive: true,
			}
		}
	}
	others := &keys{lo: d.lo, hi: d.hi}
	for i, m := range d.all {
		if st, ok := alike[m.EndpointID]; ok {
			out[m.DeliveryID] = st
		} else {
			others.workspaces, others.ids = append(others.workspaces, d.workspaces[i]), append(others.ids, d.ids[i])
		}
	}
	return others, nil
}

// guardRows asks of one day, of its own table on a busy one.
func guardRows[T any](ctx context.Context, db *DB, day time.Time, d *keys, statement string, of func(*onDay) string) (found []T, err error) {
	now := time.Now()
	if own := db.busy(ctx, day, now); own != nil {
		b := &pgx.Batch{}
		b.Queue(dbsqlc.PlanOnceByKeys)
		queueGuard(b, of(own), d, &found)
		err = db.pool.SendBatch(ctx, b).Close() // which finds them
		if !db.goByParents(err, now, day) {
			return found, err
		}
	}
	b := &pgx.Batch{}
	queueGuard(b, statement, d, &found)
	err = db.pool.SendBatch(ctx, b).Close()
	return found, err
}

func queueGuard[T any](b *pgx.Batch, statement string, d *keys, found *[]T) {
	b.Queue(statement, d.workspaces, d.ids, d.lo, d.hi).Query(func(rows pgx.Rows) (err error) {
		*found, err = pgx.CollectRows(rows, pgx.RowToStructByPos[T])
		return err
	})
}

func standingOf(r *dbsqlc.GuardDeliveriesRow) webhook.Standing {
	return webhook.Standing{
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
