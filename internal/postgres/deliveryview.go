package postgres

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/webhook"
)

// Reasons that stand in a delivery's row, and the sentences that readers get.
const (
	reasonCanceled        = "canceled"
	reasonEndpointDeleted = "endpoint_deleted"
	reasonExpired         = "expired"
)

func reasonSentence(reason string) string {
	switch reason {
	case reasonCanceled:
		return "canceled by request"
	case reasonEndpointDeleted:
		return "the endpoint was deleted"
	case reasonExpired:
		return "still pending when its time of retention was over"
	case webhook.ReasonPayloadExpired:
		return "its event's payload was no longer kept"
	}
	return reason
}

// fill adds to rows what stands in other tables: the events' own ids and the
// last attempts. Two statements for a whole page, bounded to the page's days.
func (s *Deliveries) fill(ctx context.Context, ws webhook.WorkspaceID, rows []dbsqlc.ListDeliveriesRow) ([]webhook.Delivery, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	events := make([]pgtype.UUID, len(rows))
	for i := range rows {
		events[i] = rows[i].EventID
	}
	own, err := s.externalIDs(ctx, ws, events)
	if err != nil {
		return nil, err
	}
	last, err := s.lastAttempts(ctx, ws, rows)
	if err != nil {
		return nil, err
	}
	out := make([]webhook.Delivery, len(rows))
	for i := range rows {
		out[i] = deliveryOf(ws, &rows[i])
		event := webhook.Event{ID: rows[i].EventID.Bytes, ExternalID: own[rows[i].EventID.Bytes]}
		out[i].EventID = event.PublicID()
		if a, ok := last[out[i].ID]; ok {
			addOutcome(&out[i], &a)
		}
	}
	return out, nil
}

func (s *Deliveries) lastAttempts(ctx context.Context, ws webhook.WorkspaceID, rows []dbsqlc.ListDeliveriesRow) (map[webhook.ID]dbsqlc.LastAttemptsRow, error) {
	ids := make([]pgtype.UUID, 0, len(rows))
	for i := range rows {
		if rows[i].Attempts > 0 {
			ids = append(ids, rows[i].ID)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	lo, hi := bounds(ids)
	all, err := s.db.read(ctx).LastAttempts(ctx, dbsqlc.LastAttemptsParams{WorkspaceID: string(ws), DeliveryIds: ids, Lo: lo, Hi: hi})
	if err != nil {
		return nil, fmt.Errorf("read last attempts: %w", available(err))
	}
	out := make(map[webhook.ID]dbsqlc.LastAttemptsRow, len(all))
	for _, a := range all {
		out[a.ID.Bytes] = a
	}
	return out, nil
}

func deliveryOf(ws webhook.WorkspaceID, r *dbsqlc.ListDeliveriesRow) webhook.Delivery {
	d := webhook.Delivery{
		ID: r.ID.Bytes, EndpointID: r.EndpointID.Bytes, WorkspaceID: ws, Type: r.EventType,
		Status: webhook.Status(r.Status), Attempts: int(r.Attempts), ScheduleStart: int(r.ScheduleStart), Error: reasonSentence(deref(r.Reason)),
		NextAttemptAt: timePtr(r.NextAttemptAt), CompletedAt: timePtr(r.CompletedAt), ReplayID: r.ReplayID.Bytes,
		OrderingKey: deref(r.OrderingKey),
	}
	if d.Status == webhook.StatusPending {
		d.HeldReason, d.HeldUntil = heldNow(r)
	}
	if d.NextAttemptAt != nil && d.HeldUntil != nil && d.HeldUntil.After(*d.NextAttemptAt) {
		d.NextAttemptAt = d.HeldUntil
	}
	return d
}

// heldNow is what keeps a pending delivery from being tried. What its row says is
// from when it was parked; its endpoint may be disabled or its breaker open for
// longer since, and of many that are parked the rows are not changed for that.
func heldNow(r *dbsqlc.ListDeliveriesRow) (reason string, until *time.Time) {
	switch {
	case r.Parked && deref(r.HeldReason) == webhook.HeldOrdering:
		return webhook.HeldOrdering, timePtr(r.HeldUntil)
	// Maybe nobody has come across it yet, but nobody will send it either.
	case !r.IsActive:
		return webhook.HeldEndpointDisabled, nil
	case r.OpenUntil.Valid:
		return webhook.HeldBreakerOpen, later(timePtr(r.OpenUntil), timePtr(r.NextCheckAt))
	case r.Parked:
		return deref(r.HeldReason), later(timePtr(r.HeldUntil), timePtr(r.NextCheckAt))
	}
	return "", nil
}

// later of two times; nil is before all.
func later(a, b *time.Time) *time.Time {
	if a == nil || b != nil && b.After(*a) {
		return b
	}
	return a
}

// addOutcome adds what the last attempt met.
func addOutcome(d *webhook.Delivery, a *dbsqlc.LastAttemptsRow) {
	d.StatusCode, d.ResponseBody = int(deref(a.StatusCode)), a.ResponseBody
	d.ErrorClass = webhook.ErrorClass(deref(a.ErrorClass))
	if a.Error != nil && d.Error == "" { // why it ended says more than how it last failed
		d.Error = *a.Error
	}
}

func compareIDs(a, b webhook.ID) int { return bytes.Compare(a[:], b[:]) }

// millisecondOf are the bounds of an id's own millisecond.
func millisecondOf(id webhook.ID) (first, next webhook.ID) {
	return webhook.FirstID(id.Time()), webhook.FirstID(id.Time().Add(time.Millisecond))
}

func microseconds(n int64) time.Duration { return time.Duration(n) * time.Microsecond }
