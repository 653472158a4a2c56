package postgres

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/webhook"
)

// turn is a delivery's place in the line of its endpoint and ordering key.
type turn struct {
	webhook.Member
	key  string
	seq  int64
	bulk bool
	// wait is for how long a request may be under way in this one's name, which has
	// ended all the same: the next one goes after that.
	wait time.Duration
}

// keyLine names an endpoint's key.
type keyLine struct {
	endpoint webhook.ID
	key      string
}

func (t *turn) line() keyLine { return keyLine{t.EndpointID, t.key} }

// inFlight is for how long a request may be under way at the longest: an endpoint's
// timeout is a minute at most, and its worker may have waited for a slot since it
// asked Postgres.
const inFlight = 70 * time.Second

// lineColumns are columns of statements on lines.
type lineColumns struct {
	endpoints []pgtype.UUID
	keys      []string
	seqs      []int64
}

func columnsOf(turns []turn) (c lineColumns) {
	for i := range turns {
		c.endpoints = append(c.endpoints, pgID(turns[i].EndpointID))
		c.keys = append(c.keys, turns[i].key)
		c.seqs = append(c.seqs, turns[i].seq)
	}
	return c
}

// lockTurns locks the lines of the turns, in order, and returns whose turn it is in
// each; 0 is nobody's. What is not in the result has no line.
func lockTurns(ctx context.Context, q *dbsqlc.Queries, turns []turn) (map[keyLine]int64, error) {
	c := columnsOf(oneOfEach(turns))
	rows, err := q.LockTurns(ctx, dbsqlc.LockTurnsParams{EndpointIds: c.endpoints, OrderingKeys: c.keys})
	heads := make(map[keyLine]int64, len(rows))
	for _, r := range rows {
		heads[keyLine{r.EndpointID.Bytes, r.OrderingKey}] = deref(r.HeadSeq)
	}
	return heads, err
}

// oneOfEach has one turn of each line, in the order of the lines.
func oneOfEach(turns []turn) []turn {
	one := slices.Clone(turns)
	slices.SortStableFunc(one, byLine)
	return slices.CompactFunc(one, func(a, b turn) bool { return byLine(a, b) == 0 })
}

func byLine(a, b turn) int {
	return cmp.Or(bytes.Compare(a.EndpointID[:], b.EndpointID[:]), strings.Compare(a.key, b.key))
}

// leaveLine takes turns that have ended out of their lines, and gives those of the
// heads among them to the next. The lines must be locked. name makes the task of a
// new head; without one it is feed's.
func leaveLine(ctx context.Context, q *dbsqlc.Queries, ended []turn, name func(*turn) string) error {
	if len(ended) == 0 {
		return nil
	}
	c := columnsOf(ended)
	if err := q.LeaveLine(ctx, dbsqlc.LeaveLineParams{EndpointIds: c.endpoints, OrderingKeys: c.keys, Seqs: c.seqs}); err != nil {
		return err
	}
	return passOn(ctx, q, ended, name)
}

// passOn is leaveLine for turns that are in no line but as heads.
func passOn(ctx context.Context, q *dbsqlc.Queries, ended []turn, name func(*turn) string) error {
	for len(ended) > 0 {
		next, err := passTurns(ctx, q, ended)
		if err != nil {
			return err
		}
		// As a rule none: one that ended without leaving its line, as a process of a
		// release before this one does it, is passed over.
		if ended, err = giveTurns(ctx, q, next, name); err != nil {
			return err
		}
	}
	return nil
}

// passTurns makes the next ones heads and returns them.
func passTurns(ctx context.Context, q *dbsqlc.Queries, ended []turn) ([]turn, error) {
	c := columnsOf(ended)
	rows, err := q.PassTurns(ctx, dbsqlc.PassTurnsParams{EndpointIds: c.endpoints, OrderingKeys: c.keys, Seqs: c.seqs})
	if err != nil {
		return nil, err
	}
	waits := make(map[keyLine]time.Duration, len(ended))
	for i := range ended {
		waits[ended[i].line()] = max(waits[ended[i].line()], ended[i].wait)
	}
	next := make([]turn, len(rows))
	for i, r := range rows {
		next[i] = turn{
			Member: webhook.Member{
				DeliveryID: r.DeliveryID.Bytes, EndpointID: r.EndpointID.Bytes, EventID: r.EventID.Bytes,
				WorkspaceID: webhook.WorkspaceID(r.WorkspaceID),
			},
			key: r.OrderingKey, seq: r.Seq, bulk: r.Bulk,
		}
		next[i].wait = waits[next[i].line()]
	}
	return next, nil
}

// giveTurns lets new heads go and returns those that have ended already.
func giveTurns(ctx context.Context, q *dbsqlc.Queries, heads []turn, name func(*turn) string) (ended []turn, err error) {
	given := make(map[webhook.ID]bool, len(heads))
	for _, d := range byDay(heads, func(t *turn) *webhook.Member { return &t.Member }) {
		p := dbsqlc.GiveTurnsParams{Lo: d.lo, Hi: d.hi, WorkspaceIds: d.workspaces, Ids: d.ids}
		for _, t := range d.all {
			p.Tasks = append(p.Tasks, taskOf(t, name))
			p.DelaysMs = append(p.DelaysMs, t.wait.Milliseconds())
		}
		ids, err := q.GiveTurns(ctx, p)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			given[id.Bytes] = true
		}
	}
	others := slices.DeleteFunc(slices.Clone(heads), func(t turn) bool { return given[t.DeliveryID] })
	return endedOf(ctx, q, others)
}

// taskOf: what has to wait for a request that may be under way is feed's.
func taskOf(t *turn, name func(*turn) string) string {
	if name == nil || t.wait > 0 {
		return ""
	}
	return name(t)
}

// endedOf locks the turns' rows and returns the turns that are not pending.
func endedOf(ctx context.Context, q *dbsqlc.Queries, turns []turn) (ended []turn, err error) {
	standing, err := lockOrdered(ctx, q, turns)
	for _, t := range turns {
		if !standing[t.DeliveryID].Pending {
			ended = append(ended, t)
		}
	}
	return ended, err
}

func lockOrdered(ctx context.Context, q *dbsqlc.Queries, turns []turn) (map[webhook.ID]dbsqlc.LockOrderedRow, error) {
	out := make(map[webhook.ID]dbsqlc.LockOrderedRow, len(turns))
	for _, d := range byDay(turns, func(t *turn) *webhook.Member { return &t.Member }) {
		rows, err := q.LockOrdered(ctx, dbsqlc.LockOrderedParams{Lo: d.lo, Hi: d.hi, WorkspaceIds: d.workspaces, Ids: d.ids})
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			out[r.ID.Bytes] = r
		}
	}
	return out, nil
}
