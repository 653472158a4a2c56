package recovery

import (
	"context"
	"fmt"
	"time"

	"github.com/postrider/postrider/internal/recovery/turns"
	"github.com/postrider/postrider/internal/webhook"
)

const enqueueTimeout = 5 * time.Second

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
		if err != nil || room.Live <= 0 && room.Bulk <= 0 {
			return err
		}
		more, err := f.batch(ctx, room)
		if err != nil || !more {
			return err
		}
	}
}

// bulkPart of the high-water mark may wait in the bulk lane: what is in it goes
// in the order in which it came, and only what is in Postgres still goes by turns.
const bulkPart = 5

// room is how many deliveries Redis may take. It is asked before anything is
// claimed, so that nothing is while Redis is away.
func (f *feed) room(ctx context.Context) (turns.Room, error) {
	ctx, cancel := context.WithTimeout(ctx, enqueueTimeout)
	defer cancel()
	waiting, err := f.queue.Waiting(ctx)
	if err != nil {
		return turns.Room{}, fmt.Errorf("feed: %w", err)
	}
	live := f.highWater - waiting[webhook.LaneDeliver] - waiting[webhook.LaneRetry]
	bulk := f.highWater/bulkPart - waiting[webhook.LaneBulk]
	return turns.Room{Live: live * webhook.MaxChunkMembers, Bulk: bulk * webhook.MaxChunkMembers}, nil
}

func (f *feed) batch(ctx context.Context, room turns.Room) (more bool, err error) {
	chunks, more, err := f.store.Claim(ctx, room, f.now())
	if err != nil || len(chunks) == 0 {
		return more, err
	}
	// Committed before it is enqueued: a task whose row does not name it yet
	// would be dropped. Killed here, the rows are audit's.
	left, err := f.enqueue(ctx, chunks)
	f.metrics.fed.Add(float64(members(chunks) - members(left)))
	return more && err == nil, err
}

// enqueue takes back what it returns.
func (f *feed) enqueue(ctx context.Context, chunks []webhook.Chunk) ([]webhook.Chunk, error) {
	limited, cancel := context.WithTimeout(ctx, enqueueTimeout)
	defer cancel()
	left, err := f.queue.Enqueue(limited, chunks)
	if err == nil {
		return nil, nil
	}
	// Not those that did arrive, which a worker may be at. This must be tried also when
	// it is a Stop that ended ctx.
	back, cancel := context.WithTimeout(context.WithoutCancel(ctx), enqueueTimeout)
	defer cancel()
	if releaseErr := f.store.Release(back, left); releaseErr != nil {
		return left, fmt.Errorf("feed: %w; taking %d deliveries back, which is now audit's: %w", err, members(left), releaseErr)
	}
	return left, fmt.Errorf("feed: %w", err)
}

func members(chunks []webhook.Chunk) int {
	n := 0
	for i := range chunks {
		n += len(chunks[i].Members)
	}
	return n
}
