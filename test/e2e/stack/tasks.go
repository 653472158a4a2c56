package stack

import (
	"testing"

	"github.com/redis/go-redis/v9"
)

// Tasks is how many tasks are in Redis, in whatever state.
func (s *Stack) Tasks(t testing.TB) int {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: s.Redis.Addr(), DisableIdentity: true})
	defer c.Close()
	keys, err := c.Keys(t.Context(), "asynq:*:t:*").Result()
	if err != nil {
		t.Fatal(err)
	}
	return len(keys)
}
