package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/recovery/parking"
	"github.com/postrider/postrider/internal/webhook"
)

// Parked implements the release of what is parked, an endpoint at a time.
type Parked struct{ db *DB }

// NewParked makes the store on db.
func NewParked(db *DB) *Parked { return &Parked{db} }

// Next takes the endpoint whose check is the most overdue, asks decide and does
// what it says, in one transaction. Endpoints that another scheduler has in
// hand are passed over.
func (s *Parked) Next(ctx context.Context, decide func(parking.State) parking.Verdict) (out parking.Outcome, err error) {
	err = s.db.inTx(ctx, func(q *dbsqlc.Queries, _ pgx.Tx) error {
		p, err := q.LockParkedEndpoint(ctx)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		state, err := q.ParkedEndpointState(ctx, p.EndpointID)
		if err != nil {
			return err
		}
		out.Found = true
		return s.apply(ctx, q, p.EndpointID, decide(parkingState(p, state)), &out)
	})
	if err != nil {
		return parking.Outcome{}, fmt.Errorf("look after parked deliveries: %w", err)
	}
	return out, nil
}

func parkingState(p dbsqlc.LockParkedEndpointRow, s dbsqlc.ParkedEndpointStateRow) parking.State {
	return parking.State{
		EndpointID: p.EndpointID.Bytes, Reason: p.Reason, ReleaseCount: int(p.ReleaseCount),
		Deleted: s.Deleted, Active: s.Active, RateLimit: int(s.RateLimit), Failures: int(s.Failures),
		BreakerOpen: s.BreakerOpen, OpenFor: spanOf(s.OpenForS), Probing: s.Probing,
	}
}

func (s *Parked) apply(ctx context.Context, q *dbsqlc.Queries, endpoint pgtype.UUID, v parking.Verdict, out *parking.Outcome) error {
	if err := q.PlanOnce(ctx); err != nil {
		return err
	}
	rows, stays, err := pick(ctx, q, endpoint, &v)
	if err != nil {
		return err
	}
	if err := q.PlanEach(ctx); err != nil {
		return err
	}
	if err := letGo(ctx, q, endpoint, v.Action, rows, out); err != nil {
		return err
	}
	if !stays {
		return q.ForgetParkedEndpoint(ctx, endpoint)
	}
	return q.KeepParkedEndpoint(ctx, dbsqlc.KeepParkedEndpointParams{
		EndpointID: endpoint, Reason: v.Reason, ReleaseCount: int32(v.ReleaseCount), CheckInS: v.CheckIn.Seconds(),
	})
}

// pick returns the verdict's deliveries, and whether others stay. One more than is
// let go says that. What is being parked at this moment is not seen, but waits for
// the lock on the endpoint's row.
func pick(ctx context.Context, q *dbsqlc.Queries, endpoint pgtype.UUID, v *parking.Verdict) (rows []taskRow, stays bool, err error) {
	oldest, err := oldestParked(ctx, q, endpoint, *v)
	if err != nil {
		return nil, false, err
	}
	rows = oldest[:min(v.Count, len(oldest))]
	if v.Action == parking.Probe && len(rows) > 0 {
		rows, err = probeOf(ctx, q, endpoint, v)
	}
	return rows, len(oldest) > len(rows), err
}

// probeOf is the oldest parked delivery that is due: a probe is a request as any
// other, and none is early. Where there is none the verdict is to look again when
// the first is.
func probeOf(ctx context.Context, q *dbsqlc.Queries, endpoint pgtype.UUID, v *parking.Verdict) ([]taskRow, error) {
	due, err := q.OldestDueParked(ctx, endpoint)
	if err != nil {
		return nil, err
	}
	if len(due) > 0 {
		return []taskRow{{workspace: webhook.WorkspaceID(due[0].WorkspaceID), id: due[0].ID.Bytes}}, nil
	}
	in, err := q.FirstDueParked(ctx, endpoint)
	v.CheckIn = spanOf(in)
	return nil, err
}

// oldestParked is one more than the verdict's count. What waits for its turn in the
// line of an ordering key is left alone, unless all is canceled.
func oldestParked(ctx context.Context, q *dbsqlc.Queries, endpoint pgtype.UUID, v parking.Verdict) (rows []taskRow, err error) {
	n := int32(v.Count + 1)
	if v.Action == parking.Cancel {
		held, err := q.OldestHeld(ctx, dbsqlc.OldestHeldParams{EndpointID: endpoint, N: n})
		for _, r := range held {
			rows = append(rows, taskRow{workspace: webhook.WorkspaceID(r.WorkspaceID), id: r.ID.Bytes})
		}
		return rows, err
	}
	parked, err := q.OldestParked(ctx, dbsqlc.OldestParkedParams{EndpointID: endpoint, N: n})
	for _, r := range parked {
		rows = append(rows, taskRow{workspace: webhook.WorkspaceID(r.WorkspaceID), id: r.ID.Bytes})
	}
	return rows, err
}

func letGo(ctx context.Context, q *dbsqlc.Queries, endpoint pgtype.UUID, a parking.Action, rows []taskRow, out *parking.Outcome) error {
	if a == parking.Cancel {
		// Of what is parked no request is under way.
		n, err := cancelRows(ctx, q, rows, true)
		out.Canceled += n
		return err
	}
	return eachDay(rows, func(d dayRows) error {
		ids, err := q.ReleaseParked(ctx, dbsqlc.ReleaseParkedParams{
			Probe: a == parking.Probe, Lo: d.lo, Hi: d.hi, WorkspaceIds: d.workspaces, Ids: d.ids,
		})
		out.Released += len(ids)
		if err != nil || a != parking.Probe || len(ids) == 0 {
			return err
		}
		return q.SetProbe(ctx, dbsqlc.SetProbeParams{EndpointID: endpoint, DeliveryID: ids[0]})
	})
}
