package queue

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/postrider/postrider/internal/webhook"
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
// servers would answer.
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

func (m *memory) note(fields map[string]string) {
	number := func(name string) int64 {
		n, _ := strconv.ParseInt(fields[name], 10, 64) // what is not there is 0
		return n
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.policy = fields["maxmemory_policy"]
	m.used, m.limit = number("used_memory")-number("mem_not_counted_for_evict"), number("maxmemory")
	keep := reserve(m.limit)
	if m.nearly { // some more must be free again before it counts as enough
		keep += keep / 2
	}
	m.nearly = m.limit > 0 && m.policy == noEviction && m.limit-m.used < keep
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

// probe adds to a pipeline, for each lane, a write that changes nothing and is
// refused whenever one that does would be: by a Redis that is full, a replica, or
// one that can't save.
func probe(ctx context.Context, p redis.Pipeliner) []redis.Cmder {
	cmds := make([]redis.Cmder, 0, 3)
	for _, lane := range webhook.Lanes() {
		cmds = append(cmds, p.SetRange(ctx, "postrider:probe:{"+queueName(lane)+"}", 0, ""))
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
		probes = probe(ctx, p)
		return nil
	})
	return refusal(probes)
}
