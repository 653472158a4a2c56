package postgres

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/webhook"
)

// hasKeys reports whether any event of the group has an ordering key.
func hasKeys(g *webhook.Group) bool {
	for i := range g.Events {
		if g.Events[i].OrderingKey != "" {
			return true
		}
	}
	return false
}

// insertOrdered stores the group's deliveries with an ordering key. It comes last in
// the transaction, for it locks their lines until the commit. Those behind others
// are marked as waiting.
func insertOrdered(ctx context.Context, q *dbsqlc.Queries, tx pgx.Tx, g *webhook.Group, dups map[webhook.ID]webhook.Event) error {
	if !hasKeys(g) {
		return nil
	}
	turns, places := newTurns(g, dups)
	for len(turns) > 0 {
		// Lines are sorted over the whole, so that those of the last statement come
		// after those of the first.
		n := min(len(turns), maxInsert)
		for n < len(turns) && byLine(turns[n-1], turns[n]) == 0 {
			n++
		}
		if err := insertTurns(ctx, q, tx, g, turns[:n], places); err != nil {
			return err
		}
		turns = turns[n:]
	}
	return nil
}

// newTurns are the ordered deliveries by line, each line's in the order of the group.
func newTurns(g *webhook.Group, dups map[webhook.ID]webhook.Event) (turns []turn, places map[webhook.ID]int) {
	places = make(map[webhook.ID]int)
	for i := range g.Deliveries {
		d := &g.Deliveries[i]
		e := &g.Events[d.Event]
		d.Waits = false // of a try before this one
		if _, dup := dups[e.ID]; dup || e.OrderingKey == "" {
			continue
		}
		places[d.ID] = i
		turns = append(turns, turn{
			Member: webhook.Member{DeliveryID: d.ID, EndpointID: d.EndpointID, EventID: e.ID, WorkspaceID: e.WorkspaceID},
			key:    e.OrderingKey, bulk: d.Bulk,
		})
	}
	slices.SortStableFunc(turns, byLine)
	return turns, places
}

func insertTurns(ctx context.Context, q *dbsqlc.Queries, tx pgx.Tx, g *webhook.Group, turns []turn, places map[webhook.ID]int) error {
	heads, err := takeTurns(ctx, q, turns)
	if err != nil {
		return err
	}
	var p dbsqlc.InsertOrderedParams
	var waiting []turn
	for i := range turns {
		t := &turns[i]
		d := &g.Deliveries[places[t.DeliveryID]]
		if d.Waits = t.seq != heads[t.line()]; d.Waits {
			waiting = append(waiting, *t)
			p.Tasks = append(p.Tasks, "")
		} else {
			p.Tasks = append(p.Tasks, d.Task)
		}
		p.Ids = append(p.Ids, pgID(t.DeliveryID))
		p.WorkspaceIds = append(p.WorkspaceIds, string(t.WorkspaceID))
		p.EventIds = append(p.EventIds, pgID(t.EventID))
		p.EndpointIds = append(p.EndpointIds, pgID(t.EndpointID))
		p.EventTypes = append(p.EventTypes, g.Events[d.Event].Type)
		p.Bulks = append(p.Bulks, d.Bulk)
		p.OrderingKeys = append(p.OrderingKeys, t.key)
		p.Seqs = append(p.Seqs, t.seq)
		p.Waits = append(p.Waits, d.Waits)
	}
	b := &pgx.Batch{}
	b.Queue(dbsqlc.InsertOrdered, p.Ids, p.WorkspaceIds, p.EventIds, p.EndpointIds, p.EventTypes, p.Tasks, p.Bulks, p.OrderingKeys, p.Seqs, p.Waits)
	if len(waiting) > 0 {
		queueJoins(b, waiting)
	}
	return tx.SendBatch(ctx, b).Close()
}

func queueJoins(b *pgx.Batch, waiting []turn) {
	p := joinColumns(waiting)
	b.Queue(dbsqlc.JoinLine, p.EndpointIds, p.OrderingKeys, p.Seqs, p.DeliveryIds, p.WorkspaceIds, p.EventIds, p.Bulks)
}

// takeTurns numbers the turns and returns whose turn it is in each line.
func takeTurns(ctx context.Context, q *dbsqlc.Queries, turns []turn) (map[keyLine]int64, error) {
	var p dbsqlc.TakeTurnsParams
	for i := range turns {
		if i > 0 && byLine(turns[i-1], turns[i]) == 0 {
			p.Ns[len(p.Ns)-1]++
			continue
		}
		p.EndpointIds = append(p.EndpointIds, pgID(turns[i].EndpointID))
		p.OrderingKeys = append(p.OrderingKeys, turns[i].key)
		p.WorkspaceIds = append(p.WorkspaceIds, string(turns[i].WorkspaceID))
		p.FirstIds = append(p.FirstIds, pgID(turns[i].DeliveryID))
		p.Ns = append(p.Ns, 1)
	}
	rows, err := q.TakeTurns(ctx, p)
	if err != nil {
		return nil, err
	}
	heads, last := make(map[keyLine]int64, len(rows)), make(map[keyLine]int64, len(rows))
	for _, r := range rows {
		l := keyLine{r.EndpointID.Bytes, r.OrderingKey}
		heads[l], last[l] = r.HeadSeq, r.LastSeq
	}
	for i := len(turns) - 1; i >= 0; i-- {
		l := turns[i].line()
		turns[i].seq = last[l]
		last[l]--
	}
	return heads, nil
}

// announceAll unmarks what waits: who is whose head is not known after a commit whose
// answer got lost. Workers drop what their row does not give to them.
func announceAll(g *webhook.Group) {
	for i := range g.Deliveries {
		g.Deliveries[i].Waits = false
	}
}
