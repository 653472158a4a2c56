package queue

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

// noEviction is the only policy under which Redis keeps what it was given.
const noEviction = "noeviction"

// memory is what Redis said last of its memory. A server that says nothing, for
// INFO may be forbidden, is taken to have enough.
type memory struct {
	mu     sync.Mutex
	policy string // "" is unknown
	nearly bool
	used   int64
	limit  int64
}

// maxReserve bounds the memory that Redis must have left for new tasks: a full
// Redis refuses also to give tasks out, so that what Postrider itself had filled
// would stay full. It is far more than what is enqueued between two looks.
const maxReserve = 16 << 20

// reserve is how much of a limit is left alone.
func reserve(limit int64) int64 { return min(limit/10, maxReserve) }

// errNearlyFull keeps new tasks in Postgres.
var errNearlyFull = errors.New("redis is nearly full")

// askMemory adds the question to a pipeline; nil on a cluster, where any of many
// servers would answer: lookAtMasters asks all of them, once a second.
func (r *Redis) askMemory(ctx context.Context, p redis.Pipeliner) *redis.StringCmd {
	if r.cluster {
		return nil
	}
	return p.Info(ctx, "memory")
}

// take notes an answer. One that the server refused to give is none; the error is
// of a server that could not be asked.
func (m *memory) take(cmd *redis.StringCmd) error {
	if cmd == nil {
		return nil
	}
	info, err := cmd.Result()
	var refused redis.Error
	if errors.As(err, &refused) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("ask redis for its memory: %w", err)
	}
	m.note(parseInfo(info))
	return nil
}

// lookAtMasters asks every master of a cluster for its memory: tasks are in all of
// them, and one that is full stops what is in it.
func (r *Redis) lookAtMasters(ctx context.Context) error {
	cluster, ok := r.client.(*redis.ClusterClient)
	if !ok {
		return nil
	}
	var mu sync.Mutex
	var all []map[string]string
	err := cluster.ForEachMaster(ctx, func(ctx context.Context, c *redis.Client) error {
		info, err := c.Info(ctx, "memory").Result()
		var refused redis.Error
		if errors.As(err, &refused) {
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		all = append(all, parseInfo(info))
		return err
	})
	if err != nil {
		return fmt.Errorf("ask the cluster's masters for their memory: %w", err)
	}
	r.memory.note(all...)
	return nil
}

// note takes what servers say. What is kept is of the one with the least room.
func (m *memory) note(servers ...map[string]string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	was := m.nearly
	m.policy, m.nearly, m.used, m.limit = "", false, 0, 0
	for _, fields := range servers {
		number := func(name string) int64 {
			n, _ := strconv.ParseInt(fields[name], 10, 64) // what is not there is 0
			return n
		}
		policy := fields["maxmemory_policy"]
		used, limit := number("used_memory")-number("mem_not_counted_for_evict"), number("maxmemory")
		if m.policy == "" || m.policy == noEviction {
			m.policy = policy
		}
		keep := reserve(limit)
		if was { // some more must be free again before it counts as enough
			keep += keep / 2
		}
		m.nearly = m.nearly || limit > 0 && policy == noEviction && limit-used < keep
		if m.limit == 0 && (limit > 0 || used > m.used) || limit > 0 && limit-used < m.limit-m.used {
			m.used, m.limit = used, limit
		}
	}
}

// parseInfo reads what INFO answers: lines of name:value.
func parseInfo(info string) map[string]string {
	fields := make(map[string]string)
	for line := range strings.SplitSeq(info, "\n") {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			fields[name] = value
		}
	}
	return fields
}

// room is errNearlyFull where new tasks have to stay in Postgres.
func (m *memory) room() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.nearly {
		return fmt.Errorf("%w: %d of %d bytes are used", errNearlyFull, m.used, m.limit)
	}
	return nil
}

// figures are the bytes used and the limit, 0 for none.
func (m *memory) figures() (used, limit int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.used, m.limit
}

// evicts is the policy by which Redis throws away what it was given, or "".
func (m *memory) evicts() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.policy == noEviction {
		return ""
	}
	return m.policy
}

// probe adds to a pipeline, for each queue, a write that changes nothing and is
// refused whenever one that does would be: by a Redis that is full, a replica, or
// one that can't save. It is where the queue is, on a cluster on the same master.
func (r *Redis) probe(ctx context.Context, p redis.Pipeliner) []redis.Cmder {
	cmds := make([]redis.Cmder, 0, len(r.queues.own))
	for _, s := range r.queues.own {
		cmds = append(cmds, p.SetRange(ctx, "postrider:probe:{"+s.name()+"}", 0, ""))
	}
	return cmds
}

// refusal is why a probe failed, in words that say what to do.
func refusal(probes []redis.Cmder) error {
	for _, p := range probes {
		if err := p.Err(); err != nil {
			return explain(err)
		}
	}
	return nil
}

func explain(err error) error {
	switch {
	case redis.IsOOMError(err):
		return fmt.Errorf("redis is full: raise its maxmemory or free some of it: %w", err)
	case redis.IsReadOnlyError(err):
		return fmt.Errorf("this redis is a replica: redis.url must lead to the primary: %w", err)
	case redis.HasErrorPrefix(err, "MISCONF"):
		return fmt.Errorf("redis can't save and takes nothing: its log says why, often a full disk: %w", err)
	default:
		return err
	}
}

// Writable is why Redis takes no tasks; nil when it does.
func (r *Redis) Writable(ctx context.Context) error {
	var probes []redis.Cmder
	_, _ = r.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		probes = r.probe(ctx, p)
		return nil
	})
	return refusal(probes)
}
