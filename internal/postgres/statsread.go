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
		if err := r.read(ctx, span{minuteOf(parts[0]), minuteOf(parts[len(parts)-1].Add(w.Part))}, int32(w.Part/time.Minute)); err != nil {
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

// stretch is a minute, a merged hour or what is rolled up.
type stretch struct {
	start, minutes int32
}

// span are the minutes from lo up to, not with, hi.
type span struct{ lo, hi int32 }

// statsReader reads the stats of some endpoints; of all as one for the zero id.
type statsReader struct {
	q         *dbsqlc.Queries
	workspace webhook.WorkspaceID
	endpoints []webhook.ID
	asOf      time.Time
	room      int32 // how many deliveries may be counted live
	tallies   map[webhook.ID]tallies
}

// tallies are an endpoint's counts, packed: a stretch may be counted anew before they
// are added up.
type tallies map[stretch][]byte

// read reads a window with parts of so many minutes.
func (r *statsReader) read(ctx context.Context, window span, part int32) error {
	for _, id := range r.endpoints {
		r.tallies[id] = tallies{}
	}
	marks, err := r.q.MarksOf(ctx, dbsqlc.MarksOfParams{WorkspaceID: string(r.workspace), LoMinute: window.lo, HiMinute: window.hi})
	if err != nil {
		return err
	}
	if part > hour {
		if err := r.readRollups(ctx, window, part, marks); err != nil {
			return err
		}
	}
	merged, err := r.readTallies(ctx, window, part)
	if err != nil {
		return err
	}
	return r.readMarked(ctx, marks, merged)
}

// readRollups reads the window's parts that are rolled up and have no marks: of the
// others the hours are needed, each of which may be counted anew.
func (r *statsReader) readRollups(ctx context.Context, window span, part int32, marks []dbsqlc.MarksOfRow) error {
	rows, err := r.q.RollupsOf(ctx, dbsqlc.RollupsOfParams{
		WorkspaceID: string(r.workspace), EndpointIds: pgIDs(r.endpoints, sameID), Minutes: int16(part), LoMinute: window.lo, HiMinute: window.hi,
	})
	if err != nil {
		return err
	}
	marked := map[int32]bool{}
	for _, m := range marks {
		marked[m.Minute/part*part] = true
	}
	for _, row := range rows {
		if !marked[row.StartMinute] {
			r.tallies[row.EndpointID.Bytes][stretch{row.StartMinute, part}] = row.Packed
		}
	}
	return nil
}

// readTallies reads what no rollup covered, and returns which hours are merged: one that
// is is so for all endpoints.
func (r *statsReader) readTallies(ctx context.Context, window span, part int32) (merged map[int32]bool, err error) {
	p := dbsqlc.TalliesOfParams{WorkspaceID: string(r.workspace)}
	for _, id := range r.endpoints {
		for _, gap := range r.tallies[id].gaps(window, part) {
			p.EndpointIds, p.Los, p.His = append(p.EndpointIds, pgID(id)), append(p.Los, gap.lo), append(p.His, gap.hi)
		}
	}
	rows, err := r.q.TalliesOf(ctx, p)
	if err != nil {
		return nil, err
	}
	merged = map[int32]bool{}
	for _, row := range rows {
		r.tallies[row.EndpointID.Bytes][stretch{row.StartMinute, int32(row.Minutes)}] = row.Packed
		if row.Minutes == hour {
			merged[row.StartMinute] = true
		}
	}
	return merged, nil
}

// gaps are the window's parts that t has not, each run of them together.
func (t tallies) gaps(window span, part int32) (gaps []span) {
	for lo := window.lo; lo < window.hi; lo += part {
		last := len(gaps) - 1
		switch _, covered := t[stretch{lo, part}]; {
		case covered:
		case last >= 0 && gaps[last].hi == lo:
			gaps[last].hi += part
		default:
			gaps = append(gaps, span{lo, lo + part})
		}
	}
	return gaps
}

// readMarked replaces what is marked by what it is now.
func (r *statsReader) readMarked(ctx context.Context, marks []dbsqlc.MarksOfRow, merged map[int32]bool) (err error) {
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
	found := tallied(rows)
	for _, packed := range found {
		t := webhook.Tally{}
		unpack(packed, &t)
		r.room -= int32(t.Deliveries())
	}
	if r.room < 0 {
		return false, nil
	}
	for id, t := range r.tallies {
		t[u] = found[id]
	}
	return true, nil
}

func tallied(rows []dbsqlc.LiveTallyRow) map[webhook.ID][]byte {
	found := map[webhook.ID][]byte{}
	for _, row := range rows {
		found[row.EndpointID.Bytes] = appendCell(found[row.EndpointID.Bytes], webhook.Cell(row.Cell), int64(row.N))
	}
	return found
}

// fold puts stretches into the parts that they begin in.
func (t tallies) fold(parts []time.Time) []webhook.StatsPart {
	out, nothing := make([]webhook.StatsPart, len(parts)), &webhook.Tally{}
	for i, start := range parts {
		out[i] = webhook.StatsPart{Start: start, Tally: nothing}
	}
	first := minuteOf(parts[0])
	width := minuteOf(parts[1]) - first
	for u, packed := range t {
		i := min(int(max(u.start-first, 0)/width), len(parts)-1)
		if out[i].Tally == nothing && len(packed) > 0 {
			out[i].Tally = &webhook.Tally{}
		}
		unpack(packed, out[i].Tally)
	}
	return out
}
