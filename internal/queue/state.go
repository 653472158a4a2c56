package queue

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/postrider/postrider/internal/webhook"
)

// stateTimeout bounds a look for people: they are told that Redis is away, and are not
// kept until the client gives up.
const stateTimeout = 3 * time.Second

// shardState is what a pipeline asks of one queue.
type shardState struct {
	pending, active, scheduled, retry *redis.IntCmd
	oldest                            *redis.StringCmd
}

// State looks at all lanes and at who takes their tasks. It costs a few steps however
// much waits: sizes and the oldest task are at hand, and tasks are not read. The error
// is unavailable while Redis does not answer.
func (i *Inspector) State(ctx context.Context) (webhook.Queues, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, stateTimeout, fmt.Errorf("redis took longer than %s", stateTimeout))
	defer cancel()
	out, err := i.state(ctx)
	if err != nil {
		return webhook.Queues{}, fmt.Errorf("look at the queues: %w", unavailable(err))
	}
	return out, nil
}

// unavailable is for who asks: whatever keeps Redis from answering, it is not theirs
// to mend.
func unavailable(err error) error {
	return fmt.Errorf("%w: %w", &webhook.Error{
		Code: webhook.CodeUnavailable, Detail: "Redis is not available; deliveries wait in Postgres until it is", RetryAfter: time.Second,
	}, err)
}

func (i *Inspector) state(ctx context.Context) (out webhook.Queues, err error) {
	all := i.redis.queues.all()
	states := make([]shardState, len(all))
	var clock *redis.TimeCmd
	var info *redis.StringCmd
	cmds, err := i.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		clock = p.Time(ctx)
		for n, q := range all {
			states[n] = shardState{
				pending: p.LLen(ctx, q.key("pending")), active: p.LLen(ctx, q.key("active")),
				scheduled: p.ZCard(ctx, q.key("scheduled")), retry: p.ZCard(ctx, q.key("retry")),
				oldest: p.LIndex(ctx, q.key("pending"), -1), // asynq pushes at the left
			}
		}
		info = i.redis.askMemory(ctx, p)
		return nil
	})
	if err := failureBut(info, cmds, err); err != nil {
		return out, err
	}
	out.AsOf = clock.Val().UTC()
	if out.Queues, err = i.together(ctx, all, states); err != nil {
		return out, err
	}
	out.Memory = memoryOf(info)
	out.Workers, err = i.workers(ctx, out.AsOf)
	return out, err
}

// together adds the shards of each lane up.
func (i *Inspector) together(ctx context.Context, all []shard, states []shardState) ([]webhook.Queue, error) {
	out := make([]webhook.Queue, len(webhook.Lanes()))
	for n, lane := range webhook.Lanes() {
		out[n].Name = laneName(lane)
	}
	for n, q := range all {
		lane, s := &out[laneOrder(q.lane)], states[n]
		lane.Pending += s.pending.Val()
		lane.Active += s.active.Val()
		lane.Scheduled += s.scheduled.Val()
		lane.Retry += s.retry.Val()
		since, err := i.pendingSince(ctx, q, s.oldest.Val())
		if err != nil {
			return nil, err
		}
		if lane.OldestPending.IsZero() || !since.IsZero() && since.Before(lane.OldestPending) {
			lane.OldestPending = since
		}
	}
	return out, nil
}

// failureBut is failure of all commands but one that the server may refuse.
func failureBut(may *redis.StringCmd, cmds []redis.Cmder, err error) error {
	if err == nil {
		return nil
	}
	for _, c := range cmds {
		var refused redis.Error
		if err := c.Err(); err != nil && !errors.Is(err, redis.Nil) && (c != redis.Cmder(may) || !errors.As(err, &refused)) {
			return err
		}
	}
	return nil
}

// pendingSince is when a task began to wait; zero when a worker has just taken it.
func (i *Inspector) pendingSince(ctx context.Context, q shard, task string) (time.Time, error) {
	if task == "" {
		return time.Time{}, nil
	}
	text, err := i.client.HGet(ctx, q.key("t:"+task), "pending_since").Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return time.Time{}, err
	}
	nanos, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}, nil //nolint:nilerr // asynq has not said since when
	}
	return time.Unix(0, nanos).UTC(), nil
}

// memoryOf is nil where Redis says nothing of it.
func memoryOf(info *redis.StringCmd) *webhook.QueueMemory {
	if info == nil || info.Err() != nil {
		return nil
	}
	fields := parseInfo(info.Val())
	used, err := strconv.ParseInt(fields["used_memory"], 10, 64)
	if err != nil {
		return nil
	}
	limit, _ := strconv.ParseInt(fields["maxmemory"], 10, 64) // none when it is not there
	return &webhook.QueueMemory{Used: used, Limit: limit, Policy: fields["maxmemory_policy"]}
}
