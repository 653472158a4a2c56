package postgres

import (
	"context"

	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/webhook"
)

// cancelOrdered is Cancel for a delivery with an ordering key.
func cancelOrdered(ctx context.Context, q *dbsqlc.Queries, ws webhook.WorkspaceID, id webhook.ID) (n int64, err error) {
	turns, err := turnsOf(ctx, q, []taskRow{{workspace: ws, id: id}})
	if err != nil || len(turns) == 0 {
		return 0, err
	}
	err = ending(ctx, q, turns, false, func() (err error) {
		n, err = q.CancelDelivery(ctx, dbsqlc.CancelDeliveryParams{WorkspaceID: string(ws), ID: pgID(id), Reason: reasonCanceled, InTurn: true})
		return err
	})
	return n, err
}

// retryOrdered is Retry for a delivery with an ordering key. One that the line has
// passed goes at once and alone, as does one of an idle key; one that was canceled
// while it waited is back in its place.
func retryOrdered(ctx context.Context, q *dbsqlc.Queries, ws webhook.WorkspaceID, id webhook.ID) (int64, error) {
	turns, err := turnsOf(ctx, q, []taskRow{{workspace: ws, id: id}})
	if err != nil || len(turns) == 0 {
		return 0, err
	}
	heads, err := lockTurns(ctx, q, turns)
	if err != nil {
		return 0, err
	}
	lo, hi := dayBounds(id.Day())
	if head := heads[turns[0].line()]; head == 0 || turns[0].seq <= head {
		return q.RetryDelivery(ctx, dbsqlc.RetryDeliveryParams{WorkspaceID: string(ws), ID: pgID(id), Lo: lo, Hi: hi, InTurn: true})
	}
	n, err := q.RetryInLine(ctx, dbsqlc.RetryInLineParams{WorkspaceID: string(ws), ID: pgID(id), Lo: lo, Hi: hi})
	if err != nil || n == 0 {
		return 0, err
	}
	return n, joinLine(ctx, q, turns)
}
