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
func spansOf(all []*webhook.Member) *spans {
	type span struct {
		first, last webhook.ID
		deliveries  int
	}
	found := make(map[webhook.WorkspaceID]*span, 1)
	for _, m := range all {
		s := found[m.WorkspaceID]
		if s == nil {
			s = &span{first: m.DeliveryID, last: m.DeliveryID}
			found[m.WorkspaceID] = s
		}
		if compareIDs(m.DeliveryID, s.first) < 0 {
			s.first = m.DeliveryID
		}
		if compareIDs(m.DeliveryID, s.last) > 0 {
			s.last = m.DeliveryID
		}
		s.deliveries++
	}
	near := &spans{}
	for ws, s := range found {
		if s.last.Time().Sub(s.first.Time()) > spread {
			continue
		}
		near.workspaces = append(near.workspaces, string(ws))
		near.firsts, near.lasts = append(near.firsts, pgID(s.first)), append(near.lasts, pgID(s.last))
		near.mosts = append(near.mosts, int32(rowsEach*s.deliveries))
		near.deliveries += s.deliveries
	}
	return near
}
