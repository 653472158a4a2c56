package chaos

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/postrider/postrider/test/e2e/stack"
)

// orphans makes of tasks of pending deliveries what asynq#1144 leaves behind: a
// hash that says active, in the active list or in none, and no lease.
func orphans() fault {
	return fault{"asynq-orphans", "20 tasks lost as by asynq#1144", 1, func(t *testing.T, l *lab) {
		for _, p := range l.of("worker") {
			p.Signal(t, syscall.SIGSTOP)
			defer p.Signal(t, syscall.SIGCONT)
		}
		l.redis(t, func(c *redis.Client) error {
			made := 0
			stack.Eventually(t, "tasks are pending", func() bool {
				n, err := orphan(t, c, made, 20-made)
				if err != nil {
					t.Fatal(err)
				}
				made += n
				return made >= 20
			})
			return nil
		})
	}}
}

// orphan takes at most n tasks out of the pending lists.
func orphan(t *testing.T, c *redis.Client, made, n int) (taken int, err error) {
	ctx := t.Context()
	lists, err := c.Keys(ctx, "asynq:*:pending").Result()
	if err != nil {
		return 0, err
	}
	for _, list := range lists {
		queue := strings.TrimSuffix(list, "pending")
		for taken < n {
			id, err := c.RPop(ctx, list).Result()
			if errors.Is(err, redis.Nil) {
				break
			}
			if err != nil {
				return taken, fmt.Errorf("take a task from %s: %w", list, err)
			}
			taken++
			err = c.HSet(ctx, queue+"t:"+id, "state", "active").Err()
			if err == nil && (made+taken)%2 == 0 {
				err = c.LPush(ctx, queue+"active", id).Err()
			}
			if err != nil {
				return taken, err
			}
		}
	}
	return taken, nil
}
