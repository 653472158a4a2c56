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
	liveUnits      = 20
	liveDeliveries = 5000
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

// unit is a minute or a merged hour.
type unit struct {
	start, minutes int32
}

type statsReader struct {
	q         *dbsqlc.Queries
	workspace webhook.WorkspaceID
	endpoint  webhook.ID
	asOf      time.Time
	room      int32 // how many deliveries may be counted live
	tallies   map[unit]webhook.Tally
}

func (r *statsReader) read(ctx context.Context, lo, hi int32) error {
	rows, err := r.q.TalliesOf(ctx, dbsqlc.TalliesOfParams{
		WorkspaceID: string(r.workspace), EndpointID: pgID(r.endpoint), LoMinute: lo, HiMinute: hi,
	})
	if err != nil {
		return err
	}
	r.tallies = make(map[unit]webhook.Tally, len(rows))
	for _, row := range rows {
		t := make(webhook.Tally, len(row.Cells))
		for i, c := range row.Cells {
			t[webhook.Cell(c)] = row.Counts[i]
		}
		r.tallies[unit{row.StartMinute, int32(row.Minutes)}] = t
	}
	return r.readMarked(ctx, lo, hi)
}

// readMarked replaces what is marked by what it is now.
func (r *statsReader) readMarked(ctx context.Context, lo, hi int32) error {
	marks, err := r.q.MarksOf(ctx, dbsqlc.MarksOfParams{WorkspaceID: string(r.workspace), LoMinute: lo, HiMinute: hi})
	if err != nil {
		return err
	}
	live := map[unit]bool{} // and whether there was room for it
	for _, m := range marks {
		u := r.unitOf(m.Minute)
		fits, known := live[u]
		if !known {
			if fits = len(live) < liveUnits; fits {
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

func (r *statsReader) unitOf(minute int32) unit {
	merged := unit{minute / hour * hour, hour}
	if _, ok := r.tallies[merged]; ok {
		return merged
	}
	return unit{minute, 1}
}

// count counts a unit anew, and reports whether there was room for that.
func (r *statsReader) count(ctx context.Context, u unit) (bool, error) {
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
	t := webhook.Tally{}
	for _, row := range rows {
		t.Add(webhook.Cell(row.Cell), row.N)
	}
	r.room -= int32(t.Deliveries())
	if r.room < 0 {
		return false, nil
	}
	r.tallies[u] = t
	return true, nil
}

// fold puts units into the parts that they begin in.
func (r *statsReader) fold(parts []time.Time) []webhook.StatsPart {
	out := make([]webhook.StatsPart, len(parts))
	for i, start := range parts {
		out[i] = webhook.StatsPart{Start: start, Tally: webhook.Tally{}}
	}
	width := minuteOf(parts[1]) - minuteOf(parts[0])
	for u, t := range r.tallies {
		i := max(u.start-minuteOf(parts[0]), 0) / width
		out[min(int(i), len(out)-1)].Tally.Merge(t)
	}
	return out
}
