package postgres

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/webhook"
)

// Stats counts deliveries by the minute of their event's acceptance, and by the
// hour once that is long over. Whoever changes a delivery marks its minute in the
// same transaction (the trigger stats_mark), and the leader counts marked minutes
// again from the truth. So a process that is killed at any moment leaves a mark.
type Stats struct {
	db     *DB
	paused atomic.Int64 // see Paused
}

// NewStats makes the store on db.
func NewStats(db *DB) *Stats { return &Stats{db: db} }

const (
	hour    = 60 // minutes
	day     = 24 * hour
	quarter = 6 * hour // of a day
	// mergeAfter is how old an hour's end is before its minutes become one row; the
	// shortest window, of one hour, shows minutes, by a clock that may be behind.
	mergeAfter = hour + 5
	// statsPage bounds a statement.
	statsPage = 1000
)

// Take takes marks that are older than settle, so that changes in quick succession
// are counted once, and returns the minutes whose marks are ready to be counted.
func (s *Stats) Take(ctx context.Context, settle time.Duration, limit int) ([]webhook.StatsMinute, error) {
	if _, err := s.db.q.TakeMarks(ctx, dbsqlc.TakeMarksParams{SettleMs: settle.Milliseconds(), N: statsPage}); err != nil {
		return nil, fmt.Errorf("take marks: %w", available(err))
	}
	if err := s.db.q.RaiseBarrier(ctx, statsPage); err != nil {
		return nil, fmt.Errorf("raise the marks' barrier: %w", available(err))
	}
	rows, err := s.db.q.ReadyMarks(ctx, int32(limit))
	if err != nil {
		return nil, fmt.Errorf("read marks: %w", available(err))
	}
	out := make([]webhook.StatsMinute, len(rows))
	for i, r := range rows {
		out[i] = webhook.StatsMinute{Workspace: webhook.WorkspaceID(r.WorkspaceID), Minute: r.Minute}
	}
	return out, nil
}

// Count counts a minute again, or the hour that it is merged in, and removes the
// marks that this covers. It does nothing while another scheduler counts.
func (s *Stats) Count(ctx context.Context, m webhook.StatsMinute, now time.Time) error {
	err := s.locked(ctx, func(q *dbsqlc.Queries) error {
		start, minutes, err := stretchOf(ctx, q, m, now)
		if err != nil {
			return err
		}
		n, err := removeMarks(ctx, q, m.Workspace, start, minutes)
		if err != nil || n == 0 { // counted already, with another minute of its hour
			return err
		}
		return s.countStretch(ctx, q, m.Workspace, stretch{start, minutes})
	})
	if err != nil {
		return fmt.Errorf("count minute %d of workspace %s: %w", m.Minute, m.Workspace, err)
	}
	return nil
}

// locked runs fn alone.
func (s *Stats) locked(ctx context.Context, fn func(*dbsqlc.Queries) error) error {
	return s.db.inTx(ctx, func(q *dbsqlc.Queries, _ pgx.Tx) error {
		if mine, err := q.LockStats(ctx); err != nil || !mine {
			return err
		}
		return fn(q)
	})
}

// stretchOf is what is counted at once. An hour that is merged stays so, whatever a
// clock says.
func stretchOf(ctx context.Context, q *dbsqlc.Queries, m webhook.StatsMinute, now time.Time) (start, minutes int32, err error) {
	start = m.Minute / hour * hour
	if start < mergeBefore(now) {
		return start, hour, nil
	}
	merged, err := q.HourIsMerged(ctx, dbsqlc.HourIsMergedParams{WorkspaceID: string(m.Workspace), Hour: start})
	if merged || err != nil {
		return start, hour, err
	}
	return m.Minute, 1, nil
}

// mergeBefore is the minute before which hours are whole.
func mergeBefore(now time.Time) int32 { return (minuteOf(now) - mergeAfter) / hour * hour }

func minuteOf(t time.Time) int32 { return int32(t.Unix() / 60) }

// minuteBounds are the ids of the minutes from start up to, not with, end.
func minuteBounds(start, end int32) (lo, hi pgtype.UUID) {
	return pgID(webhook.FirstID(timeOf(start))), pgID(webhook.FirstID(timeOf(end)))
}

func timeOf(minute int32) time.Time { return time.Unix(int64(minute)*60, 0).UTC() }

// removeMarks comes before the count: a mark that becomes ready later stays.
func removeMarks(ctx context.Context, q *dbsqlc.Queries, ws webhook.WorkspaceID, start, minutes int32) (int64, error) {
	return q.RemoveMarks(ctx, dbsqlc.RemoveMarksParams{WorkspaceID: string(ws), LoMinute: start, HiMinute: start + minutes})
}

func classStrings() []string {
	var out []string
	for _, c := range webhook.ErrorClasses() {
		out = append(out, string(c))
	}
	return out
}

// Merge makes one row of each endpoint's minutes in the oldest hour that is long
// over, and reports whether there was one.
func (s *Stats) Merge(ctx context.Context, now time.Time) (merged bool, err error) {
	err = s.locked(ctx, func(q *dbsqlc.Queries) error {
		rows, err := q.UnmergedHour(ctx, mergeBefore(now))
		if err != nil || len(rows) == 0 {
			return err
		}
		start := rows[0].StartMinute / hour * hour
		merged = true
		return q.MergeHour(ctx, dbsqlc.MergeHourParams{WorkspaceID: rows[0].WorkspaceID, Hour: start, EndMinute: start + hour})
	})
	if err != nil {
		return false, fmt.Errorf("merge an hour's minutes: %w", err)
	}
	return merged, nil
}

// Remove forgets the days that have no deliveries any more, and those only.
func (s *Stats) Remove(ctx context.Context) (int, error) {
	present, err := s.db.dayTables(ctx)
	if err != nil {
		return 0, err
	}
	days := present.days()
	if len(days) == 0 {
		return 0, nil
	}
	p := dbsqlc.RemoveTalliesParams{Before: minuteOf(days[0]), N: statsPage}
	if _, err := s.db.q.RemoveOldRollups(ctx, p.Before); err != nil {
		return 0, fmt.Errorf("remove old stats: %w", available(err))
	}
	// Alone: what rolls up meanwhile would not see that this is gone.
	n, err := pages(func() (n int64, err error) {
		err = s.locked(ctx, func(q *dbsqlc.Queries) (err error) {
			n, err = q.RemoveTallies(ctx, p)
			return err
		})
		return n, err
	})
	if err != nil {
		return n, fmt.Errorf("remove old stats: %w", available(err))
	}
	return n, nil
}

// Lag is the age of the oldest mark.
func (s *Stats) Lag(ctx context.Context) (time.Duration, error) {
	age, err := s.db.q.OldestMark(ctx)
	if err != nil {
		return 0, fmt.Errorf("find the oldest mark: %w", available(err))
	}
	return time.Duration(max(age, 0) * float64(time.Second)), nil
}
