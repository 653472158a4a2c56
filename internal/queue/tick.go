package queue

import (
	"context"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"
)

// tickKey holds the leader's last tick.
const tickKey = "postrider:tick"

// tickKeys are where ticks are kept. The masters of a cluster forget one by one, so
// that each queue has a tick beside it.
func (r *Redis) tickKeys() []string {
	if !r.cluster {
		return []string{tickKey}
	}
	keys := make([]string, len(r.queues.own))
	for n, q := range r.queues.own {
		keys[n] = tickKey + ":{" + q.name() + "}"
	}
	return keys
}

// Tick writes value and returns what was there before, on a cluster the oldest of it.
// Nothing, or less than was written last, means that Redis lost its memory or went
// back to an older one, or a master of the cluster did.
//
// It also registers asynq's queues again: a client does that once in its life,
// and after FLUSHALL asynq's tools would not find them.
func (i *Inspector) Tick(ctx context.Context, value int64) (previous int64, found bool, err error) {
	var old []*redis.StringCmd
	cmds, err := i.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, key := range i.redis.tickKeys() {
			old = append(old, p.Get(ctx, key))
			p.Set(ctx, key, value, 0)
		}
		for _, q := range i.redis.queues.all() {
			p.SAdd(ctx, registry, q.name())
		}
		return nil
	})
	if err := failure(cmds, err); err != nil {
		return 0, false, fmt.Errorf("tick: %w", err)
	}
	for n, cmd := range old {
		was, err := strconv.ParseInt(cmd.Val(), 10, 64)
		if err != nil {
			return 0, false, nil //nolint:nilerr // nothing is there
		}
		if n == 0 || was < previous {
			previous = was
		}
	}
	return previous, true, nil
}
