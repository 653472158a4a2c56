package postgres

import (
	"context"
	"time"

	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/webhook"
)

// A minute of a busy system is a million rows, and counting them at once takes one of
// Postgres's cores for seconds: whoever delivers meanwhile waits for it. So a stretch is
// counted by slices, none of which takes long, with a pause after each.
const (
	firstSlice, leastSlice, mostSlice = time.Second, 100 * time.Millisecond, 16 * time.Second
	// longSlice is how long a slice is to take.
	longSlice = 40 * time.Millisecond
	// pauses are how many times as long as its slice each takes; none after a short one.
	pauses     = 4
	shortSlice = 5 * time.Millisecond
	// longPause is less than any session may be idle, see doctor.
	longPause = time.Second
	// manyBytes of an endpoint are added up before there are more.
	manyBytes = 16 << 10
)

// Paused is how long all counting waited, so far, between its slices.
func (s *Stats) Paused() time.Duration { return time.Duration(s.paused.Load()) }

// countStretch replaces what was counted. Each slice is seen as it is by then: what
// changes after it marks its minute anew.
func (s *Stats) countStretch(ctx context.Context, q *dbsqlc.Queries, ws webhook.WorkspaceID, u stretch) error {
	end := u.start + u.minutes
	if err := q.ClearTallies(ctx, dbsqlc.ClearTalliesParams{WorkspaceID: string(ws), LoMinute: u.start, HiMinute: end}); err != nil {
		return err
	}
	if err := q.JoinAtOnce(ctx); err != nil {
		return err
	}
	counted, err := s.countSlices(ctx, q, ws, timeOf(u.start), timeOf(end))
	if err != nil || len(counted) == 0 {
		return err
	}
	rows := make([]dbsqlc.AddTalliesParams, 0, len(counted))
	for id, packed := range counted {
		row := dbsqlc.AddTalliesParams{WorkspaceID: string(ws), EndpointID: pgID(id), StartMinute: u.start, Minutes: int16(u.minutes)}
		t := webhook.Tally{}
		unpack(packed, &t)
		for cell, n := range t.Cells() {
			row.Cells, row.Counts = append(row.Cells, int16(cell)), append(row.Counts, int32(n))
			row.Packed = appendCell(row.Packed, cell, n)
		}
		rows = append(rows, row)
	}
	_, err = q.AddTallies(ctx, rows)
	return err
}

// countSlices returns each endpoint's counts, packed, one slice's after another's.
func (s *Stats) countSlices(ctx context.Context, q *dbsqlc.Queries, ws webhook.WorkspaceID, lo, end time.Time) (map[webhook.ID][]byte, error) {
	counted := map[webhook.ID][]byte{}
	p := dbsqlc.CountCellsParams{WorkspaceID: string(ws), Statuses: statusStrings(webhook.Statuses()), Classes: classStrings()}
	for width := firstSlice; lo.Before(end); {
		hi := lo.Add(width)
		if hi.After(end) {
			hi = end
		}
		p.Lo, p.Hi = pgID(webhook.FirstID(lo)), pgID(webhook.FirstID(hi))
		began := time.Now()
		rows, err := q.CountCells(ctx, p)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			id := webhook.ID(row.EndpointID.Bytes)
			counted[id] = append(counted[id], row.Packed...)
			if len(counted[id]) > manyBytes {
				counted[id] = addUp(counted[id])
			}
		}
		took := time.Since(began)
		width = nextSlice(width, took)
		if lo = hi; lo.Before(end) && took > shortSlice {
			s.pause(ctx, min(pauses*took, longPause))
		}
	}
	return counted, nil
}

// nextSlice is as long as would have taken longSlice, and at most twice the last one.
func nextSlice(width, took time.Duration) time.Duration {
	fits := 2 * width
	if took > longSlice/2 {
		fits = time.Duration(float64(width) * float64(longSlice) / float64(took))
	}
	return min(max(fits, leastSlice), mostSlice)
}

func (s *Stats) pause(ctx context.Context, d time.Duration) {
	began := time.Now()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done(): // the next statement says so
	}
	s.paused.Add(int64(time.Since(began)))
}
