package postgres

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/webhook"
)

// Live reads a workspace's events for those who watch them come.
type Live struct{ db *DB }

// NewLive makes the store on db.
func NewLive(db *DB) *Live { return &Live{db} }

// Settled is the position that nothing comes in before any more, see [CatchUp].
func (s *Live) Settled(ctx context.Context) (webhook.ID, error) {
	until, err := s.db.q.AcceptedUntil(ctx)
	if err != nil {
		return webhook.ID{}, fmt.Errorf("ask until when all is accepted: %w", available(err))
	}
	return webhook.FirstID(until.Time), nil
}

// After returns what is behind a position, oldest first, n at most. With the zero id
// as the other bound it is all that is there.
func (s *Live) After(ctx context.Context, ws webhook.WorkspaceID, after, until webhook.ID, n int) ([]webhook.EventHead, error) {
	if until.IsZero() {
		// The days to come are empty: none of their tables is to be looked into.
		latest := time.Now()
		if t := after.Time(); t.After(latest) {
			latest = t
		}
		until = webhook.FirstID(latest.Add(clockSlack))
	}
	rows, err := s.db.q.CatchUpEvents(ctx, dbsqlc.CatchUpEventsParams{
		EndpointID: pgID(webhook.ID{}), WorkspaceID: string(ws), After: pgID(after), Until: pgID(until), N: int32(n), // no endpoint's
	})
	if err != nil {
		return nil, fmt.Errorf("read the events of workspace %s behind %s: %w", ws, after, available(err))
	}
	heads := make([]webhook.EventHead, len(rows))
	for i, r := range rows {
		heads[i] = webhook.EventHead{ID: r.ID.Bytes, Type: r.Type, Size: r.Size}
	}
	return heads, nil
}

// Events returns these events, oldest first, with their bodies: how large those are
// in all is for who asks to bound. What is not kept any more is missing.
func (s *Live) Events(ctx context.Context, ws webhook.WorkspaceID, ids []webhook.ID) ([]webhook.Event, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	keys := pgIDs(ids, func(id webhook.ID) webhook.ID { return id })
	lo, hi := around(keys)
	rows, err := s.db.q.ListEvents(ctx, dbsqlc.ListEventsParams{
		WorkspaceID: string(ws), Lo: lo, Hi: hi, Ids: keys, RowLimit: int32(len(keys)), MaxBytes: math.MaxInt64,
	})
	if err != nil {
		return nil, fmt.Errorf("read %d events of workspace %s: %w", len(ids), ws, available(err))
	}
	events := make([]webhook.Event, len(rows))
	for i := range rows {
		events[i] = eventOf(ws, &rows[i])
	}
	slices.Reverse(events)
	return events, nil
}
