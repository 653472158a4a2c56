package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/webhook"
)

// Outcomes implements the waiting for what becomes of events.
type Outcomes struct{ db *DB }

// NewOutcomes makes the store on db.
func NewOutcomes(db *DB) *Outcomes { return &Outcomes{db} }

// Settled returns which of the events have no delivery any more whose first
// attempt is to be waited for.
func (s *Outcomes) Settled(ctx context.Context, events []webhook.Awaited) ([]webhook.ID, error) {
	days := make(map[time.Time]*dbsqlc.SettledEventsParams, 1)
	for _, e := range events {
		day := e.EventID.Day()
		p := days[day]
		if p == nil {
			p = &dbsqlc.SettledEventsParams{PassingHolds: webhook.PassingHolds()}
			p.Lo, p.Hi = dayBounds(day)
			days[day] = p
		}
		first, next := millisecondOf(e.EventID)
		p.WorkspaceIds = append(p.WorkspaceIds, string(e.WorkspaceID))
		p.EventIds = append(p.EventIds, pgID(e.EventID))
		p.Firsts, p.Nexts = append(p.Firsts, pgID(first)), append(p.Nexts, pgID(next))
	}
	var settled []webhook.ID
	for _, p := range days {
		ids, err := s.db.q.SettledEvents(ctx, *p)
		if err != nil {
			return nil, fmt.Errorf("look after %d events: %w", len(p.EventIds), available(err))
		}
		for _, id := range ids {
			settled = append(settled, id.Bytes)
		}
	}
	return settled, nil
}

// Of returns an event's first deliveries as they are now, webhook.MaxOutcomes at
// most, without what receivers answered.
func (s *Outcomes) Of(ctx context.Context, e webhook.Awaited) ([]webhook.Delivery, error) {
	lo, hi := millisecondOf(e.EventID)
	rows, err := s.db.q.OutcomesOfEvent(ctx, dbsqlc.OutcomesOfEventParams{
		WorkspaceID: string(e.WorkspaceID), Lo: pgID(lo), Hi: pgID(hi), EventID: pgID(e.EventID), N: webhook.MaxOutcomes,
	})
	if err != nil {
		return nil, fmt.Errorf("read outcomes of event %s: %w", e.EventID, available(err))
	}
	out := make([]webhook.Delivery, len(rows))
	for i := range rows {
		r := &rows[i]
		out[i] = deliveryOf(e.WorkspaceID, &dbsqlc.ListDeliveriesRow{
			ID: r.ID, EventID: r.EventID, EndpointID: r.EndpointID, EventType: r.EventType, Status: r.Status, Attempts: r.Attempts,
			NextAttemptAt: r.NextAttemptAt, Parked: r.Parked, HeldReason: r.HeldReason, HeldUntil: r.HeldUntil,
			CompletedAt: r.CompletedAt, Reason: r.Reason, IsActive: r.IsActive, Deleted: r.Deleted, OpenUntil: r.OpenUntil, NextCheckAt: r.NextCheckAt, ReplayID: r.ReplayID,
		})
		addOutcome(&out[i], &dbsqlc.LastAttemptsRow{StatusCode: r.StatusCode, Error: r.Error, ErrorClass: r.ErrorClass})
	}
	return out, nil
}
