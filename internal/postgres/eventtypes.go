package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/webhook"
)

// EventTypes stores the catalogue. Every change moves the workspace's
// types_version, in the change's transaction.
type EventTypes struct{ db *DB }

// NewEventTypes makes the store on db.
func NewEventTypes(db *DB) *EventTypes { return &EventTypes{db} }

// Put stores an event type under its name and returns it as stored; created says
// that there was none. A replaced one keeps its id. It is not_found when the
// workspace is.
func (s *EventTypes) Put(ctx context.Context, t webhook.EventType) (out webhook.EventType, created bool, err error) {
	err = s.change(ctx, t.WorkspaceID, func(q *dbsqlc.Queries, version int64) error {
		before, err := eventTypeNamed(ctx, q, t.WorkspaceID, t.Name)
		if err != nil && webhook.CodeOf(err) != webhook.CodeNotFound {
			return err
		}
		r, err := q.PutEventType(ctx, dbsqlc.PutEventTypeParams{
			WorkspaceID: string(t.WorkspaceID), Name: t.Name, ID: pgID(t.ID), Description: t.Description,
			Schema: t.Schema, Example: t.Example, Validation: string(t.Validation), Version: version,
		})
		if err != nil {
			return err
		}
		out = t
		out.ID, out.Version, out.UpdatedAt = r.ID.Bytes, version, r.UpdatedAt.Time.UTC()
		if created = out.ID == t.ID; !created {
			return s.db.note(ctx, q, t.WorkspaceID, eventTypeTarget(t.Name), webhook.EventTypeChanges(&before, &t)...)
		}
		if err := refuseTooMany(ctx, q, t.WorkspaceID); err != nil {
			return err
		}
		return s.db.note(ctx, q, t.WorkspaceID, eventTypeTarget(t.Name), webhook.EventTypeChanges(nil, &t)...)
	})
	if err != nil {
		return webhook.EventType{}, false, fmt.Errorf("put event type %s: %w", t.Name, err)
	}
	return out, created, nil
}

func refuseTooMany(ctx context.Context, q *dbsqlc.Queries, ws webhook.WorkspaceID) error {
	n, err := q.CountEventTypes(ctx, string(ws))
	if err != nil {
		return err
	}
	if n > webhook.MaxEventTypes {
		return webhook.Errorf(webhook.CodeConflict, "a workspace has at most %d event types", webhook.MaxEventTypes)
	}
	return nil
}

// change runs fn in a transaction that has taken the workspace's next version.
func (s *EventTypes) change(ctx context.Context, ws webhook.WorkspaceID, fn func(*dbsqlc.Queries, int64) error) error {
	return s.db.inTx(ctx, func(q *dbsqlc.Queries, _ pgx.Tx) error {
		version, err := q.NextTypesVersion(ctx, string(ws))
		if err != nil {
			return notFound(err, "workspace")
		}
		return fn(q, version)
	})
}

// Get returns one event type.
func (s *EventTypes) Get(ctx context.Context, ws webhook.WorkspaceID, name string) (webhook.EventType, error) {
	return eventTypeNamed(ctx, s.db.q, ws, name)
}

func eventTypeTarget(name string) webhook.Target {
	return webhook.Target{Kind: webhook.KindEventType, ID: name}
}

func eventTypeNamed(ctx context.Context, q *dbsqlc.Queries, ws webhook.WorkspaceID, name string) (webhook.EventType, error) {
	r, err := q.EventTypeByName(ctx, dbsqlc.EventTypeByNameParams{WorkspaceID: string(ws), Name: name})
	if err != nil {
		return webhook.EventType{}, fmt.Errorf("read event type %s: %w", name, notFound(err, "event type"))
	}
	return webhook.EventType{
		WorkspaceID: ws, Name: r.Name, ID: r.ID.Bytes, Description: r.Description, Schema: r.Schema, Example: r.Example,
		Validation: webhook.Validation(r.Validation), Version: r.Version, UpdatedAt: r.UpdatedAt.Time.UTC(),
	}, nil
}

// List returns a workspace's event types, newest first. A page of large ones ends
// before its limit.
func (s *EventTypes) List(ctx context.Context, ws webhook.WorkspaceID, p webhook.Page) (all []webhook.EventType, more bool, err error) {
	rows, err := s.db.q.ListEventTypes(ctx, dbsqlc.ListEventTypesParams{
		WorkspaceID: string(ws), Before: before(p), RowLimit: int32(p.Limit + 1), MaxBytes: maxPageBytes,
	})
	if err != nil {
		return nil, false, fmt.Errorf("list event types of workspace %s: %w", ws, available(err))
	}
	more = len(rows) > 0 && int64(len(rows)) < rows[0].Total
	rows, beyond := cut(rows, p.Limit)
	for _, r := range rows {
		all = append(all, webhook.EventType{
			WorkspaceID: ws, Name: r.Name, ID: r.ID.Bytes, Description: r.Description, Schema: r.Schema, Example: r.Example,
			Validation: webhook.Validation(r.Validation), Version: r.Version, UpdatedAt: r.UpdatedAt.Time.UTC(),
		})
	}
	return all, more || beyond, nil
}

// Delete takes an event type out of the catalogue.
func (s *EventTypes) Delete(ctx context.Context, ws webhook.WorkspaceID, name string) error {
	err := s.change(ctx, ws, func(q *dbsqlc.Queries, _ int64) error {
		n, err := q.DeleteEventType(ctx, dbsqlc.DeleteEventTypeParams{WorkspaceID: string(ws), Name: name})
		if err := someRow(n, err, "event type"); err != nil {
			return err
		}
		return s.db.note(ctx, q, ws, eventTypeTarget(name))
	})
	if err != nil {
		return fmt.Errorf("delete event type %s: %w", name, err)
	}
	return nil
}
