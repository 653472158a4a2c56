package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/webhook"
)

// Replays stores replays and makes their deliveries.
type Replays struct{ db *DB }

// NewReplays makes the store on db.
func NewReplays(db *DB) *Replays { return &Replays{db} }

// Count says how many deliveries the replay would make now. wants says of an
// event whether the endpoint matches it; it is asked for what is missing only.
func (s *Replays) Count(ctx context.Context, r *webhook.Replay, wants webhook.Wants) (int64, error) {
	if r.Missing() {
		return s.countMissing(ctx, r, wants)
	}
	first, end := replayRange(r)
	n, err := s.db.q.CountReplayable(ctx, dbsqlc.CountReplayableParams{
		EndpointID: pgID(r.EndpointID), After: first, Until: end, Statuses: statusStrings(r.Statuses), Types: orNone(r.Types),
	})
	if err != nil {
		return 0, fmt.Errorf("count deliveries to replay: %w", available(err))
	}
	return n, nil
}

// countMissing reads the events in pages, for a filter needs their payload.
func (s *Replays) countMissing(ctx context.Context, r *webhook.Replay, wants webhook.Wants) (n int64, err error) {
	position, end := replayRange(r)
	for {
		page, err := missingPage(ctx, s.db.q, r, position, end, replayPage, wants)
		if err != nil {
			return 0, fmt.Errorf("count missing events: %w", available(err))
		}
		n += int64(len(page.rows))
		if page.last {
			return n, nil
		}
		position = page.position
	}
}

// Create starts a replay.
func (s *Replays) Create(ctx context.Context, r *webhook.Replay) error {
	err := s.db.noted(ctx, r.WorkspaceID, r.ID.AsTarget(webhook.KindReplay), webhook.ReplayChanges(r), func(q *dbsqlc.Queries) error {
		return insertReplay(ctx, q, r)
	})
	if err != nil {
		return fmt.Errorf("create replay %s: %w", r.ID, err)
	}
	return nil
}

func insertReplay(ctx context.Context, q *dbsqlc.Queries, r *webhook.Replay) error {
	first, end := replayRange(r)
	finished, err := q.InsertReplay(ctx, dbsqlc.InsertReplayParams{
		ID: pgID(r.ID), WorkspaceID: string(r.WorkspaceID), EndpointID: orNullID(r.EndpointID), EventID: orNullID(r.EventID),
		FirstID: first, EndID: end, Statuses: statusStrings(r.Statuses), Types: orNone(r.Types),
		Status: string(r.Status), Total: r.Total, Done: r.Done, Position: first,
		DeliveryIds: orNoIDs(r.DeliveryIDs),
	})
	r.FinishedAt = timePtr(finished)
	return err
}

// ReplayEvent makes a delivery of one event to each of the endpoints, and a replay
// that is done.
func (s *Replays) ReplayEvent(ctx context.Context, r *webhook.Replay, eventType string, endpoints []webhook.ID) error {
	rows := make([]replayRow, len(endpoints))
	for i, id := range endpoints {
		rows[i] = replayRow{event: r.EventID, endpoint: id, eventType: eventType}
	}
	r.Total, r.Done, r.Status = int64(len(rows)), int64(len(rows)), webhook.ReplayDone
	err := s.db.noted(ctx, r.WorkspaceID, r.ID.AsTarget(webhook.KindReplay), webhook.ReplayChanges(r), func(q *dbsqlc.Queries) error {
		if err := insertReplay(ctx, q, r); err != nil {
			return err
		}
		return insertReplayed(ctx, q, r, rows)
	})
	if err != nil {
		return fmt.Errorf("replay event %s: %w", r.EventID, err)
	}
	return nil
}

// Endpoints returns which of the endpoints exist in the workspace.
func (s *Replays) Endpoints(ctx context.Context, ws webhook.WorkspaceID, ids []webhook.ID) ([]webhook.ID, error) {
	rows, err := s.db.q.EndpointsOf(ctx, dbsqlc.EndpointsOfParams{WorkspaceID: string(ws), Ids: pgIDs(ids, sameID)})
	if err != nil {
		return nil, fmt.Errorf("look up %d endpoints: %w", len(ids), available(err))
	}
	out := make([]webhook.ID, len(rows))
	for i, id := range rows {
		out[i] = id.Bytes
	}
	return out, nil
}

