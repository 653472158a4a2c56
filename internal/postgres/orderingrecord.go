package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postrider/postrider/internal/webhook"
)

// commitBatch commits a group of outcomes. Where some of them may end the head of
// an ordering key, the next of that key gets its turn in the same transaction; all
// other groups pay nothing for it.
func (s *Deliver) commitBatch(ctx context.Context, b *pgx.Batch, successes, failures []*entry) error {
	ending := append(ordered(successes), ordered(failures)...)
	if len(ending) == 0 {
		return s.db.send(ctx, b)
	}
	turns := make([]turn, len(ending))
	for i, e := range ending {
		e.Turn.Next = nil // of a try before this one
		turns[i] = turn{Member: e.Delivery, key: e.Turn.Key, seq: e.Turn.Seq}
	}
	tasks := headTasks{now: time.Now(), shards: s.db.shards, open: make(map[webhook.Lane]*webhook.Chunk)}
	next := make(map[keyLine]webhook.Chunk, len(turns))
	err := pgx.BeginFunc(ctx, s.db.pool, func(tx pgx.Tx) error {
		q := s.db.q.WithTx(tx)
		if _, err := lockTurns(ctx, q, turns); err != nil {
			return err
		}
		if err := tx.SendBatch(ctx, b).Close(); err != nil {
			return err
		}
		var ended []turn
		for i, e := range ending {
			if *e.matched || e.Status == webhook.StatusSuccess {
				ended = append(ended, turns[i])
			}
		}
		return passOn(ctx, q, ended, func(t *turn) string {
			task := tasks.name(t)
			next[t.line()] = webhook.Chunk{Task: task, Members: []webhook.Member{t.Member}}
			return task
		})
	})
	if err != nil {
		return err
	}
	for i, e := range ending {
		if c, ok := next[turns[i].line()]; ok {
			e.Turn.Next = &c
			delete(next, turns[i].line())
		}
	}
	return nil
}

// ordered are the entries that end a delivery with an ordering key.
func ordered(entries []*entry) (out []*entry) {
	for _, e := range entries {
		if e.Turn != nil && e.Status != webhook.StatusPending {
			out = append(out, e)
		}
	}
	return out
}

// headTasks names the tasks of new heads: a lane's are shared by as many as a chunk
// may have.
type headTasks struct {
	now    time.Time
	shards webhook.Shards
	open   map[webhook.Lane]*webhook.Chunk
}

func (h *headTasks) name(t *turn) string {
	lane := webhook.LaneDeliver
	if t.bulk {
		lane = webhook.LaneBulk
	}
	c := h.open[lane]
	if c == nil || len(c.Members) == webhook.MaxChunkMembers {
		c = &webhook.Chunk{Task: h.shards.NewTask(lane, h.now)}
		h.open[lane] = c
	}
	c.Members = append(c.Members, t.Member)
	return c.Task
}
