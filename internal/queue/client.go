package queue

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/hibiken/asynq"
	"golang.org/x/sync/errgroup"

	"github.com/postrider/postrider/internal/webhook"
)

// taskType is the one kind of task there is.
const taskType = "deliver"

// taskTimeout is how long asynq lets a handler run. Leases catch dead workers
// and every request has its own timeout, so this only has to be out of the way.
const taskTimeout = time.Hour

// Client puts tasks into Redis.
type Client struct {
	redis *Redis
	asynq *asynq.Client
}

// NewClient shares r's connections.
func NewClient(r *Redis) *Client {
	return &Client{redis: r, asynq: asynq.NewClientFromRedisClient(r.client)}
}

// Enqueue makes a task of each chunk, due now. The rows must name the tasks
// already. With an error it returns those that are not known to be in Redis, to
// take their rows back. One of each shard may be there all the same, and is made
// twice if a worker is at it by then; the others were not tried.
//
// Tasks of one queue go one after the other, which keeps them in order. Those of several
// shards go side by side: they are different servers'.
func (c *Client) Enqueue(ctx context.Context, chunks []webhook.Chunk) (left []webhook.Chunk, err error) {
	if c.redis.shards <= 1 || len(chunks) <= 1 {
		return c.enqueueAll(ctx, chunks)
	}
	byShard := make(map[shard][]webhook.Chunk)
	for i := range chunks {
		s := shardOf(chunks[i].Task)
		byShard[s] = append(byShard[s], chunks[i])
	}
	var all errgroup.Group
	var mu sync.Mutex
	for _, some := range byShard {
		all.Go(func() error {
			rest, err := c.enqueueAll(ctx, some)
			mu.Lock()
			defer mu.Unlock()
			left = append(left, rest...)
			return err
		})
	}
	err = all.Wait()
	return left, err
}

// enqueueAll rings a queue's bell after its first task, so that somebody begins, and for
// the others at the end.
func (c *Client) enqueueAll(ctx context.Context, chunks []webhook.Chunk) (left []webhook.Chunk, err error) {
	others := map[shard]int{}
	for i := range chunks {
		if err = c.enqueue(ctx, chunks[i]); err != nil {
			left = chunks[i:]
			break
		}
		s := shardOf(chunks[i].Task)
		if n, rung := others[s]; rung {
			others[s] = n + 1
			continue
		}
		others[s] = 0
		c.rings(ctx, s, 1)
	}
	for s, n := range others {
		if n > 0 {
			c.rings(ctx, s, n)
		}
	}
	return left, err
}

// EnqueueAt makes a task that runs at or after due, to the second. due is by this
// machine's clock, and the task waits as long by Redis's. A Redis that is nearly
// full gets none: it could not give them out either.
func (c *Client) EnqueueAt(ctx context.Context, chunk webhook.Chunk, due time.Time) error {
	if err := c.redis.memory.room(); err != nil {
		return fmt.Errorf("enqueue %s: %w", chunk.Task, err)
	}
	skew, _ := c.redis.clock.skew()
	return c.enqueue(ctx, chunk, asynq.ProcessAt(ceilSecond(due.Add(-skew))))
}

func (c *Client) enqueue(ctx context.Context, chunk webhook.Chunk, opts ...asynq.Option) error {
	lane, place, ok := webhook.QueueOf(chunk.Task)
	if !ok {
		return fmt.Errorf("enqueue %q: it names no lane", chunk.Task)
	}
	opts = append(opts, asynq.TaskID(chunk.Task), asynq.Queue(shard{lane, place}.name()),
		// The schedule ends a delivery, never asynq: what runs out goes to its
		// archive, which drops things and blocks ids for 90 days.
		asynq.MaxRetry(math.MaxInt32), asynq.Timeout(taskTimeout))
	_, err := c.asynq.EnqueueContext(ctx, asynq.NewTask(taskType, encodeChunk(chunk)), opts...)
	// go-redis sends a script twice when the first reply got lost. The id is
	// new, so a conflict means that the first one arrived.
	if err == nil || errors.Is(err, asynq.ErrTaskIDConflict) {
		return nil
	}
	return fmt.Errorf("enqueue %s: %w", chunk.Task, err)
}

// ceilSecond rounds up: asynq cuts a due time to the second, and a retry must
// never be early.
func ceilSecond(t time.Time) time.Time {
	if whole := t.Truncate(time.Second); !whole.Equal(t) {
		return whole.Add(time.Second)
	}
	return t
}
