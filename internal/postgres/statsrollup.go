package postgres

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/webhook"
)

// rollupPage bounds what is read at once: endpoints, each with up to a day's hours.
const rollupPage = 500

// RollUp adds up the hours of the oldest quarter of a day, or whole day, that is long over
// and whose rollups are out of date, and reports whether there was one.
func (s *Stats) RollUp(ctx context.Context, now time.Time) (rolled bool, err error) {
	err = s.locked(ctx, func(q *dbsqlc.Queries) error {
		rows, err := q.Unrolled(ctx, mergeBefore(now))
		if err != nil || len(rows) == 0 {
			return err
		}
		rolled = true
		return rollUp(ctx, q, rows[0])
	})
	if err != nil {
		return false, fmt.Errorf("roll up stats: %w", err)
	}
	return rolled, nil
}

func rollUp(ctx context.Context, q *dbsqlc.Queries, u dbsqlc.StatsUnrolled) error {
	p := dbsqlc.AddRollupsParams{WorkspaceID: u.WorkspaceID, Minutes: u.Minutes, StartMinute: u.EndMinute - int32(u.Minutes)}
	err := q.RemoveRollups(ctx, dbsqlc.RemoveRollupsParams{WorkspaceID: p.WorkspaceID, Minutes: p.Minutes, StartMinute: p.StartMinute})
	if err != nil {
		return err
	}
	for after, more := (pgtype.UUID{}), true; more; {
		rows, err := q.MergedOf(ctx, dbsqlc.MergedOfParams{
			WorkspaceID: u.WorkspaceID, StartMinute: p.StartMinute, EndMinute: u.EndMinute, After: after, N: rollupPage,
		})
		if err != nil {
			return err
		}
		p.EndpointIds, p.Packed = p.EndpointIds[:0], p.Packed[:0]
		for _, row := range rows {
			after = row.EndpointID
			if len(row.Packed) > 0 {
				p.EndpointIds, p.Packed = append(p.EndpointIds, row.EndpointID), append(p.Packed, addUp(row.Packed))
			}
		}
		if err := q.AddRollups(ctx, p); err != nil {
			return err
		}
		more = len(rows) == rollupPage
	}
	return q.Rolled(ctx, dbsqlc.RolledParams(u))
}

// addUp makes one of what is packed one after another.
func addUp(packed []byte) (sum []byte) {
	t := webhook.Tally{}
	unpack(packed, &t)
	for cell, n := range t.Cells() {
		sum = appendCell(sum, cell, n)
	}
	return sum
}

// packedCell is how many bytes a cell and its count take, see stats_pack.
const packedCell = 6

func appendCell(packed []byte, c webhook.Cell, n int64) []byte {
	packed = binary.BigEndian.AppendUint16(packed, uint16(c))
	return binary.BigEndian.AppendUint32(packed, uint32(n))
}

// unpack adds what is packed to a tally.
func unpack(packed []byte, to *webhook.Tally) {
	for ; len(packed) >= packedCell; packed = packed[packedCell:] {
		to.Add(webhook.Cell(binary.BigEndian.Uint16(packed)), int64(binary.BigEndian.Uint32(packed[2:])))
	}
}
