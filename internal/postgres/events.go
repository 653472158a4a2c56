package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/webhook"
)

// maxPageBytes bounds the bodies of one page of events; one event alone may be
// larger.
const maxPageBytes = 8 << 20

// Events reads accepted events.
type Events struct{ db *DB }

// NewEvents makes the store on db.
func NewEvents(db *DB) *Events { return &Events{db} }

// Get returns the event that clients know by publicID, with its body; nil once
// payloads have expired.
func (s *Events) Get(ctx context.Context, ws webhook.WorkspaceID, publicID string) (webhook.Event, error) {
	id, ok := webhook.ParseID(webhook.EventPrefix, publicID)
	if ok {
		e, err := s.byID(ctx, ws, id)
		if webhook.CodeOf(err) != webhook.CodeNotFound {
			return e, err
		}
	}
	// A caller's own id, which may look like one of ours.
	if !webhook.ValidEventID(publicID) {
		return webhook.Event{}, webhook.NotFound("event")
	}
	own, err := s.db.q.EventByExternalID(ctx, dbsqlc.EventByExternalIDParams{WorkspaceID: string(ws), ID: publicID})
	if errors.Is(err, pgx.ErrNoRows) {
		return webhook.Event{}, webhook.NotFound("event")
	}
	if err != nil {
		return webhook.Event{}, fmt.Errorf("look event %s up: %w", publicID, available(err))
	}
	return s.byID(ctx, ws, own.Bytes)
}

func (s *Events) byID(ctx context.Context, ws webhook.WorkspaceID, id webhook.ID) (webhook.Event, error) {
	r, err := s.db.q.EventByID(ctx, dbsqlc.EventByIDParams{WorkspaceID: string(ws), ID: pgID(id)})
	if err != nil {
		return webhook.Event{}, fmt.Errorf("read event %s: %w", id, notFound(err, "event"))
	}
	return webhook.Event{
		ID: id, ExternalID: r.ExternalID, WorkspaceID: ws, Type: r.Type, CreatedAt: r.CreatedAt.Time.UTC(),
		Body: r.Body, Deliveries: int(r.Deliveries), Options: optionsOf(r.EndpointIds, r.DeliverAt, r.OrderingKey),
	}, nil
}

// List returns a workspace's events with their bodies, newest first. A page of
// large events ends before its limit.
func (s *Events) List(ctx context.Context, ws webhook.WorkspaceID, f webhook.EventFilter, p webhook.Page) (all []webhook.Event, more bool, err error) {
	lo, hi := idRange(p, f.Since, f.Until)
	rows, err := s.db.q.ListEvents(ctx, dbsqlc.ListEventsParams{
		WorkspaceID: string(ws), Lo: lo, Hi: hi, Type: f.Type, RowLimit: int32(p.Limit + 1), MaxBytes: maxPageBytes,
	})
	if err != nil {
		return nil, false, fmt.Errorf("list events of workspace %s: %w", ws, available(err))
	}
	more = len(rows) > 0 && int64(len(rows)) < rows[0].Total
	rows, beyond := cut(rows, p.Limit)
	for _, r := range rows {
		all = append(all, webhook.Event{
			ID: r.ID.Bytes, ExternalID: r.ExternalID, WorkspaceID: ws, Type: r.Type, CreatedAt: r.CreatedAt.Time.UTC(),
			Body: r.Body, Deliveries: int(r.Deliveries), Options: optionsOf(r.EndpointIds, r.DeliverAt, r.OrderingKey),
		})
	}
	return all, more || beyond, nil
}
