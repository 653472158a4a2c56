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
		names[i] = laneName(lane)
	}
	return names
}

// Sizes returns how many tasks are in each lane's queues and state, and how long the
// oldest that is pending waits: two round trips, whatever is in the queues.
func (i *Inspector) Sizes(ctx context.Context) (tasks map[string]map[string]int, latency map[string]time.Duration, err error) {
	all := i.redis.queues.all()
	lens, oldest := make([][]*redis.IntCmd, len(all)), make([]*redis.StringCmd, len(all))
	cmds, err := i.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for n, q := range all {
			for _, s := range taskStates {
				if s.list {
					lens[n] = append(lens[n], p.LLen(ctx, q.key(s.name)))
				} else {
					lens[n] = append(lens[n], p.ZCard(ctx, q.key(s.name)))
				}
			}
			oldest[n] = p.LIndex(ctx, q.key("pending"), -1)
		}
		return nil
	})
	if err := failure(cmds, err); err != nil {
		return nil, nil, fmt.Errorf("measure the queues: %w", err)
	}
	tasks = make(map[string]map[string]int)
	for n, q := range all {
		lane := laneName(q.lane)
		if tasks[lane] == nil {
			tasks[lane] = make(map[string]int)
		}
		for state, cmd := range lens[n] {
			tasks[lane][taskStates[state].name] += int(cmd.Val())
		}
	}
	latency, err = i.waits(ctx, all, oldest)
	return tasks, latency, err
}

// waits is how long these tasks, one of each queue, are pending: in a lane the longest.
// One that is gone by now waits no more.
func (i *Inspector) waits(ctx context.Context, all []shard, oldest []*redis.StringCmd) (map[string]time.Duration, error) {
	since := make([]*redis.StringCmd, len(all))
	var now *redis.TimeCmd
	cmds, err := i.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		now = p.Time(ctx)
		for n, task := range oldest {
			if task.Val() != "" {
				since[n] = p.HGet(ctx, all[n].key("t:"+task.Val()), "pending_since")
			}
		}
		return nil
	})
	if err := failure(cmds, err); err != nil {
		return nil, fmt.Errorf("measure the queues: %w", err)
	}
	waits := make(map[string]time.Duration)
	for n, q := range all {
		lane := laneName(q.lane)
		wait := time.Duration(0)
		if cmd := since[n]; cmd != nil {
			if ns, err := strconv.ParseInt(cmd.Val(), 10, 64); err == nil {
				wait = now.Val().Sub(time.Unix(0, ns))
			}
		}
		waits[lane] = max(waits[lane], wait)
	}
	return waits, nil
}
