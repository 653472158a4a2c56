package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/webhook"
)

// Audit implements recovery's audit: it reads what tasks hold, and takes it back.
type Audit struct{ db *DB }

// NewAudit makes the store on db.
func NewAudit(db *DB) *Audit { return &Audit{db} }

// Clock is Postgres's time, by which everything is due.
func (s *Audit) Clock(ctx context.Context) (time.Time, error) {
	now, err := s.db.q.Clock(ctx)
	if err != nil {
		return time.Time{}, fmt.Errorf("read postgres's clock: %w", available(err))
	}
	return now.Time.UTC(), nil
}

// Held returns the deliveries that tasks hold and that are due in (after,
// until], the oldest limit and those due at the same instant as the last one,
// grouped by task: of the members only DeliveryID and WorkspaceID are set. last
// is the due time to go on after; the zero time means that nothing is left. A
// zero until is no end: then what is due by the time of reading is left out.
func (s *Audit) Held(ctx context.Context, after, until time.Time, limit int) (held []webhook.Chunk, last time.Time, err error) {
	p := dbsqlc.HeldDeliveriesParams{After: pgTime(after), Until: pgTime(until), N: int32(limit)}
	if until.IsZero() {
		p.Until, p.Ahead = pgtype.Timestamptz{InfinityModifier: pgtype.Infinity, Valid: true}, true
	}
	rows, err := s.db.q.HeldDeliveries(ctx, p)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("read deliveries held by tasks: %w", available(err))
	}
	index := make(map[string]int)
	for _, r := range rows {
		i, ok := index[r.Task]
		if !ok {
			i = len(held)
			index[r.Task] = i
			held = append(held, webhook.Chunk{Task: r.Task})
		}
		held[i].Members = append(held[i].Members, webhook.Member{
			DeliveryID: r.ID.Bytes, WorkspaceID: webhook.WorkspaceID(r.WorkspaceID),
		})
	}
	if len(rows) >= limit {
		last = rows[len(rows)-1].NextAttemptAt.Time.UTC()
	}
	return held, last, nil
}

// DeadWorkers returns which of these tasks ("w_" and a worker's id) have no
// worker with a heartbeat in the last 15 s by Postgres's clock.
func (s *Audit) DeadWorkers(ctx context.Context, tasks []string) ([]string, error) {
	if len(tasks) == 0 {
		return nil, nil
	}
	dead, err := s.db.q.DeadWorkers(ctx, tasks)
	if err != nil {
		return nil, fmt.Errorf("look up %d workers: %w", len(tasks), available(err))
	}
	return dead, nil
}

// Release gives the members to feed, where they still name their chunk's task.
func (s *Audit) Release(ctx context.Context, chunks []webhook.Chunk) error {
	return releaseTasks(ctx, s.db, chunks)
}

// Upkeep implements the scheduler's small chores.
type Upkeep struct{ db *DB }

// NewUpkeep makes the store on db.
func NewUpkeep(db *DB) *Upkeep { return &Upkeep{db} }

// RemoveDeadWorkers forgets workers without a heartbeat for an hour.
func (s *Upkeep) RemoveDeadWorkers(ctx context.Context) (int, error) {
	n, err := s.db.q.RemoveDeadWorkers(ctx)
	if err != nil {
		return 0, fmt.Errorf("remove dead workers: %w", available(err))
	}
	return int(n), nil
}

// ForgetEnded forgets how endpoints failed that are deleted or disabled, and returns of how many.
func (s *Upkeep) ForgetEnded(ctx context.Context) (int, error) {
	n, err := s.db.q.ForgetEndedHealth(ctx)
	if err != nil {
		return 0, fmt.Errorf("forget how deleted and disabled endpoints failed: %w", available(err))
	}
	return int(n), nil
}

// OldestDue is how long the oldest due delivery has waited: of those that no
// task holds, and of those that one does. 0 when none is due.
func (s *Upkeep) OldestDue(ctx context.Context) (unheld, held time.Duration, err error) {
	r, err := s.db.q.OldestDue(ctx)
	if err != nil {
		return 0, 0, fmt.Errorf("find the oldest due delivery: %w", available(err))
	}
	return spanOf(r.UnheldS), spanOf(r.HeldS), nil
}

// DisableFailing disables the endpoints that have failed without a success for
// that long, from the first failure after the last silence to the last one, and
// at least failures times in a row. It returns them.
func (s *Upkeep) DisableFailing(ctx context.Context, after time.Duration, failures int, reason string) ([]webhook.ID, error) {
	var rows []dbsqlc.DisableFailingRow
	err := s.db.inTx(ctx, func(q *dbsqlc.Queries, _ pgx.Tx) (err error) {
		rows, err = q.DisableFailing(ctx, dbsqlc.DisableFailingParams{Reason: reason, AfterS: after.Seconds(), Failures: int32(failures)})
		if err != nil {
			return err
		}
		return announceDisabled(ctx, s.db, q, rows, reason)
	})
	if err != nil {
		return nil, fmt.Errorf("disable failing endpoints: %w", err)
	}
	out := make([]webhook.ID, len(rows))
	for i, r := range rows {
		out[i] = r.ID.Bytes
	}
	return out, nil
}

// spanOf maps Postgres's seconds.
func spanOf(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
