package queue

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/postrider/postrider/internal/webhook"
)

// registry is where asynq keeps the names of all queues.
const registry = "asynq:queues"

// queues are those that tasks may be in: this process's shards, and what others have
// registered, as they do while redis.shards is changed, and before. Who serves or
// counts queues takes all of them: a change loses nothing.
type queues struct {
	own []shard

	mu    sync.Mutex
	found map[shard]bool // and not own
}

func queuesOf(n webhook.Shards) *queues {
	q := &queues{found: make(map[shard]bool)}
	for _, lane := range webhook.Lanes() {
		for _, place := range n.Places() {
			q.own = append(q.own, shard{lane, place})
		}
	}
	return q
}

// all are in order: by lane, then place.
func (q *queues) all() []shard {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.found) == 0 {
		return q.own
	}
	return slices.SortedFunc(slices.Values(slices.AppendSeq(slices.Clone(q.own), maps.Keys(q.found))), compareShards)
}

// note takes the names that are registered. What was found once stays: Redis may
// forget a name, and still have the queue on another master.
func (q *queues) note(registered []string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, name := range registered {
		if s, ok := shardNamed(name); ok && !slices.Contains(q.own, s) {
			q.found[s] = true
		}
	}
}

func (q *queues) knows(s shard) bool {
	if slices.Contains(q.own, s) {
		return true
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.found[s]
}

// register tells everybody of queues that living tasks are in and that nobody may
// serve: the registry was lost, and no process has them as its shards any more.
func (r *Redis) register(ctx context.Context, unknown []shard) error {
	if len(unknown) == 0 {
		return nil
	}
	names := make([]string, len(unknown))
	for i, s := range unknown {
		names[i] = s.name()
	}
	if err := r.client.SAdd(ctx, registry, names).Err(); err != nil {
		return fmt.Errorf("register queues %v: %w", names, err)
	}
	r.queues.note(names)
	return nil
}

// takeRegistered notes what a pipeline was told of the registry.
func (r *Redis) takeRegistered(cmd *redis.StringSliceCmd) error {
	registered, err := cmd.Result()
	if err != nil {
		return fmt.Errorf("list the queues: %w", err)
	}
	r.queues.note(registered)
	return nil
}
