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

func key(lane webhook.Lane, rest string) string { return "asynq:{" + queueName(lane) + "}:" + rest }

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
			lane, _ := webhook.LaneOf(task)
			found[n] = lookUp{
				state:     p.HGet(ctx, key(lane, "t:"+task), "state"),
				lease:     p.ZScore(ctx, key(lane, "lease"), task),
				retry:     p.ZScore(ctx, key(lane, "retry"), task),
				scheduled: p.ZScore(ctx, key(lane, "scheduled"), task),
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
	for n, task := range tasks {
		if !found[n].alive(now) {
			dead = append(dead, task)
		}
	}
	return dead, nil
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
	lens := make(map[webhook.Lane]*redis.IntCmd)
	var probes []redis.Cmder
	var info *redis.StringCmd
	_, _ = i.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, lane := range webhook.Lanes() {
			lens[lane] = p.LLen(ctx, key(lane, "pending"))
		}
		probes, info = probe(ctx, p), i.redis.askMemory(ctx, p)
		return nil
	})
	waiting := make(map[webhook.Lane]int, len(lens))
	for lane, l := range lens {
		if err := l.Err(); err != nil {
			return nil, fmt.Errorf("measure the backlog: %w", err)
		}
		waiting[lane] = int(l.Val())
	}
	if err := errors.Join(refusal(probes), i.redis.memory.take(info)); err != nil {
		return nil, err
	}
	return waiting, i.redis.memory.room()
}

// tickKey holds the leader's last tick.
const tickKey = "postrider:tick"

// Tick writes value and returns what was there before. Nothing, or less than
// was written last, means that Redis lost its memory or went back to an older one.
//
// It also registers asynq's queues again: a client does that once in its life,
// and after FLUSHALL asynq's tools would not find them.
func (i *Inspector) Tick(ctx context.Context, value int64) (previous int64, found bool, err error) {
	var old *redis.StringCmd
	cmds, err := i.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		old = p.Get(ctx, tickKey)
		p.Set(ctx, tickKey, value, 0)
		for _, lane := range webhook.Lanes() {
			p.SAdd(ctx, "asynq:queues", queueName(lane))
		}
		return nil
	})
	if err := failure(cmds, err); err != nil {
		return 0, false, fmt.Errorf("tick: %w", err)
	}
	previous, err = strconv.ParseInt(old.Val(), 10, 64)
	return previous, err == nil, nil
}
