package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/webhook"
)

// Operations implements the outbox of operational events.
type Operations struct{ db *DB }

// NewOperations makes the store on db.
func NewOperations(db *DB) *Operations { return &Operations{db} }

// Take gives up to limit of what waits to publish, the oldest first, and forgets
// it once that returned nil. What another scheduler has in hand is passed over.
// publish sees the same again, under the same ids, after an error or a crash. It
// returns how many were published.
func (s *Operations) Take(ctx context.Context, limit int, publish func(context.Context, []webhook.Operation) error) (n int, err error) {
	err = s.db.inTx(ctx, func(q *dbsqlc.Queries, _ pgx.Tx) error {
		rows, err := q.TakeOperationalEvents(ctx, int32(limit))
		if n = len(rows); err != nil || n == 0 {
			return err
		}
		ops, err := operations(ctx, q, rows)
		if err != nil {
			return err
		}
		if err := publish(ctx, ops); err != nil {
			return err
		}
		return q.ForgetOperationalEvents(ctx, pgIDs(ops, func(o webhook.Operation) webhook.ID { return o.ID }))
	})
	if err != nil {
		return 0, fmt.Errorf("publish operational events: %w", err)
	}
	return n, nil
}

func operations(ctx context.Context, q *dbsqlc.Queries, rows []dbsqlc.TakeOperationalEventsRow) ([]webhook.Operation, error) {
	names, err := eventNames(ctx, q, rows)
	if err != nil {
		return nil, err
	}
	out := make([]webhook.Operation, len(rows))
	for i, r := range rows {
		o := webhook.Operation{
			ID: r.ID.Bytes, Type: r.Kind, WorkspaceID: webhook.WorkspaceID(r.WorkspaceID), EndpointID: r.EndpointID.Bytes,
			URL: r.Url, DeliveryID: r.DeliveryID.Bytes, Deliveries: int(r.Deliveries), Day: r.Day.Time,
			OccurredAt: r.OccurredAt.Time.UTC(),
		}
		if err := json.Unmarshal(r.Detail, &o.Detail); err != nil {
			return nil, fmt.Errorf("detail of operational event %s: %w", o.ID, err)
		}
		if r.EventID.Valid {
			event := webhook.Event{ID: r.EventID.Bytes, ExternalID: names[r.EventID.Bytes].ExternalID}
			o.EventID, o.EventType = event.PublicID(), names[event.ID].Type
		}
		out[i] = o
	}
	return out, nil
}

// eventNames reads what the events are known by, a day at a time.
func eventNames(ctx context.Context, q *dbsqlc.Queries, rows []dbsqlc.TakeOperationalEventsRow) (map[webhook.ID]dbsqlc.EventNamesRow, error) {
	days := make(map[time.Time]*dbsqlc.EventNamesParams)
	for _, r := range rows {
		if !r.EventID.Valid {
			continue
		}
		day := webhook.ID(r.EventID.Bytes).Day()
		p := days[day]
		if p == nil {
			p = &dbsqlc.EventNamesParams{}
			p.Lo, p.Hi = dayBounds(day)
			days[day] = p
		}
		p.WorkspaceIds = append(p.WorkspaceIds, r.WorkspaceID)
		p.Ids = append(p.Ids, r.EventID)
	}
	names := make(map[webhook.ID]dbsqlc.EventNamesRow)
	for day, p := range days {
		found, err := q.EventNames(ctx, *p)
		if err != nil {
			return nil, fmt.Errorf("read names of events of %s: %w", day.Format(time.DateOnly), err)
		}
		for _, e := range found {
			names[e.ID.Bytes] = e
		}
	}
	return names, nil
}

// Drop forgets what is older than before, and all but the newest keep, without
// publishing it, and returns how many that were.
func (s *Operations) Drop(ctx context.Context, before time.Time, keep int) (int, error) {
	p := dbsqlc.DropOperationalEventsParams{Before: pgID(webhook.FirstID(before)), Keep: int32(keep), N: retentionPage}
	n, err := pages(func() (int64, error) { return s.db.q.DropOperationalEvents(ctx, p) })
	if err != nil {
		return n, fmt.Errorf("drop operational events: %w", available(err))
	}
	return n, nil
}
