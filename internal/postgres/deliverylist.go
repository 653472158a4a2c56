package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/webhook"
)

// fewPending is how many deliveries may be pending of each kind, in all workspaces,
// for a list of some of them to look at each; with more of them around a list finds
// its own by walking.
const fewPending = 5000

// List returns a workspace's deliveries, newest first, and where the next page goes
// on; zero where there is none. A page of what is rare ends before its limit.
func (s *Deliveries) List(ctx context.Context, ws webhook.WorkspaceID, f webhook.DeliveryFilter, p webhook.Page) (all []webhook.Delivery, next webhook.ID, err error) {
	read := func(ctx context.Context, db *DB) (err error) {
		all, next, err = NewDeliveries(db).list(ctx, ws, &f, p)
		return err
	}
	if f.EventID.IsZero() {
		err = s.db.listing(ctx, read)
	} else { // of one event, whose id somebody was told just now
		err = read(ctx, s.db)
	}
	if err != nil {
		return nil, next, fmt.Errorf("list deliveries of workspace %s: %w", ws, available(err))
	}
	return all, next, nil
}

func (s *Deliveries) list(ctx context.Context, ws webhook.WorkspaceID, f *webhook.DeliveryFilter, p webhook.Page) (all []webhook.Delivery, next webhook.ID, err error) {
	arg := listParams(ws, f, p)
	if isRare(f) {
		if arg.Ids, next, err = s.lookFor(ctx, &arg, f, p.Limit); err != nil || len(arg.Ids) == 0 {
			return nil, next, err
		}
		arg.Lo, arg.Hi = around(arg.Ids)
	}
	rows, err := nearFirst(arg.Lo, arg.Hi, time.Now(), func(lo pgtype.UUID) ([]dbsqlc.ListDeliveriesRow, error) {
		arg.Lo = lo
		return s.db.q.ListDeliveries(ctx, arg)
	}, func(rows []dbsqlc.ListDeliveriesRow) bool {
		return len(rows) >= int(arg.RowLimit) || len(rows) == len(arg.Ids) && len(rows) > 0
	})
	if err != nil {
		return nil, next, err
	}
	rows, more := cut(rows, p.Limit)
	if more {
		next = rows[len(rows)-1].ID.Bytes
	}
	all, err = s.fill(ctx, ws, rows)
	return all, next, err
}

func listParams(ws webhook.WorkspaceID, f *webhook.DeliveryFilter, p webhook.Page) dbsqlc.ListDeliveriesParams {
	arg := dbsqlc.ListDeliveriesParams{
		WorkspaceID: string(ws), Status: orNil(string(f.Status)), Type: orNil(f.Type), RowLimit: int32(p.Limit + 1),
	}
	if !f.EndpointID.IsZero() {
		arg.EndpointID = pgID(f.EndpointID)
	}
	arg.Lo, arg.Hi = idRange(p, f.Since, f.Until)
	if !f.EventID.IsZero() {
		arg.EventID = pgID(f.EventID)
		narrow(&arg, f.EventID)
	}
	return arg
}

// narrow bounds a list to one event's millisecond, which its deliveries share.
func narrow(arg *dbsqlc.ListDeliveriesParams, event webhook.ID) {
	first, next := millisecondOf(event)
	if compareIDs(arg.Lo.Bytes, first) < 0 {
		arg.Lo = pgID(first)
	}
	arg.Hi = pgID(lower(arg.Hi.Bytes, next))
}

// isRare reports whether there may be many rows between those of the list, whatever
// index it goes by.
func isRare(f *webhook.DeliveryFilter) bool {
	switch {
	case f.ByOutcome():
		return true
	case !f.EventID.IsZero():
		return false
	case f.Type != "":
		return true
	}
	return f.Status != "" && (!unsuccessful(f.Status) || !f.EndpointID.IsZero())
}

// unsuccessful: these have an index of their own.
func unsuccessful(s webhook.Status) bool {
	return s == webhook.StatusFailed || s == webhook.StatusCanceled
}

// lookFor finds the ids of a page.
func (s *Deliveries) lookFor(ctx context.Context, arg *dbsqlc.ListDeliveriesParams, f *webhook.DeliveryFilter, limit int) ([]pgtype.UUID, webhook.ID, error) {
	if f.ByOutcome() {
		return s.lookByOutcome(ctx, arg, f, limit)
	}
	return s.look(ctx, arg, limit, nil)
}

// look finds those of a page that have the outcome; nil is any.
func (s *Deliveries) look(ctx context.Context, arg *dbsqlc.ListDeliveriesParams, limit int, o *outcome) ([]pgtype.UUID, webhook.ID, error) {
	if arg.Status != nil && webhook.Status(*arg.Status) == webhook.StatusPending {
		ids, next, all, err := s.lookPending(ctx, arg, limit, o)
		if err != nil || all {
			return ids, next, err
		}
	}
	w := dbsqlc.WalkDeliveriesParams{
		WorkspaceID: arg.WorkspaceID, Status: arg.Status, Type: arg.Type, EndpointID: arg.EndpointID, EventID: arg.EventID,
	}
	if w.Status != nil && unsuccessful(webhook.Status(*w.Status)) {
		w.ByStatus = w.Status
	} else {
		w.ByEndpoint = w.EndpointID
	}
	steps := stepsInARow
	if w.ByStatus != nil || w.ByEndpoint.Valid {
		steps = stepsScattered
	}
	look := func(ctx context.Context, lo, hi pgtype.UUID, most, limit int32) ([]step, error) {
		w.Lo, w.Hi, w.Most, w.RowLimit = lo, hi, most, limit
		rows, err := s.db.q.WalkDeliveries(ctx, w)
		steps := make([]step, len(rows))
		for i, r := range rows {
			steps[i] = step{r.ID.Bytes, r.Matches, r.Last}
		}
		return steps, err
	}
	if o != nil {
		look, steps = o.among(look), o.steps
	}
	return walk(ctx, arg.Lo, arg.Hi, limit, steps, look)
}

// lookPending looks at all that are pending, if those are few.
func (s *Deliveries) lookPending(ctx context.Context, arg *dbsqlc.ListDeliveriesParams, limit int, o *outcome) (ids []pgtype.UUID, next webhook.ID, all bool, err error) {
	if o != nil {
		return s.lookPendingBy(ctx, arg, limit, o)
	}
	rows, err := s.db.q.FewPending(ctx, dbsqlc.FewPendingParams{
		WorkspaceID: arg.WorkspaceID, Lo: arg.Lo, Hi: arg.Hi, Type: arg.Type, EndpointID: arg.EndpointID, Most: fewPending, RowLimit: int32(limit + 1),
	})
	if err != nil || len(rows) == 0 || rows[0].Total >= fewPending {
		return nil, next, false, err
	}
	for _, r := range rows {
		if r.ID.Valid {
			ids = append(ids, r.ID)
		}
	}
	if len(ids) > limit {
		ids, next = ids[:limit], ids[limit-1].Bytes
	}
	return ids, next, true, nil
}
