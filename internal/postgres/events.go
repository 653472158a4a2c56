package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

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

// List returns a workspace's events with their bodies, newest first, and where the
// next page goes on; zero where there is none. A page of large events, or of a type
// that is rare, ends before its limit.
func (s *Events) List(ctx context.Context, ws webhook.WorkspaceID, f webhook.EventFilter, p webhook.Page) (all []webhook.Event, next webhook.ID, err error) {
	err = s.db.listing(ctx, func(ctx context.Context, db *DB) (err error) {
		all, next, err = NewEvents(db).list(ctx, ws, f, p)
		return err
	})
	return all, next, err
}

func (s *Events) list(ctx context.Context, ws webhook.WorkspaceID, f webhook.EventFilter, p webhook.Page) (all []webhook.Event, next webhook.ID, err error) {
	arg := dbsqlc.ListEventsParams{WorkspaceID: string(ws), RowLimit: int32(p.Limit + 1), MaxBytes: maxPageBytes}
	arg.Lo, arg.Hi = idRange(p, f.Since, f.Until)
	if f.Type != "" {
		if arg.Ids, next, err = s.ofType(ctx, &arg, f.Type, p.Limit); err != nil || len(arg.Ids) == 0 {
			return nil, next, err
		}
		arg.Lo, arg.Hi = around(arg.Ids)
	}
	rows, err := nearFirst(arg.Lo, arg.Hi, time.Now(), func(lo pgtype.UUID) ([]dbsqlc.ListEventsRow, error) {
		arg.Lo = lo
		return s.db.q.ListEvents(ctx, arg)
	}, func(rows []dbsqlc.ListEventsRow) bool {
		return len(rows) > 0 && (rows[0].Total >= int64(arg.RowLimit) || rows[0].Total == int64(len(arg.Ids)))
	})
	if err != nil {
		return nil, next, fmt.Errorf("list events of workspace %s: %w", ws, available(err))
	}
	more := len(rows) > 0 && int64(len(rows)) < rows[0].Total
	rows, beyond := cut(rows, p.Limit)
	if more || beyond {
		next = rows[len(rows)-1].ID.Bytes
	}
	for i := range rows {
		all = append(all, eventOf(ws, &rows[i]))
	}
	return all, next, nil
}

func eventOf(ws webhook.WorkspaceID, r *dbsqlc.ListEventsRow) webhook.Event {
	return webhook.Event{
		ID: r.ID.Bytes, ExternalID: r.ExternalID, WorkspaceID: ws, Type: r.Type, CreatedAt: r.CreatedAt.Time.UTC(),
		Body: r.Body, Deliveries: int(r.Deliveries), Options: optionsOf(r.EndpointIds, r.DeliverAt, r.OrderingKey),
	}
}

// ofType looks for the events of a page.
func (s *Events) ofType(ctx context.Context, arg *dbsqlc.ListEventsParams, eventType string, limit int) ([]pgtype.UUID, webhook.ID, error) {
	ids, next, err := walk(ctx, arg.Lo, arg.Hi, limit, stepsInARow, func(ctx context.Context, lo, hi pgtype.UUID, most, limit int32) ([]step, error) {
		rows, err := s.db.q.WalkEvents(ctx, dbsqlc.WalkEventsParams{
			WorkspaceID: arg.WorkspaceID, Lo: lo, Hi: hi, Type: eventType, Most: most, RowLimit: limit,
		})
		steps := make([]step, len(rows))
		for i, r := range rows {
			steps[i] = step{r.ID.Bytes, r.Matches, r.Last}
		}
		return steps, err
	})
	if err != nil {
		return nil, next, fmt.Errorf("look for events of type %s in workspace %s: %w", eventType, arg.WorkspaceID, available(err))
	}
	return ids, next, nil
}
