package queue

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/postrider/postrider/internal/webhook"
)

// taskStates are where asynq keeps a task, and how it is counted there.
var taskStates = []struct {
	name string
	list bool // else a sorted set
}{{"pending", true}, {"active", true}, {"scheduled", false}, {"retry", false}}

// States are those that a task may be in.
func States() []string {
	names := make([]string, len(taskStates))
	for i := range taskStates {
		names[i] = taskStates[i].name
	}
	return names
}

// Names are the lanes' queues.
func Names() []string {
	lanes := webhook.Lanes()
	names := make([]string, len(lanes))
	for i, lane := range lanes {
		names[i] = queueName(lane)
	}
	return names
}

// Sizes returns how many tasks are in each queue and state, and how long the oldest
// that is pending waits: two round trips, whatever is in the queues.
func (i *Inspector) Sizes(ctx context.Context) (tasks map[string]map[string]int, latency map[string]time.Duration, err error) {
	lens := make(map[webhook.Lane][]*redis.IntCmd)
	oldest := make(map[webhook.Lane]*redis.StringCmd)
	cmds, err := i.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, lane := range webhook.Lanes() {
			for _, s := range taskStates {
				if s.list {
					lens[lane] = append(lens[lane], p.LLen(ctx, key(lane, s.name)))
				} else {
					lens[lane] = append(lens[lane], p.ZCard(ctx, key(lane, s.name)))
				}
			}
			oldest[lane] = p.LIndex(ctx, key(lane, "pending"), -1)
		}
		return nil
	})
	if err := failure(cmds, err); err != nil {
		return nil, nil, fmt.Errorf("measure the queues: %w", err)
	}
	tasks = make(map[string]map[string]int)
	for lane, l := range lens {
		tasks[queueName(lane)] = make(map[string]int)
		for n, cmd := range l {
			tasks[queueName(lane)][taskStates[n].name] = int(cmd.Val())
		}
	}
	latency, err = i.waits(ctx, oldest)
	return tasks, latency, err
}

// waits is how long these tasks are pending. One that is gone by now waits no more.
func (i *Inspector) waits(ctx context.Context, oldest map[webhook.Lane]*redis.StringCmd) (map[string]time.Duration, error) {
	since := make(map[webhook.Lane]*redis.StringCmd)
	var now *redis.TimeCmd
	cmds, err := i.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		now = p.Time(ctx)
		for lane, task := range oldest {
			if task.Val() != "" {
				since[lane] = p.HGet(ctx, key(lane, "t:"+task.Val()), "pending_since")
			}
		}
		return nil
	})
	if err := failure(cmds, err); err != nil {
		return nil, fmt.Errorf("measure the queues: %w", err)
	}
	waits := make(map[string]time.Duration)
	for _, lane := range webhook.Lanes() {
		waits[queueName(lane)] = 0
		if cmd := since[lane]; cmd != nil {
			if ns, err := strconv.ParseInt(cmd.Val(), 10, 64); err == nil {
				waits[queueName(lane)] = max(now.Val().Sub(time.Unix(0, ns)), 0)
			}
		}
	}
	return waits, nil
}
