package postgres

import (
	"context"
	"fmt"

	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/webhook"
)

// Explain reads what tells why an endpoint got an event or did not. It opens no
// secrets.
type Explain struct{ db *DB }

// NewExplain makes the store on db.
func NewExplain(db *DB) *Explain { return &Explain{db} }

// States returns a workspace's endpoints as they are now, newest first; only are
// some of them, or nil for all.
func (s *Explain) States(ctx context.Context, ws webhook.WorkspaceID, only []webhook.ID, p webhook.Page) (all []webhook.EndpointState, more bool, err error) {
	arg := dbsqlc.EndpointStatesParams{WorkspaceID: string(ws), Before: before(p), RowLimit: int32(p.Limit + 1)}
	if only != nil {
		arg.EndpointIds = pgIDs(only, sameID)
	}
	rows, err := s.db.q.EndpointStates(ctx, arg)
	if err != nil {
		return nil, false, fmt.Errorf("read endpoint states of workspace %s: %w", ws, available(err))
	}
	rows, more = cut(rows, p.Limit)
	all = make([]webhook.EndpointState, len(rows))
	for i, r := range rows {
		all[i] = webhook.EndpointState{
			Endpoint: webhook.Endpoint{
				ID: r.ID.Bytes, WorkspaceID: ws, Events: r.Events, Filters: r.Filters, IsActive: r.IsActive,
				DisabledAt: timePtr(r.DisabledAt), DisabledReason: deref(r.DisabledReason),
				CreatedAt: webhook.ID(r.ID.Bytes).Time(), UpdatedAt: r.UpdatedAt.Time.UTC(),
			},
			OpenUntil: timePtr(r.OpenUntil), ParkedReason: deref(r.ParkedReason), NextCheckAt: timePtr(r.NextCheckAt),
			Failures: int(r.Failures), FailingSince: timePtr(r.FailingSince),
		}
	}
	return all, more, nil
}

// Deliveries returns the newest delivery of an event to each of the endpoints
// that has one.
func (s *Explain) Deliveries(ctx context.Context, ws webhook.WorkspaceID, event webhook.ID, endpoints []webhook.ID) (map[webhook.ID]webhook.Delivery, error) {
	if len(endpoints) == 0 {
		return nil, nil
	}
	lo, hi := millisecondOf(event)
	rows, err := s.db.q.DeliveriesOfEventTo(ctx, dbsqlc.DeliveriesOfEventToParams{
		EndpointIds: pgIDs(endpoints, sameID), Lo: pgID(lo), Hi: pgID(hi), WorkspaceID: string(ws), EventID: pgID(event),
	})
	if err != nil {
		return nil, fmt.Errorf("read deliveries of event %s: %w", event, available(err))
	}
	same := make([]dbsqlc.ListDeliveriesRow, len(rows))
	for i := range rows {
		same[i] = dbsqlc.ListDeliveriesRow(rows[i])
	}
	all, err := NewDeliveries(s.db).fill(ctx, ws, same)
	if err != nil {
		return nil, fmt.Errorf("read deliveries of event %s: %w", event, err)
	}
	out := make(map[webhook.ID]webhook.Delivery, len(all))
	for _, d := range all {
		out[d.EndpointID] = d
	}
	return out, nil
}
