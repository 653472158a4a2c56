package deliver

import (
	"context"

	"github.com/postrider/postrider/internal/webhook"
)

// turn is the delivery's place in the line of its ordering key, for the record of
// an outcome; nil without one.
func (m *member) turn() *webhook.Turn {
	t := m.standing.Turn
	if t == nil {
		return nil
	}
	return &webhook.Turn{Key: t.Key, Seq: t.Seq}
}

// wait puts the member back into its line.
func (m *member) wait(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, asideTimeout)
	defer cancel()
	if err := m.run.r.Rows.Wait(ctx, []webhook.Member{m.Member}, m.task); err != nil {
		m.run.r.cfg.Logger.Warn("a delivery whose turn has not come was not put back", "error", err)
	}
}

// passTurns puts into Redis what got its turn by the records of a group. Postgres
// knows of the tasks already: killed here, they are audit's.
func (r *Runner) passTurns(outcomes []webhook.Outcome) {
	chunks := nextTurns(outcomes)
	if len(chunks) == 0 {
		return
	}
	r.attempts.Add(1)
	go func() {
		defer r.attempts.Done()
		ctx, cancel := context.WithTimeout(context.Background(), asideTimeout)
		defer cancel()
		left, err := r.Retries.Enqueue(ctx, chunks)
		if err == nil {
			return
		}
		r.cfg.Logger.Warn("redis takes no tasks: those whose turn it is wait in Postgres", "error", err)
		// Not those that did arrive, which a worker may be at.
		ctx, cancel = context.WithTimeout(context.Background(), asideTimeout)
		defer cancel()
		for _, c := range left {
			if err := r.giveBack(ctx, c.Members, c.Task); err != nil {
				r.cfg.Logger.Warn("a delivery whose turn it is was not given back: audit will find it", "error", err)
			}
		}
	}()
}

// nextTurns gathers the chunks of the outcomes that share a task.
func nextTurns(outcomes []webhook.Outcome) (chunks []webhook.Chunk) {
	places := make(map[string]int)
	for i := range outcomes {
		t := outcomes[i].Turn
		if t == nil || t.Next == nil {
			continue
		}
		n, ok := places[t.Next.Task]
		if !ok {
			n = len(chunks)
			places[t.Next.Task] = n
			chunks = append(chunks, webhook.Chunk{Task: t.Next.Task})
		}
		chunks[n].Members = append(chunks[n].Members, t.Next.Members...)
	}
	return chunks
}
