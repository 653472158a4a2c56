package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/webhook"
)

// chosenStep is how many chosen deliveries a step makes again: few, so that who cancels
// the replay of a wrong choice still comes in time.
const chosenStep = 25

// Chosen returns which of some deliveries exist, in their order.
func (s *Replays) Chosen(ctx context.Context, ws webhook.WorkspaceID, ids []webhook.ID) ([]webhook.Chosen, error) {
	all, err := chosen(ctx, s.db.q, ws, ids)
	if err != nil {
		return nil, fmt.Errorf("look up %d deliveries: %w", len(ids), available(err))
	}
	return all, nil
}

func chosen(ctx context.Context, q *dbsqlc.Queries, ws webhook.WorkspaceID, ids []webhook.ID) ([]webhook.Chosen, error) {
	wanted := pgIDs(ids, sameID)
	lo, hi := bounds(wanted)
	rows, err := q.ChosenDeliveries(ctx, dbsqlc.ChosenDeliveriesParams{WorkspaceID: string(ws), Ids: wanted, Lo: lo, Hi: hi})
	out := make([]webhook.Chosen, len(rows))
	for i, r := range rows {
		out[i] = webhook.Chosen{ID: r.ID.Bytes, EventID: r.EventID.Bytes, EndpointID: r.EndpointID.Bytes, EventType: r.EventType, Again: r.Again}
	}
	return out, err
}

// chosenPage leaves out what can't be made again by now: somebody retried it, or its
// endpoint was deleted.
func chosenPage(ctx context.Context, q *dbsqlc.Queries, r *webhook.Replay, position webhook.ID) (*replayed, error) {
	left := r.DeliveryIDs
	for len(left) > 0 && compareIDs(left[0], position) <= 0 {
		left = left[1:]
	}
	page := &replayed{position: pgID(position), last: len(left) <= chosenStep}
	if left = left[:min(len(left), chosenStep)]; len(left) == 0 {
		return page, nil
	}
	page.position = pgID(left[len(left)-1])
	all, err := chosen(ctx, q, r.WorkspaceID, left)
	for _, d := range all {
		if d.Again {
			page.rows = append(page.rows, replayRow{d.EventID, d.EndpointID, d.EventType})
		}
	}
	return page, err
}

// orNoIDs is NULL for none.
func orNoIDs(ids []webhook.ID) []pgtype.UUID {
	if ids == nil {
		return nil
	}
	return pgIDs(ids, sameID)
}
