package postgres

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/webhook"
)

const (
	// catchUpScan is how many events a page looks at first; as long as it is not full
	// it looks at twice as many again, up to catchUpMost in all.
	catchUpScan = 250
	catchUpMost = 4000
	// clockSlack is by how much an API's clock, which an endpoint's id is of, and
	// Postgres's, which an event's is of, may differ.
	clockSlack = 10 * time.Minute
)

// CatchUp reads what there is for an endpoint, in the order of acceptance.
type CatchUp struct{ db *DB }

// NewCatchUp makes the store on db.
func NewCatchUp(db *DB) *CatchUp { return &CatchUp{db} }

// Page reads on after a position. It holds the events that made a delivery to the
// endpoint, and those accepted since it exists that would make one now. It ends
// where an older event could still be accepted: what comes later is behind it.
func (s *CatchUp) Page(ctx context.Context, c *webhook.CatchUp) (webhook.CatchUpPage, error) {
	p := catchUpPage{c: c, q: s.db.q, CatchUpPage: webhook.CatchUpPage{Position: c.After}}
	if err := p.read(ctx); err != nil {
		return webhook.CatchUpPage{}, fmt.Errorf("read the feed of endpoint %s: %w", c.EndpointID, available(err))
	}
	return p.CatchUpPage, nil
}

// catchUpPage is a page as it fills.
type catchUpPage struct {
	webhook.CatchUpPage
	c     *webhook.CatchUp
	q     *dbsqlc.Queries
	until webhook.ID
	bytes int64 // of the bodies that were read
}

func (p *catchUpPage) read(ctx context.Context) error {
	// Before anything is read: what commits later than this has an id behind it.
	until, err := p.q.AcceptedUntil(ctx)
	if err != nil {
		return err
	}
	p.until = webhook.FirstID(until.Time)
	p.reach(webhook.FirstID(p.c.EndpointID.Time().Add(-clockSlack)))
	p.reach(webhook.FirstID(webhook.CeilMilli(p.c.Since)))
	for n, seen := catchUpScan, 0; seen < catchUpMost; n *= 2 {
		n = min(n, catchUpMost-seen)
		end, err := p.scan(ctx, n)
		if err != nil || end {
			return err
		}
		seen += n
	}
	p.More = true
	return nil
}

// reach moves the position on, never back.
func (p *catchUpPage) reach(id webhook.ID) {
	if compareIDs(p.Position, id) < 0 {
		p.Position = id
	}
}

// scan looks at the next n events, and says whether the page ends there.
func (p *catchUpPage) scan(ctx context.Context, n int) (end bool, err error) {
	rows, err := p.q.CatchUpEvents(ctx, dbsqlc.CatchUpEventsParams{
		EndpointID: pgID(p.c.EndpointID), WorkspaceID: string(p.c.WorkspaceID), After: pgID(p.Position), Until: pgID(p.until), N: int32(n),
	})
	if err != nil {
		return true, err
	}
	if len(rows) > 0 {
		candidates, err := p.candidates(ctx, rows)
		if err != nil {
			return true, err
		}
		if p.More, err = p.take(ctx, candidates); err != nil || p.More {
			return true, err
		}
		p.reach(rows[len(rows)-1].ID.Bytes)
	}
	if len(rows) < n {
		p.reach(p.until)
		return true, nil
	}
	return false, nil
}

// candidate is an event that may be the endpoint's.
type candidate struct {
	id   webhook.ID
	size int64 // of the body
	// delivery is its last one; without an id where there is none.
	delivery dbsqlc.CatchUpDeliveriesRow
}

// candidates leaves out what can't be the endpoint's whatever is in it.
func (p *catchUpPage) candidates(ctx context.Context, rows []dbsqlc.CatchUpEventsRow) (out []candidate, err error) {
	first, _ := millisecondOf(rows[0].ID.Bytes)
	_, next := millisecondOf(rows[len(rows)-1].ID.Bytes)
	made, err := p.q.CatchUpDeliveries(ctx, dbsqlc.CatchUpDeliveriesParams{EndpointID: pgID(p.c.EndpointID), Lo: pgID(first), Hi: pgID(next)})
	if err != nil {
		return nil, err
	}
	deliveries := make(map[webhook.ID]dbsqlc.CatchUpDeliveriesRow, len(made))
	for _, d := range made {
		deliveries[d.EventID.Bytes] = d
	}
	for _, r := range rows {
		d, delivered := deliveries[r.ID.Bytes]
		if delivered || p.mayWant(&r) {
			out = append(out, candidate{r.ID.Bytes, r.Size, d})
		}
	}
	return out, nil
}

// mayWant is for an event that made no delivery.
func (p *catchUpPage) mayWant(r *dbsqlc.CatchUpEventsRow) bool {
	return r.Targeted && r.Size > 0 && compareIDs(r.ID.Bytes, p.c.EndpointID) > 0 && p.c.Interest.MatchesType(r.Type)
}

// take reads the candidates' bodies and keeps those that are the endpoint's. It is
// full when it can't look at all of them.
func (p *catchUpPage) take(ctx context.Context, candidates []candidate) (full bool, err error) {
	for len(candidates) > 0 {
		n := p.room(candidates)
		if n == 0 {
			return true, nil
		}
		if err := p.add(ctx, candidates[:n]); err != nil {
			return true, err
		}
		p.reach(candidates[n-1].id)
		candidates = candidates[n:]
	}
	return false, nil
}

// room is how many of the candidates may be read.
func (p *catchUpPage) room(candidates []candidate) (n int) {
	bytes := p.bytes
	for n < len(candidates) && len(p.Events)+n < p.c.Limit {
		if bytes += candidates[n].size; bytes > maxPageBytes && bytes > candidates[n].size {
			break
		}
		n++
	}
	return n
}

func (p *catchUpPage) add(ctx context.Context, candidates []candidate) error {
	ids := pgIDs(candidates, func(c candidate) webhook.ID { return c.id })
	lo, hi := around(ids)
	rows, err := p.q.ListEvents(ctx, dbsqlc.ListEventsParams{
		WorkspaceID: string(p.c.WorkspaceID), Lo: lo, Hi: hi, Ids: ids, RowLimit: int32(len(ids)), MaxBytes: math.MaxInt64, // room has bounded them
	})
	if err != nil {
		return err
	}
	events := make(map[webhook.ID]*dbsqlc.ListEventsRow, len(rows))
	for i := range rows {
		events[rows[i].ID.Bytes] = &rows[i]
	}
	for _, c := range candidates {
		p.bytes += c.size
		r := events[c.id]
		if r == nil {
			continue // its day was dropped meanwhile
		}
		if c.delivery.ID.Valid || r.Body != nil && p.c.Interest.Match(r.Type, webhook.DataOf(r.Body, p.c.WorkspaceID)) {
			p.Events = append(p.Events, webhook.CaughtUp{
				Event:      eventOf(p.c.WorkspaceID, r),
				DeliveryID: c.delivery.ID.Bytes, Status: webhook.Status(c.delivery.Status),
			})
		}
	}
	return nil
}
