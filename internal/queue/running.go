package queue

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/postrider/postrider/internal/webhook"
)

const (
	// maxLeases bounds what is read of a queue. The leases that are not extended
	// come first: with more tasks than this at work they are reached once the
	// others have been extended, a few seconds later.
	maxLeases = 5000
	// oldLease: asynq runs a task again whose lease ended half a minute ago, at the
	// latest a minute later. What is older it will never touch (asynq#1144), and
	// would stand in the way of the others.
	oldLease = 2 * time.Minute
)

// Leases is when the leases of the tasks that workers run end, by task. A worker
// extends them every 5 s, by its own clock; a lease that does not move has nobody
// behind it. The error is also of a Redis that takes nothing: the living can't
// extend theirs either.
func (i *Inspector) Leases(ctx context.Context) (map[string]int64, error) {
	now, err := i.client.Time(ctx).Result()
	if err != nil {
		return nil, fmt.Errorf("read leases: %w", err)
	}
	window := &redis.ZRangeBy{Min: strconv.FormatInt(now.Add(-oldLease).Unix(), 10), Max: "+inf", Count: maxLeases}
	var leases []*redis.ZSliceCmd
	_, err = i.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		i.redis.probe(ctx, p)
		for _, q := range i.redis.queues.all() {
			leases = append(leases, p.ZRangeByScoreWithScores(ctx, q.key("lease"), window))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read leases: %w", err)
	}
	out := make(map[string]int64)
	for _, some := range leases {
		for _, z := range some.Val() {
			if task, ok := z.Member.(string); ok {
				out[task] = int64(z.Score)
			}
		}
	}
	return out, nil
}

// Running returns what those of the tasks carry that a worker has taken and not
// put back. One whose payload is another release's is left out.
func (i *Inspector) Running(ctx context.Context, tasks []string) ([]webhook.Chunk, error) {
	var out []webhook.Chunk
	for _, task := range tasks {
		if err := ctx.Err(); err != nil { // asynq does not look at ctx
			return nil, fmt.Errorf("read %d tasks: %w", len(tasks), err)
		}
		info, err := i.asynq.GetTaskInfo(shardOf(task).name(), task)
		if errors.Is(err, asynq.ErrTaskNotFound) || errors.Is(err, asynq.ErrQueueNotFound) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read task %s: %w", task, err)
		}
		if info.State != asynq.TaskStateActive {
			continue
		}
		if chunk, err := decodeChunk(task, info.Payload); err == nil {
			out = append(out, chunk)
		}
	}
	return out, nil
}
