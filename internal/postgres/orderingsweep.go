package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/webhook"
)

// Ordering implements the look after the lines of ordering keys.
type Ordering struct{ db *DB }

// NewOrdering makes the store on db.
func NewOrdering(db *DB) *Ordering { return &Ordering{db} }

// Sweep looks at up to limit lines after the one given. See recovery.OrderingStore.
func (s *Ordering) Sweep(ctx context.Context, after webhook.Line, limit int) (webhook.Swept, error) {
	swept, err := s.sweep(ctx, after, limit)
	if err != nil {
		return webhook.Swept{}, fmt.Errorf("sweep the lines of ordering keys: %w", available(err))
	}
	return swept, nil
}

func (s *Ordering) sweep(ctx context.Context, after webhook.Line, limit int) (out webhook.Swept, err error) {
	rows, err := s.db.q.KeysAfter(ctx, dbsqlc.KeysAfterParams{AfterEndpoint: pgID(after.EndpointID), AfterKey: after.Key, N: int32(limit)})
	if err != nil || len(rows) == 0 {
		return out, err
	}
	stuck, err := s.stuck(ctx, rows)
	if err != nil {
		return out, err
	}
	for i := range stuck {
		if err := s.mend(ctx, &stuck[i], &out); err != nil {
			return out, err
		}
	}
	if out.Forgotten, err = s.forget(ctx, rows); err != nil {
		return out, err
	}
	if len(rows) == limit {
		last := rows[len(rows)-1]
		out.Last = webhook.Line{EndpointID: last.EndpointID.Bytes, Key: last.OrderingKey}
	}
	return out, nil
}

// stuck are the lines whose head has ended, or waits for itself, or that have none.
func (s *Ordering) stuck(ctx context.Context, rows []dbsqlc.KeysAfterRow) (stuck []turn, err error) {
	var heads []taskRow
	for _, r := range rows {
		if r.HeadID.Valid {
			heads = append(heads, taskRow{workspace: webhook.WorkspaceID(r.WorkspaceID), id: r.HeadID.Bytes})
		}
	}
	live := make(map[webhook.ID]bool, len(heads))
	err = eachDay(heads, func(d dayRows) error {
		ids, err := s.db.q.LiveHeads(ctx, dbsqlc.LiveHeadsParams{Lo: d.lo, Hi: d.hi, WorkspaceIds: d.workspaces, Ids: d.ids})
		for _, id := range ids {
			live[id.Bytes] = true
		}
		return err
	})
	for _, r := range rows {
		if r.HeadID.Valid && !live[r.HeadID.Bytes] || r.Lost {
			stuck = append(stuck, turn{
				Member: webhook.Member{
					DeliveryID: r.HeadID.Bytes, EndpointID: r.EndpointID.Bytes, WorkspaceID: webhook.WorkspaceID(r.WorkspaceID),
				},
				key: r.OrderingKey, seq: deref(r.HeadSeq),
			})
		}
	}
	return stuck, err
}

// mend looks at a line again, with it locked, and passes its turn on.
func (s *Ordering) mend(ctx context.Context, t *turn, out *webhook.Swept) error {
	passed := 0
	err := s.db.inTx(ctx, func(q *dbsqlc.Queries, _ pgx.Tx) error {
		passed = 0
		only := []turn{*t}
		heads, err := lockTurns(ctx, q, only)
		if err != nil {
			return err
		}
		if head, ok := heads[t.line()]; !ok || head != t.seq {
			return nil // it moved meanwhile
		}
		if t.seq != 0 {
			// A head that waits for itself is given its turn and has not ended then.
			if only, err = giveTurns(ctx, q, only, nil); err != nil {
				return err
			}
		}
		passed = 1
		return passOn(ctx, q, only, nil)
	})
	out.Passed += passed
	return err
}

// forget removes those of the lines that have been idle for an hour.
func (s *Ordering) forget(ctx context.Context, rows []dbsqlc.KeysAfterRow) (int, error) {
	var idle []turn
	for _, r := range rows {
		if r.HeadSeq == nil && !r.Lost {
			idle = append(idle, turn{Member: webhook.Member{EndpointID: r.EndpointID.Bytes}, key: r.OrderingKey})
		}
	}
	if len(idle) == 0 {
		return 0, nil
	}
	c := columnsOf(idle)
	n, err := s.db.q.RemoveIdleKeys(ctx, dbsqlc.RemoveIdleKeysParams{EndpointIds: c.endpoints, OrderingKeys: c.keys})
	return int(n), err
}
