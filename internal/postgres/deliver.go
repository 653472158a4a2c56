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

// Deliver implements the worker's stores.
type Deliver struct {
	db      *DB
	breaker Breaker
}

// Breaker says when an endpoint's breaker opens: after Failures failed attempts
// in a row, spread over at least Window.
type Breaker struct {
	Failures int
	Window   time.Duration
	// DisableAfter is how long an endpoint fails before Upkeep disables it. After
	// half of it without an attempt, an hour at least, that time begins anew.
	DisableAfter time.Duration
}

// silence is the longest that two failures of one time of failing are apart. While
// anything is held, probes are ten minutes apart; retries of the default schedule
// are 33, which the hour is for.
func (b Breaker) silence() time.Duration { return max(b.DisableAfter/2, b.Window, time.Hour) }

// NewDeliver makes the store on db.
func NewDeliver(db *DB, breaker Breaker) *Deliver { return &Deliver{db: db, breaker: breaker} }

// keys are the columns that find deliveries of one day.
type keys struct {
	workspaces []string
	ids        []pgtype.UUID
	lo, hi     pgtype.UUID
}

// byDay groups what names deliveries by the partition they are in, so that each
// statement touches one.
func byDay[T any](all []T, member func(*T) *webhook.Member) map[time.Time]*dayOf[T] {
	days := make(map[time.Time]*dayOf[T], 1)
	for i := range all {
		m := member(&all[i])
		day := m.DeliveryID.Day()
		d := days[day]
		if d == nil {
			d = &dayOf[T]{}
			d.lo, d.hi = dayBounds(day)
			days[day] = d
		}
		d.all = append(d.all, &all[i])
		d.workspaces = append(d.workspaces, string(m.WorkspaceID))
		d.ids = append(d.ids, pgID(m.DeliveryID))
	}
	return days
}

type dayOf[T any] struct {
	keys
	all []*T
	own *onDay // nil where the partitioned tables are named
}

func itself(m *webhook.Member) *webhook.Member { return m }

// HandOver gives deliveries held by one task to another holder.
func (s *Deliver) HandOver(ctx context.Context, members []webhook.Member, from, to string) ([]webhook.ID, error) {
	var moved []webhook.ID
	for _, d := range byDay(members, itself) {
		rows, err := s.db.q.HandOver(ctx, dbsqlc.HandOverParams{
			WorkspaceIds: d.workspaces, Ids: d.ids, Lo: d.lo, Hi: d.hi,
			Tasks: repeat(from, len(d.ids)), NewTasks: repeat(to, len(d.ids)),
		})
		if err != nil {
			return moved, fmt.Errorf("hand %d deliveries over: %w", len(d.ids), available(err))
		}
		for _, id := range rows {
			moved = append(moved, id.Bytes)
		}
	}
	return moved, nil
}

// Park holds deliveries, and notes their endpoints for the scheduler.
func (s *Deliver) Park(ctx context.Context, holds []webhook.Hold) error {
	return s.db.inTx(ctx, func(q *dbsqlc.Queries, _ pgx.Tx) error {
		ends := make(map[webhook.ID]*webhook.Hold)
		var probes dbsqlc.LeaveProbesParams
		for _, d := range byDay(holds, func(h *webhook.Hold) *webhook.Member { return &h.Delivery }) {
			p := dbsqlc.ParkDeliveriesParams{WorkspaceIds: d.workspaces, Ids: d.ids, Lo: d.lo, Hi: d.hi}
			for _, h := range d.all {
				p.Tasks = append(p.Tasks, h.Task)
				p.Reasons = append(p.Reasons, h.Reason)
				p.ForsMs = append(p.ForsMs, h.For.Milliseconds())
				ends[h.Delivery.EndpointID] = h
				if h.Probe {
					probes.EndpointIds = append(probes.EndpointIds, pgID(h.Delivery.EndpointID))
					probes.DeliveryIds = append(probes.DeliveryIds, pgID(h.Delivery.DeliveryID))
				}
			}
			if err := q.ParkDeliveries(ctx, p); err != nil {
				return fmt.Errorf("park %d deliveries: %w", len(d.ids), err)
			}
		}
		if err := parkEndpoints(ctx, q, ends); err != nil || len(probes.DeliveryIds) == 0 {
			return err
		}
		return q.LeaveProbes(ctx, probes)
	})
}

