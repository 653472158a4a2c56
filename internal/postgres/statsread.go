package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/webhook"
)

// What is marked is counted while it is asked for, the newest first, within these
// bounds; beyond them what was counted last has to do, and AsOf says so.
const (
	liveStretches  = 10
	liveDeliveries = 2000
)

// Stats counts the deliveries of a workspace, or of one of its endpoints, that were
// accepted in the window that ends now. The zero endpoint is all.
func (s *Stats) Stats(ctx context.Context, ws webhook.WorkspaceID, endpoint webhook.ID, w webhook.StatsWindow, now time.Time) (webhook.Stats, error) {
	var out webhook.Stats
	// One snapshot: a mark and what it stands for are seen together.
	opts := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err := pgx.BeginTxFunc(ctx, s.db.pool, opts, func(tx pgx.Tx) error {
		r := statsReader{q: s.db.q.WithTx(tx), workspace: ws, endpoint: endpoint, asOf: now, room: liveDeliveries}
		parts := w.Parts(now)
		if err := r.read(ctx, minuteOf(parts[0]), minuteOf(parts[len(parts)-1].Add(w.Part))); err != nil {
			return err
		}
		out = webhook.Stats{Parts: r.fold(parts), AsOf: r.asOf}
		return nil
	})
	if err != nil {
		return out, fmt.Errorf("read stats of workspace %s: %w", ws, available(err))
	}
	return out, nil
}

// stretch is a minute or a merged hour.
type stretch struct {
	start, minutes int32
}

type statsReader struct {
	q         *dbsqlc.Queries
	workspace webhook.WorkspaceID
	endpoint  webhook.ID
	asOf      time.Time
	room      int32 // how many deliveries may be counted live
	tallies   map[stretch]counts
}

// counts are cells and how often each occurred, as they are stored: a month of
// them is summed up before it becomes a map.
type counts struct {
	cells []int16
	n     []int32
}

func (r *statsReader) read(ctx context.Context, lo, hi int32) error {
	rows, err := r.q.TalliesOf(ctx, dbsqlc.TalliesOfParams{
		WorkspaceID: string(r.workspace), EndpointID: pgID(r.endpoint), LoMinute: lo, HiMinute: hi,
	})
	if err != nil {
		return err
	}
	r.tallies = make(map[stretch]counts, len(rows))
	for _, row := range rows {
		r.tallies[stretch{row.StartMinute, int32(row.Minutes)}] = counts{row.Cells, row.Counts}
	}
	return r.readMarked(ctx, lo, hi)
}

// readMarked replaces what is marked by what it is now.
func (r *statsReader) readMarked(ctx context.Context, lo, hi int32) error {
	marks, err := r.q.MarksOf(ctx, dbsqlc.MarksOfParams{WorkspaceID: string(r.workspace), LoMinute: lo, HiMinute: hi})
	if err != nil {
		return err
	}
	live := map[stretch]bool{} // and whether there was room for it
	for _, m := range marks {
		u := r.stretchOf(m.Minute)
		fits, known := live[u]
		if !known {
			if fits = len(live) < liveStretches; fits {
				fits, err = r.count(ctx, u)
			}
			if err != nil {
				return err
			}
			live[u] = fits
		}
		if at := m.MarkedAt.Time.UTC(); !fits && at.Before(r.asOf) {
			r.asOf = at
		}
	}
	return nil
}

func (r *statsReader) stretchOf(minute int32) stretch {
	merged := stretch{minute / hour * hour, hour}
	if _, ok := r.tallies[merged]; ok {
		return merged
	}
	return stretch{minute, 1}
}

// count counts a stretch anew, and reports whether there was room for that.
func (r *statsReader) count(ctx context.Context, u stretch) (bool, error) {
	if r.room <= 0 {
		return false, nil
	}
	p := dbsqlc.LiveTallyParams{
		WorkspaceID: string(r.workspace), EndpointID: orNullID(r.endpoint), N: r.room + 1,
		Statuses: statusStrings(webhook.Statuses()), Classes: classStrings(),
	}
	p.Lo, p.Hi = minuteBounds(u.start, u.start+u.minutes)
	rows, err := r.q.LiveTally(ctx, p)
	if err != nil {
		return false, err
	}
	var c counts
	for _, row := range rows {
		c.cells, c.n = append(c.cells, row.Cell), append(c.n, row.N)
	}
	r.room -= int32(sum([]counts{c}).Deliveries())
	if r.room < 0 {
		return false, nil
	}
	r.tallies[u] = c
	return true, nil
}

// fold puts stretches into the parts that they begin in.
func (r *statsReader) fold(parts []time.Time) []webhook.StatsPart {
	width := minuteOf(parts[1]) - minuteOf(parts[0])
	within := make([][]counts, len(parts))
	for u, c := range r.tallies {
		i := min(int(max(u.start-minuteOf(parts[0]), 0)/width), len(parts)-1)
		within[i] = append(within[i], c)
	}
	out := make([]webhook.StatsPart, len(parts))
	for i, start := range parts {
		out[i] = webhook.StatsPart{Start: start, Tally: sum(within[i])}
	}
	return out
}

// sum adds up by cell.
func sum(all []counts) webhook.Tally {
	var byCell [webhook.EndOfCells]int64
	for _, c := range all {
		for i, cell := range c.cells {
			byCell[cell] += int64(c.n[i])
		}
	}
	t := webhook.Tally{}
	for cell, n := range byCell {
		if n > 0 {
			t.Add(webhook.Cell(cell), n)
		}
	}
	return t
}
