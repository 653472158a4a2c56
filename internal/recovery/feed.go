package recovery

import (
	"context"
	"fmt"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

const (
	feedLimit      = 2000 // deliveries in a transaction
	enqueueTimeout = 5 * time.Second
)

// feed gives tasks to the due deliveries that have none.
type feed struct {
	store     FeedStore
	queue     Queue
	highWater int
	now       func() time.Time
	metrics   metrics
}

// runOnce feeds until nothing is due or Redis holds enough.
func (f *feed) runOnce(ctx context.Context) error {
	for {
		room, err := f.room(ctx)
		if err != nil || room <= 0 {
			return err
		}
		limit := min(feedLimit, room*webhook.MaxChunkMembers)
		fed, err := f.batch(ctx, limit)
		if err != nil || fed < limit {
			return err
		}
	}
}

// room is how many tasks Redis may take. It is asked before anything is
// claimed, so that nothing is while Redis is away.
func (f *feed) room(ctx context.Context) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, enqueueTimeout)
	defer cancel()
	waiting, err := f.queue.Backlog(ctx)
	if err != nil {
		return 0, fmt.Errorf("feed: %w", err)
	}
	return f.highWater - waiting, nil
}

func (f *feed) batch(ctx context.Context, limit int) (int, error) {
	chunks, err := f.store.Claim(ctx, limit, f.now())
	if err != nil || len(chunks) == 0 {
		return 0, err
	}
	// Committed before it is enqueued: a task whose row does not name it yet
	// would be dropped. Killed here, the rows are audit's.
	if err := f.enqueue(ctx, chunks); err != nil {
		return 0, err
	}
	n := members(chunks)
	f.metrics.fed.Add(float64(n))
	return n, nil
}

func (f *feed) enqueue(ctx context.Context, chunks []webhook.Chunk) error {
	limited, cancel := context.WithTimeout(ctx, enqueueTimeout)
	defer cancel()
	err := f.queue.Enqueue(limited, chunks)
	if err == nil {
		return nil
	}
	// Those that did arrive are dropped by the fence. This must be tried also
	// when it is a Stop that ended ctx.
	back, cancel := context.WithTimeout(context.WithoutCancel(ctx), enqueueTimeout)
	defer cancel()
	if releaseErr := f.store.Release(back, chunks); releaseErr != nil {
		return fmt.Errorf("feed: %w; taking %d deliveries back, which is now audit's: %w", err, members(chunks), releaseErr)
	}
	return fmt.Errorf("feed: %w", err)
}

func members(chunks []webhook.Chunk) int {
	n := 0
	for i := range chunks {
		n += len(chunks[i].Members)
	}
	return n
}
