package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/webhook"
)

// guardTurns says of those that have an ordering key whether others are before them.
// None of these shares its standing.
func (s *Deliver) guardTurns(ctx context.Context, members []webhook.Member, all webhook.Standings) error {
	var p dbsqlc.HeadsOfParams
	for _, m := range members {
		if st := all[m.DeliveryID]; st != nil && st.Turn != nil {
			p.EndpointIds, p.OrderingKeys = append(p.EndpointIds, pgID(m.EndpointID)), append(p.OrderingKeys, st.Turn.Key)
		}
	}
	if len(p.EndpointIds) == 0 {
		return nil
	}
	rows, err := s.db.q.HeadsOf(ctx, p)
	if err != nil {
		return fmt.Errorf("look whose turn it is: %w", available(err))
	}
	heads := make(map[keyLine]int64, len(rows))
	for _, r := range rows {
		heads[keyLine{r.EndpointID.Bytes, r.OrderingKey}] = deref(r.HeadSeq)
	}
	for _, m := range members {
		if st := all[m.DeliveryID]; st != nil && st.Turn != nil {
			head := heads[keyLine{m.EndpointID, st.Turn.Key}]
			st.Waits = head != 0 && head < st.Turn.Seq
		}
	}
	return nil
}

// Wait puts deliveries that a task holds back into the line of their ordering key:
// others are before them.
func (s *Deliver) Wait(ctx context.Context, members []webhook.Member, task string) error {
	turns, err := turnsOf(ctx, s.db.q, rowsOf(members))
	if err != nil {
		return fmt.Errorf("let %d deliveries wait: %w", len(members), available(err))
	}
	err = s.db.inTx(ctx, func(q *dbsqlc.Queries, _ pgx.Tx) error {
		if _, err := lockTurns(ctx, q, turns); err != nil {
			return err
		}
		waiting := make(map[webhook.ID]bool)
		for _, d := range byDay(turns, func(t *turn) *webhook.Member { return &t.Member }) {
			p := dbsqlc.WaitTurnsParams{Lo: d.lo, Hi: d.hi, WorkspaceIds: d.workspaces, Ids: d.ids, Tasks: repeat(task, len(d.ids))}
			for _, t := range d.all {
				p.EndpointIds, p.OrderingKeys = append(p.EndpointIds, pgID(t.EndpointID)), append(p.OrderingKeys, t.key)
			}
			ids, err := q.WaitTurns(ctx, p)
			if err != nil {
				return err
			}
			for _, id := range ids {
				waiting[id.Bytes] = true
			}
		}
		var back []turn
		for _, t := range turns {
			if waiting[t.DeliveryID] {
				back = append(back, t)
			}
		}
		return joinLine(ctx, q, back)
	})
	if err != nil {
		return fmt.Errorf("let %d deliveries wait: %w", len(members), err)
	}
	return nil
}

func joinLine(ctx context.Context, q *dbsqlc.Queries, turns []turn) error {
	if len(turns) == 0 {
		return nil
	}
	return q.JoinLine(ctx, joinColumns(turns))
}

func joinColumns(turns []turn) dbsqlc.JoinLineParams {
	c := columnsOf(turns)
	p := dbsqlc.JoinLineParams{EndpointIds: c.endpoints, OrderingKeys: c.keys, Seqs: c.seqs}
	for i := range turns {
		p.DeliveryIds = append(p.DeliveryIds, pgID(turns[i].DeliveryID))
		p.WorkspaceIds = append(p.WorkspaceIds, string(turns[i].WorkspaceID))
		p.EventIds = append(p.EventIds, pgID(turns[i].EventID))
		p.Bulks = append(p.Bulks, turns[i].bulk)
	}
	return p
}
