package queue

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// forget removes a task that asynq lost: one that says "active" and has no lease.
// asynq neither runs nor deletes it (asynq#1144); it would stay for good, with its
// payload. It looks and removes in one step, for a worker may take the task now.
//
// KEYS[1] the task's hash, KEYS[2] its queue's leases, KEYS[3] its active list;
// ARGV[1] the task's id. Returns 1 when it was removed, else 0.
var forget = redis.NewScript(`
if redis.call("HGET", KEYS[1], "state") ~= "active" or redis.call("ZSCORE", KEYS[2], ARGV[1]) then
	return 0
end
redis.call("LREM", KEYS[3], 0, ARGV[1])
return redis.call("DEL", KEYS[1])
`)

// Forget removes what is left in Redis of those of the tasks that lost their
// lease. All others stay: asynq deals with them.
func (i *Inspector) Forget(ctx context.Context, tasks []string) error {
	for _, task := range tasks {
		q := shardOf(task)
		keys := []string{q.key("t:" + task), q.key("lease"), q.key("active")}
		if err := forget.Run(ctx, i.client, keys, task).Err(); err != nil {
			return fmt.Errorf("forget task %s: %w", task, err)
		}
	}
	return nil
}
