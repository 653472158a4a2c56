package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/postrider/postrider/internal/webhook"
)

// Inspector answers what the scheduler must know of Redis. It reads asynq
// v0.26's keys itself: asynq's own Inspector answers one task a call, finds no
// queue after FLUSHALL, and can't see a lease.
type Inspector struct {
	redis  *Redis
	client redis.UniversalClient
	asynq  *asynq.Inspector // for what is asked seldom
}

// NewInspector shares r's connections.
func NewInspector(r *Redis) *Inspector {
	return &Inspector{redis: r, client: r.client, asynq: asynq.NewInspectorFromRedisClient(r.client)}
}

// leaseGrace: a lease that ran out this long ago has no worker behind it any more.
const leaseGrace = 15 * time.Second

// lookUps bounds one pipeline.
const lookUps = 500

// Dead returns which of the tasks will never run. A hash alone is no proof of
// life: a task that lost its lease ends as one that says "active" for ever
// (asynq#1144). Alive is: pending; retry or scheduled with a time; active with
// a lease.
func (i *Inspector) Dead(ctx context.Context, tasks []string) ([]string, error) {
	var dead []string
	for len(tasks) > 0 {
		page := tasks[:min(len(tasks), lookUps)]
		tasks = tasks[len(page):]
		d, err := i.deadOf(ctx, page)
		if err != nil {
			return nil, err
		}
		dead = append(dead, d...)
	}
	return dead, nil
}

type lookUp struct {
	state                   *redis.StringCmd
	lease, retry, scheduled *redis.FloatCmd
}

func (i *Inspector) deadOf(ctx context.Context, tasks []string) ([]string, error) {
	found := make([]lookUp, len(tasks))
	cmds, err := i.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for n, task := range tasks {
			q := shardOf(task)
			found[n] = lookUp{
				state:     p.HGet(ctx, q.key("t:"+task), "state"),
				lease:     p.ZScore(ctx, q.key("lease"), task),
				retry:     p.ZScore(ctx, q.key("retry"), task),
				scheduled: p.ZScore(ctx, q.key("scheduled"), task),
			}
		}
		return nil
	})
	if err := failure(cmds, err); err != nil {
		return nil, fmt.Errorf("look up %d tasks: %w", len(tasks), err)
	}
	now, err := i.client.Time(ctx).Result()
	if err != nil {
		return nil, fmt.Errorf("look up %d tasks: %w", len(tasks), err)
	}
	var dead []string
	var unknown []shard
	for n, task := range tasks {
		switch q := shardOf(task); {
		case !found[n].alive(now):
			dead = append(dead, task)
		case !i.redis.queues.knows(q) && !slices.Contains(unknown, q):
			unknown = append(unknown, q)
		}
	}
	return dead, i.redis.register(ctx, unknown)
}

// failure is the first real error of a pipeline. The one it returns is its first
// command's, and a harmless Nil there would hide another's.
func failure(cmds []redis.Cmder, err error) error {
	if !errors.Is(err, redis.Nil) {
		return err
	}
	for _, c := range cmds {
		if err := c.Err(); err != nil && !errors.Is(err, redis.Nil) {
			return err
		}
	}
	return nil
}

func (l lookUp) alive(now time.Time) bool {
	switch l.state.Val() {
	case "pending":
		return true
	case "active":
		return l.lease.Err() == nil && l.lease.Val() > float64(now.Add(-leaseGrace).Unix())
	case "retry":
		return l.retry.Err() == nil
	case "scheduled":
		return l.scheduled.Err() == nil
	default:
		return false
	}
}

// Waiting is how many tasks wait in Redis, in each lane. The error is also of a
// Redis that would take no more: one that is full, or nearly, or a replica.
func (i *Inspector) Waiting(ctx context.Context) (map[webhook.Lane]int, error) {
	all := i.redis.queues.all()
	lens := make([]*redis.IntCmd, len(all))
	var probes []redis.Cmder
	var info *redis.StringCmd
	_, _ = i.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for n, q := range all {
			lens[n] = p.LLen(ctx, q.key("pending"))
		}
		probes, info = i.redis.probe(ctx, p), i.redis.askMemory(ctx, p)
		return nil
	})
	waiting := make(map[webhook.Lane]int)
	for n, q := range all {
		if err := lens[n].Err(); err != nil {
			return nil, fmt.Errorf("measure the backlog: %w", err)
		}
		waiting[q.lane] += int(lens[n].Val())
	}
	if err := errors.Join(refusal(probes), i.redis.memory.take(info)); err != nil {
		return nil, err
	}
	return waiting, i.redis.memory.room()
}
