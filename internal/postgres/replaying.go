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

// replayPage is how many deliveries a step makes, or events it looks at.
const replayPage = 500

// Unfinished returns the replays that are not over, the oldest first.
func (s *Replays) Unfinished(ctx context.Context, limit int) ([]webhook.ID, error) {
	rows, err := s.db.q.RunningReplays(ctx, int32(limit))
	if err != nil {
		return nil, fmt.Errorf("find running replays: %w", available(err))
	}
	out := make([]webhook.ID, len(rows))
	for i, id := range rows {
		out[i] = id.Bytes
	}
	return out, nil
}

// Step makes a replay's next deliveries, at most 500, in one transaction with its
// position: killed at any moment it goes on where it was. wants makes of an
// endpoint the question whether it matches an event. It returns how many were
// made, and does nothing where the replay is over or another scheduler's.
func (s *Replays) Step(ctx context.Context, id webhook.ID, wants func(*webhook.Endpoint) (webhook.Wants, error)) (made int, err error) {
	err = s.db.inTx(ctx, func(q *dbsqlc.Queries, _ pgx.Tx) error {
		row, err := q.LockReplay(ctx, pgID(id))
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		r := replayOf(&row)
		page, err := s.nextPage(ctx, q, &r, row.Position, row.EndID, wants)
		if webhook.CodeOf(err) == webhook.CodeNotFound {
			return q.StopReplay(ctx, pgID(id))
		}
		if err != nil {
			return err
		}
		if err := insertReplayed(ctx, q, &r, page.rows); err != nil {
			return err
		}
		made = len(page.rows)
		return q.MoveReplay(ctx, dbsqlc.MoveReplayParams{ID: pgID(id), Made: int64(made), Position: page.position, Finished: page.last})
	})
	if err != nil {
		return 0, fmt.Errorf("replay %s: %w", id, err)
	}
	return made, nil
}

// RemoveEnded forgets replays that ended and are older than before.
func (s *Replays) RemoveEnded(ctx context.Context, before time.Time) error {
	if _, err := s.db.q.RemoveOldReplays(ctx, pgID(webhook.FirstID(before))); err != nil {
		return fmt.Errorf("remove old replays: %w", available(err))
	}
	return nil
}

// replayed is a page of what a replay makes.
type replayed struct {
	rows     []replayRow
	position pgtype.UUID // the last one looked at
	last     bool        // nothing is left after it
}

type replayRow struct {
	event, endpoint webhook.ID
	eventType       string
}

func (s *Replays) nextPage(ctx context.Context, q *dbsqlc.Queries, r *webhook.Replay, position, end pgtype.UUID, wants func(*webhook.Endpoint) (webhook.Wants, error)) (*replayed, error) {
	if r.DeliveryIDs != nil {
		return chosenPage(ctx, q, r, position.Bytes)
	}
	return s.page(ctx, q, r, position, end, wants)
}

// page is not_found when the endpoint was deleted.
func (s *Replays) page(ctx context.Context, q *dbsqlc.Queries, r *webhook.Replay, position, end pgtype.UUID, wants func(*webhook.Endpoint) (webhook.Wants, error)) (*replayed, error) {
	endpoint, err := q.SubscriptionOf(ctx, dbsqlc.SubscriptionOfParams{WorkspaceID: string(r.WorkspaceID), ID: pgID(r.EndpointID)})
	if err != nil {
		return nil, notFound(err, "endpoint")
	}
	if !r.Missing() {
		return replayablePage(ctx, q, r, position, end)
	}
	ask, err := wants(&webhook.Endpoint{ID: r.EndpointID, WorkspaceID: r.WorkspaceID, Events: endpoint.Events, Filters: endpoint.Filters})
	if err != nil {
		return nil, err
	}
	return missingPage(ctx, q, r, position, end, replayPage, ask)
}

func replayablePage(ctx context.Context, q *dbsqlc.Queries, r *webhook.Replay, position, end pgtype.UUID) (*replayed, error) {
	rows, err := q.ReplayableDeliveries(ctx, dbsqlc.ReplayableDeliveriesParams{
		EndpointID: pgID(r.EndpointID), After: position, Until: end, ReplayID: pgID(r.ID),
		Statuses: statusStrings(r.Statuses), Types: orNone(r.Types), N: replayPage,
	})
	if err != nil {
		return nil, err
	}
	page := &replayed{position: position, last: len(rows) < replayPage}
	for _, row := range rows {
		page.rows = append(page.rows, replayRow{row.EventID.Bytes, r.EndpointID, row.EventType})
		page.position = row.ID
	}
	return page, nil
}

func missingPage(ctx context.Context, q *dbsqlc.Queries, r *webhook.Replay, position, end pgtype.UUID, limit int, wants webhook.Wants) (*replayed, error) {
	rows, err := q.MissingEvents(ctx, dbsqlc.MissingEventsParams{
		WorkspaceID: string(r.WorkspaceID), EndpointID: pgID(r.EndpointID), After: position, Until: end,
		Types: orNone(r.Types), N: int32(limit),
	})
	if err != nil {
		return nil, err
	}
	page := &replayed{position: position, last: len(rows) < limit}
	for _, row := range rows {
		page.position = row.ID
		if wants(row.Type, webhook.DataOf(row.Body, r.WorkspaceID)) {
			page.rows = append(page.rows, replayRow{row.ID.Bytes, r.EndpointID, row.Type})
		}
	}
	return page, nil
}

// insertReplayed makes the deliveries.
func insertReplayed(ctx context.Context, q *dbsqlc.Queries, r *webhook.Replay, rows []replayRow) error {
	if len(rows) == 0 {
		return nil
	}
	p := dbsqlc.InsertReplayedParams{WorkspaceID: string(r.WorkspaceID), ReplayID: pgID(r.ID)}
	ids := webhook.NewReplayedIDs(r.ID.Time())
	for _, row := range rows {
		p.Ids = append(p.Ids, pgID(ids.Next(row.event)))
		p.EventIds = append(p.EventIds, pgID(row.event))
		p.EndpointIds = append(p.EndpointIds, pgID(row.endpoint))
		p.EventTypes = append(p.EventTypes, row.eventType)
	}
	return q.InsertReplayed(ctx, p)
}