// Subscribed returns the workspace's active endpoints with ID, Events and Filters.
func (s *Replays) Subscribed(ctx context.Context, ws webhook.WorkspaceID) ([]webhook.Endpoint, error) {
	all, err := NewIngest(s.db).Subscriptions(ctx, []webhook.WorkspaceID{ws})
	return all[ws], err
}

// Get returns a replay as it stands.
func (s *Replays) Get(ctx context.Context, ws webhook.WorkspaceID, id webhook.ID) (webhook.Replay, error) {
	r, err := s.db.read(ctx).ReplayByID(ctx, dbsqlc.ReplayByIDParams{ID: pgID(id), WorkspaceID: string(ws)})
	if err != nil {
		return webhook.Replay{}, fmt.Errorf("read replay %s: %w", id, notFound(err, "replay"))
	}
	return replayOf(&r), nil
}

// List returns a workspace's replays, newest first.
func (s *Replays) List(ctx context.Context, ws webhook.WorkspaceID, p webhook.Page) (all []webhook.Replay, more bool, err error) {
	rows, err := s.db.q.ListReplays(ctx, dbsqlc.ListReplaysParams{WorkspaceID: string(ws), Before: before(p), RowLimit: int32(p.Limit + 1)})
	if err != nil {
		return nil, false, fmt.Errorf("list replays of workspace %s: %w", ws, available(err))
	}
	rows, more = cut(rows, p.Limit)
	for i := range rows {
		all = append(all, replayOf(&rows[i]))
	}
	return all, more, nil
}

// Cancel ends a running replay: it makes no more deliveries. Those it made go on.
// It is a conflict when the replay has ended.
func (s *Replays) Cancel(ctx context.Context, ws webhook.WorkspaceID, id webhook.ID) (webhook.Replay, error) {
	var n int64
	err := s.db.inTx(ctx, func(q *dbsqlc.Queries, _ pgx.Tx) (err error) {
		if n, err = q.CancelReplay(ctx, dbsqlc.CancelReplayParams{ID: pgID(id), WorkspaceID: string(ws)}); err != nil || n == 0 {
			return err
		}
		return s.db.note(ctx, q, ws, id.AsTarget(webhook.KindReplay), webhook.StatusChange(webhook.ReplayCanceled))
	})
	if err != nil {
		return webhook.Replay{}, fmt.Errorf("cancel replay %s: %w", id, err)
	}
	r, err := s.Get(ctx, ws, id)
	if err == nil && n == 0 {
		err = &webhook.Error{Code: webhook.CodeConflict, Detail: "the replay has ended: it is " + string(r.Status)}
	}
	return r, err
}

func replayOf(r *dbsqlc.Replay) webhook.Replay {
	out := webhook.Replay{
		ID: r.ID.Bytes, WorkspaceID: webhook.WorkspaceID(r.WorkspaceID), EndpointID: r.EndpointID.Bytes, EventID: r.EventID.Bytes,
		Since: webhook.ID(r.FirstID.Bytes).Time(), Until: webhook.ID(r.EndID.Bytes).Time(), Types: r.Types,
		Status: webhook.ReplayStatus(r.Status), Total: r.Total, Done: r.Done, FinishedAt: timePtr(r.FinishedAt),
	}
	for _, status := range r.Statuses {
		out.Statuses = append(out.Statuses, webhook.Status(status))
	}
	if r.DeliveryIds != nil {
		out.DeliveryIDs = make([]webhook.ID, len(r.DeliveryIds))
	}
	for i, id := range r.DeliveryIds {
		out.DeliveryIDs[i] = id.Bytes
	}
	return out
}

// replayRange are the ids of the replay's time.
func replayRange(r *webhook.Replay) (first, end pgtype.UUID) {
	return pgID(webhook.FirstID(webhook.CeilMilli(r.Since))), pgID(webhook.FirstID(webhook.CeilMilli(r.Until)))
}

func statusStrings(statuses []webhook.Status) []string {
	out := make([]string, len(statuses))
	for i, s := range statuses {
		out[i] = string(s)
	}
	return out
}

// orNone is an empty array, not NULL.
func orNone(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

func orNullID(id webhook.ID) pgtype.UUID { return pgtype.UUID{Bytes: id, Valid: !id.IsZero()} }
