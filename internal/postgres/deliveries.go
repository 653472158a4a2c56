package postgres

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/webhook"
)

// Deliveries reads deliveries and their attempts, and retries and cancels by hand.
type Deliveries struct{ db *DB }

// NewDeliveries makes the store on db.
func NewDeliveries(db *DB) *Deliveries { return &Deliveries{db} }

// Get returns one delivery with its last attempt's outcome.
func (s *Deliveries) Get(ctx context.Context, ws webhook.WorkspaceID, id webhook.ID) (webhook.Delivery, error) {
	d, _, err := s.get(ctx, ws, id)
	return d, err
}

// get also says whether the delivery's endpoint was deleted.
func (s *Deliveries) get(ctx context.Context, ws webhook.WorkspaceID, id webhook.ID) (d webhook.Delivery, deleted bool, err error) {
	r, err := s.db.read(ctx).DeliveryByID(ctx, dbsqlc.DeliveryByIDParams{WorkspaceID: string(ws), ID: pgID(id)})
	if err != nil {
		return d, false, fmt.Errorf("read delivery %s: %w", id, notFound(err, "delivery"))
	}
	all, err := s.fill(ctx, ws, []dbsqlc.ListDeliveriesRow{dbsqlc.ListDeliveriesRow(r)})
	if err != nil {
		return d, false, fmt.Errorf("read delivery %s: %w", id, err)
	}
	return all[0], r.Deleted, nil
}

// Attempts returns a delivery's attempts, newest first. made is how many the caller
// knows of: the newest page has the last of them.
func (s *Deliveries) Attempts(ctx context.Context, ws webhook.WorkspaceID, delivery webhook.ID, made int, p webhook.Page) (all []webhook.Attempt, more bool, err error) {
	err = s.db.listing(ctx, func(ctx context.Context, db *DB) (err error) {
		all, more, err = NewDeliveries(db).attempts(ctx, ws, delivery, p)
		isLast := func(a webhook.Attempt) bool { return a.Number >= made }
		if err == nil && db != s.db && made > 0 && p.Before.IsZero() && !slices.ContainsFunc(all, isLast) {
			return errBehind
		}
		return err
	})
	return all, more, err
}

func (s *Deliveries) attempts(ctx context.Context, ws webhook.WorkspaceID, delivery webhook.ID, p webhook.Page) (all []webhook.Attempt, more bool, err error) {
	rows, err := s.db.q.ListAttempts(ctx, dbsqlc.ListAttemptsParams{
		WorkspaceID: string(ws), DeliveryID: pgID(delivery), Before: before(p), RowLimit: int32(p.Limit + 1),
	})
	if err != nil {
		return nil, false, fmt.Errorf("list attempts of delivery %s: %w", delivery, available(err))
	}
	rows, more = cut(rows, p.Limit)
	for _, r := range rows {
		all = append(all, webhook.Attempt{
			ID: r.ID.Bytes, DeliveryID: delivery, Number: int(r.Number), StartedAt: r.StartedAt.Time.UTC(),
			Duration: microseconds(r.DurationUs), StatusCode: int(deref(r.StatusCode)), Error: deref(r.Error),
			ErrorClass: webhook.ErrorClass(deref(r.ErrorClass)), RequestHeaders: decodeHeaders(r.RequestHeaders),
			ResponseHeaders: decodeHeaders(r.ResponseHeaders), ResponseBody: r.ResponseBody,
			SignedWith: deref(r.SignedWith),
		})
	}
	return all, more, nil
}

// Retry starts a fresh schedule for a delivery that has ended without success;
// attempt numbers go on. With an ordering key see retryOrdered. The row is left to
// the scheduler's feed, at once.
func (s *Deliveries) Retry(ctx context.Context, ws webhook.WorkspaceID, id webhook.ID) (webhook.Delivery, error) {
	lo, hi := dayBounds(id.Day())
	changed, err := s.change(ctx, ws, id, webhook.StatusPending, func(q *dbsqlc.Queries) (int64, error) {
		n, err := q.RetryDelivery(ctx, dbsqlc.RetryDeliveryParams{WorkspaceID: string(ws), ID: pgID(id), Lo: lo, Hi: hi})
		if err != nil || n > 0 {
			return n, err
		}
		return retryOrdered(ctx, q, ws, id)
	})
	if err != nil {
		return webhook.Delivery{}, fmt.Errorf("retry delivery %s: %w", id, err)
	}
	d, deleted, err := s.get(ctx, ws, id)
	if err != nil || changed {
		return d, err
	}
	return d, whyNotRetryable(d.Status, deleted)
}

// change runs a statement on one delivery and notes its new status, if it changed.
func (s *Deliveries) change(ctx context.Context, ws webhook.WorkspaceID, id webhook.ID, to webhook.Status, run func(*dbsqlc.Queries) (int64, error)) (changed bool, err error) {
	err = s.db.inTx(ctx, func(q *dbsqlc.Queries, _ pgx.Tx) error {
		n, err := run(q)
		if changed = n > 0; err != nil || !changed {
			return err
		}
		return s.db.note(ctx, q, ws, id.AsTarget(webhook.KindDelivery), webhook.StatusChange(to))
	})
	return changed, err
}

func whyNotRetryable(status webhook.Status, endpointDeleted bool) error {
	switch {
	case status != webhook.StatusFailed && status != webhook.StatusCanceled:
		return webhook.Errorf(webhook.CodeNotRetryable, "only a failed or canceled delivery can be retried; this one is %s", status)
	case endpointDeleted:
		return webhook.Errorf(webhook.CodeNotRetryable, "the delivery's endpoint was deleted")
	}
	return webhook.Errorf(webhook.CodeNotRetryable, "the event's payload is no longer kept")
}

// Cancel ends a pending delivery. A request that is under way already may still
// succeed, and then the delivery has.
func (s *Deliveries) Cancel(ctx context.Context, ws webhook.WorkspaceID, id webhook.ID) (webhook.Delivery, error) {
	changed, err := s.change(ctx, ws, id, webhook.StatusCanceled, func(q *dbsqlc.Queries) (int64, error) {
		n, err := q.CancelDelivery(ctx, dbsqlc.CancelDeliveryParams{WorkspaceID: string(ws), ID: pgID(id), Reason: reasonCanceled})
		if err != nil || n > 0 {
			return n, err
		}
		return cancelOrdered(ctx, q, ws, id)
	})
	if err != nil {
		return webhook.Delivery{}, fmt.Errorf("cancel delivery %s: %w", id, err)
	}
	d, _, err := s.get(ctx, ws, id)
	if err != nil || changed {
		return d, err
	}
	return d, webhook.Errorf(webhook.CodeNotCancelable, "only a pending delivery can be canceled; this one is %s", d.Status)
}

// externalIDs are the callers' own ids of events that have one.
func (s *Deliveries) externalIDs(ctx context.Context, ws webhook.WorkspaceID, events []pgtype.UUID) (map[webhook.ID]string, error) {
	lo, hi := bounds(events)
	rows, err := s.db.read(ctx).ExternalIDs(ctx, dbsqlc.ExternalIDsParams{WorkspaceID: string(ws), EventIds: events, Lo: lo, Hi: hi})
	if err != nil {
		return nil, fmt.Errorf("read events' own ids: %w", available(err))
	}
	out := make(map[webhook.ID]string, len(rows))
	for _, r := range rows {
		out[r.ID.Bytes] = r.ExternalID
	}
	return out, nil
}