// actMissed is when a hold that ends by an act is looked at all the same. The act
// has it looked at once, but may have come after its reason was read and before
// the hold was written.
const actMissed = 5 * time.Second

func parkEndpoints(ctx context.Context, q *dbsqlc.Queries, ends map[webhook.ID]*webhook.Hold) error {
	var p dbsqlc.ParkEndpointsParams
	for _, id := range sortedIDs(ends) {
		h := ends[id]
		p.EndpointIds = append(p.EndpointIds, pgID(id))
		p.WorkspaceIds = append(p.WorkspaceIds, string(h.Delivery.WorkspaceID))
		p.Reasons = append(p.Reasons, h.Reason)
		in := h.For
		if in <= 0 {
			in = actMissed
		}
		p.ChecksInMs = append(p.ChecksInMs, in.Milliseconds())
	}
	if err := q.ParkEndpoints(ctx, p); err != nil {
		return fmt.Errorf("note %d parked endpoints: %w", len(p.EndpointIds), err)
	}
	return nil
}

// Events returns the members' events with their bodies.
func (s *Deliver) Events(ctx context.Context, members []webhook.Member) (map[webhook.ID]webhook.CarriedEvent, error) {
	out := make(map[webhook.ID]webhook.CarriedEvent, len(members))
	for _, d := range byDay(members, itself) {
		ids := make([]pgtype.UUID, len(d.all))
		for i, m := range d.all {
			ids[i] = pgID(m.EventID)
		}
		rows, err := s.db.q.EventBodies(ctx, dbsqlc.EventBodiesParams{WorkspaceIds: d.workspaces, Ids: ids, Lo: d.lo, Hi: d.hi})
		if err != nil {
			return nil, fmt.Errorf("read %d events: %w", len(ids), available(err))
		}
		for _, r := range rows {
			e := webhook.Event{ID: r.ID.Bytes, ExternalID: r.ExternalID}
			if r.Body != nil {
				out[e.ID] = webhook.CarriedEvent{ID: e.ID, PublicID: e.PublicID(), Type: r.Type, Body: r.Body, Trace: webhook.StoredTrace(r.Trace)}
			}
		}
	}
	return out, nil
}

// Endpoints returns endpoints with their secrets in the clear.
func (s *Deliver) Endpoints(ctx context.Context, ids []webhook.ID) ([]webhook.Endpoint, map[webhook.ID]error, error) {
	rows, err := s.db.q.DeliveryTargets(ctx, pgIDs(ids, sameID))
	if err != nil {
		return nil, nil, fmt.Errorf("load %d endpoints: %w", len(ids), available(err))
	}
	out := make([]webhook.Endpoint, 0, len(rows))
	sealed := make(map[webhook.ID]error)
	for _, r := range rows {
		e := webhook.Endpoint{
			ID: r.ID.Bytes, WorkspaceID: webhook.WorkspaceID(r.WorkspaceID), URL: r.Url, Version: r.Version,
			IsActive: true, Timeout: seconds(r.TimeoutS), RetrySchedule: schedule(r.RetrySchedule),
			RateLimit: intPtr(r.RateLimit), MaxInFlight: intPtr(r.MaxInFlight), Format: webhook.Format(r.Format),
		}
		if err := s.unseal(&e, sealedSecrets{r.Secret, r.NextSecret, r.NextSecretAt, r.Headers}); err != nil {
			sealed[e.ID] = err
			continue
		}
		out = append(out, e)
	}
	return out, sealed, nil
}
