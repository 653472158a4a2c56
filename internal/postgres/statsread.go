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

// What is marked is counted while it is asked for, the newest first, within these
// bounds; beyond them what was counted last has to do, and AsOf says so.
const (
	liveStretches  = 10
	liveDeliveries = 2000
)

// Stats counts the deliveries of a workspace, or of one of its endpoints, that were
// accepted in the window that ends now. The zero endpoint is all.
func (s *Stats) Stats(ctx context.Context, ws webhook.WorkspaceID, endpoint webhook.ID, w webhook.StatsWindow, now time.Time) (webhook.Stats, error) {
	all, err := s.StatsOf(ctx, ws, []webhook.ID{endpoint}, w, now)
	if err != nil {
		return webhook.Stats{}, err
	}
	return all[0], nil
}

// StatsOf is Stats of several endpoints at once, in their order; the zero endpoint only alone. What is counted live
// is bounded for all of them together.
func (s *Stats) StatsOf(ctx context.Context, ws webhook.WorkspaceID, endpoints []webhook.ID, w webhook.StatsWindow, now time.Time) (out []webhook.Stats, err error) {
	err = s.db.listing(ctx, func(ctx context.Context, db *DB) (err error) {
		out, err = NewStats(db).statsOf(ctx, ws, endpoints, w, now)
		return err
	})
	return out, err
}

func (s *Stats) statsOf(ctx context.Context, ws webhook.WorkspaceID, endpoints []webhook.ID, w webhook.StatsWindow, now time.Time) (out []webhook.Stats, err error) {
	// One snapshot: a mark and what it stands for are seen together.
	opts := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err = pgx.BeginTxFunc(ctx, s.db.pool, opts, func(tx pgx.Tx) error {
		r := statsReader{q: s.db.q.WithTx(tx), workspace: ws, endpoints: endpoints, asOf: now, room: liveDeliveries, tallies: map[webhook.ID]tallies{}}
		parts := w.Parts(now)
		if err := r.read(ctx, minuteOf(parts[0]), minuteOf(parts[len(parts)-1].Add(w.Part))); err != nil {
			return err
		}
		out = make([]webhook.Stats, len(endpoints))
		for i, id := range endpoints {
			out[i] = webhook.Stats{Parts: r.tallies[id].fold(parts), AsOf: r.asOf}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read stats of workspace %s: %w", ws, available(err))
	}
	return out, nil
}

// stretch is a minute or a merged hour.
type stretch struct {
	start, minutes int32
}

// statsReader reads the stats of some endpoints; of all as one for the zero id.
type statsReader struct {
	q         *dbsqlc.Queries
	workspace webhook.WorkspaceID
	endpoints []webhook.ID
	asOf      time.Time
	room      int32 // how many deliveries may be counted live
	tallies   map[webhook.ID]tallies
}

// tallies are an endpoint's counts.
type tallies map[stretch]counts

// counts are cells and how often each occurred, as they are stored: a month of
// them is summed up before it becomes a map.
type counts struct {
	cells []int16
	n     []int32
}

func (r *statsReader) read(ctx context.Context, lo, hi int32) error {
	rows, err := r.q.TalliesOf(ctx, dbsqlc.TalliesOfParams{
		WorkspaceID: string(r.workspace), EndpointIds: pgIDs(r.endpoints, sameID), LoMinute: lo, HiMinute: hi,
	})
	if err != nil {
		return err
	}
	for _, id := range r.endpoints {
		r.tallies[id] = tallies{}
	}
	merged := map[int32]bool{}
	for _, row := range rows {
		r.tallies[row.EndpointID.Bytes][stretch{row.StartMinute, int32(row.Minutes)}] = counts{row.Cells, row.Counts}
		if row.Minutes == hour {
			merged[row.StartMinute] = true
		}
	}
	return r.readMarked(ctx, lo, hi, merged)
}

// readMarked replaces what is marked by what it is now. An hour that is merged is so
// for all endpoints.
func (r *statsReader) readMarked(ctx context.Context, lo, hi int32, merged map[int32]bool) error {
	marks, err := r.q.MarksOf(ctx, dbsqlc.MarksOfParams{WorkspaceID: string(r.workspace), LoMinute: lo, HiMinute: hi})
	if err != nil {
		return err
	}
	live := map[stretch]bool{} // and whether there was room for it
	for _, m := range marks {
		u := stretch{m.Minute, 1}
		if whole := m.Minute / hour * hour; merged[whole] {
			u = stretch{whole, hour}
		}
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

// count counts a stretch anew, and reports whether there was room for that.
func (r *statsReader) count(ctx context.Context, u stretch) (bool, error) {
	if r.room <= 0 {
		return false, nil
	}
	p := dbsqlc.LiveTallyParams{
		WorkspaceID: string(r.workspace), N: r.room + 1, Statuses: statusStrings(webhook.Statuses()), Classes: classStrings(),
	}
	if !slices.Contains(r.endpoints, webhook.ID{}) {
		p.EndpointIds = pgIDs(r.endpoints, sameID)
	}
	p.Lo, p.Hi = minuteBounds(u.start, u.start+u.minutes)
	rows, err := r.q.LiveTally(ctx, p)
	if err != nil {
		return false, err
	}
	found := map[webhook.ID]counts{}
	for _, row := range rows {
		c := found[row.EndpointID.Bytes]
		c.cells, c.n = append(c.cells, row.Cell), append(c.n, row.N)
		found[row.EndpointID.Bytes] = c
	}
	for _, c := range found {
		r.room -= int32(sum([]counts{c}).Deliveries())
	}
	if r.room < 0 {
		return false, nil
	}
	for id, t := range r.tallies {
		t[u] = found[id]
	}
	return true, nil
}

// fold puts stretches into the parts that they begin in.
func (t tallies) fold(parts []time.Time) []webhook.StatsPart {
	width := minuteOf(parts[1]) - minuteOf(parts[0])
	within := make([][]counts, len(parts))
	for u, c := range t {
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
