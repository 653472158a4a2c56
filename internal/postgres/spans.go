package postgres

import (
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/postrider/postrider/internal/webhook"
)

const (
	// spread is how far apart a span's deliveries were accepted, at most.
	spread = time.Second
	// rowsEach bounds what a span reads: so many rows for each of its deliveries.
	rowsEach = 4
)

// spans are ranges of ids, one a workspace.
type spans struct {
	workspaces    []string
	firsts, lasts []pgtype.UUID
	mosts         []int32 // rows that are read of each
	deliveries    int     // that lie in them
}

// spansOf leaves out the deliveries of a workspace which are too far apart.
func spansOf(k *keys) *spans {
	found := make(map[string][]pgtype.UUID, 1)
	for i, ws := range k.workspaces {
		found[ws] = append(found[ws], k.ids[i])
	}
	near := &spans{}
	for ws, ids := range found {
		first, last := bounds(ids)
		if webhook.ID(last.Bytes).Time().Sub(webhook.ID(first.Bytes).Time()) > spread {
			continue
		}
		near.workspaces = append(near.workspaces, ws)
		near.firsts, near.lasts = append(near.firsts, first), append(near.lasts, last)
		near.mosts = append(near.mosts, int32(rowsEach*len(ids)))
		near.deliveries += len(ids)
	}
	return near
}
