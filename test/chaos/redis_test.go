package chaos

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

func redisFaults() []fault {
	return []fault{
		{"flushall", "`FLUSHALL`", 1, func(t *testing.T, l *lab) {
			if err := l.Redis.FlushAll(t.Context()); err != nil {
				t.Fatal(err)
			}
		}},
		{"redis-restart", "Redis away for 3 s, back empty", 1, func(t *testing.T, l *lab) {
			l.Redis.Stop()
			pass(3 * time.Second)
			if err := l.Redis.Start(); err != nil {
				t.Fatal(err)
			}
		}},
		{"redis-client-kill", "`CLIENT KILL` of all of Redis's connections", 5, func(t *testing.T, l *lab) {
			for range 5 {
				l.redis(t, func(c *redis.Client) error {
					return c.ClientKillByFilter(t.Context(), "TYPE", "normal", "SKIPME", "yes").Err()
				})
				pass(300 * time.Millisecond)
			}
		}},
	}
}

// redis does something next to the proxy.
func (l *lab) redis(t *testing.T, do func(c *redis.Client) error) {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: l.Redis.Addr(), DisableIdentity: true})
	defer c.Close()
	if err := do(c); err != nil {
		t.Fatal(err)
	}
}
