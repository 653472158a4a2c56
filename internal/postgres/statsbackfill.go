package postgres

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/webhook"
)

// Backfill counts the next hour of what was there before marks were, the newest
// day first, and moves its position in the same transaction. It reports whether
// more may be left.
func (s *Stats) Backfill(ctx context.Context, now time.Time) (more bool, err error) {
	if at, err := s.db.q.Backfill(ctx); err != nil || at.Done {
		return false, available(err)
	}
	present, err := s.db.dayTables(ctx)
	if err != nil {
		return false, err
	}
	err = s.locked(ctx, func(q *dbsqlc.Queries) error {
		at, err := q.Backfill(ctx)
		if err != nil || at.Done {
			return err
		}
		more = true
		return s.backfillStep(ctx, q, at, present.days(), now)
	})
	if err != nil {
		return false, fmt.Errorf("count what is older than the stats: %w", err)
	}
	return more, nil
}

func (s *Stats) backfillStep(ctx context.Context, q *dbsqlc.Queries, at dbsqlc.BackfillRow, days []time.Time, now time.Time) error {
	ws, id, found, err := nextToFill(ctx, q, at)
	switch {
	case err != nil:
		return err
	case !found:
		return q.MoveBackfill(ctx, dayBefore(at, days))
	}
	start := minuteOf(webhook.ID(id.Bytes).Time()) / hour * hour
	if err := s.fillHour(ctx, q, webhook.WorkspaceID(ws), start, now); err != nil {
		return err
	}
	return q.MoveBackfill(ctx, dbsqlc.MoveBackfillParams{Day: at.Day, WorkspaceID: ws, Minute: start + hour})
}

// nextToFill is the first delivery at or after the position, in its day.
func nextToFill(ctx context.Context, q *dbsqlc.Queries, at dbsqlc.BackfillRow) (ws string, id pgtype.UUID, found bool, err error) {
	lo, hi := minuteBounds(at.Day, at.Day+day)
	if at.Minute > at.Day {
		p := dbsqlc.NextDeliveryOfParams{WorkspaceID: at.WorkspaceID, Hi: hi}
		p.Lo, _ = minuteBounds(at.Minute, at.Minute)
		ids, err := q.NextDeliveryOf(ctx, p)
		if err != nil || len(ids) > 0 {
			return at.WorkspaceID, first(ids), len(ids) > 0, err
		}
	}
	rows, err := q.NextWorkspaceOf(ctx, dbsqlc.NextWorkspaceOfParams{After: at.WorkspaceID, Lo: lo, Hi: hi})
	if err != nil || len(rows) == 0 {
		return "", id, false, err
	}
	return rows[0].WorkspaceID, rows[0].ID, true, nil
}

func first[T any](all []T) (v T) {
	if len(all) > 0 {
		v = all[0]
	}
	return v
}

// dayBefore is the beginning of the newest day before the position's, or the end.
func dayBefore(at dbsqlc.BackfillRow, days []time.Time) dbsqlc.MoveBackfillParams {
	for _, d := range slices.Backward(days) {
		if minuteOf(d) < at.Day {
			return dbsqlc.MoveBackfillParams{Day: minuteOf(d)}
		}
	}
	return dbsqlc.MoveBackfillParams{Day: at.Day, Done: true}
}

func (s *Stats) fillHour(ctx context.Context, q *dbsqlc.Queries, ws webhook.WorkspaceID, start int32, now time.Time) error {
	if start < mergeBefore(now) {
		return s.countStretch(ctx, q, ws, stretch{start, hour})
	}
	for m := start; m < start+hour; m++ {
		if err := s.countStretch(ctx, q, ws, stretch{m, 1}); err != nil {
			return err
		}
	}
	return nil
}
