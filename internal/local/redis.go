package local

import (
	"fmt"

	"github.com/alicebob/miniredis/v2"
)

// Redis is a Redis in this process. It is empty at each start, which is what
// Postrider is made for: everything in it is rebuilt from Postgres.
type Redis struct{ server *miniredis.Miniredis }

// StartRedis listens on a free port of the loopback interface.
func StartRedis() (*Redis, error) {
	server := miniredis.NewMiniRedis()
	// Without it keys expire only when a test says so: locks would stay for ever.
	server.ClockTTL(true)
	if err := server.StartAddr("127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("start in-process Redis: %w", err)
	}
	return &Redis{server: server}, nil
}

// Addr is host:port.
func (r *Redis) Addr() string { return r.server.Addr() }

// URL is Addr in the form that redis.url takes.
func (r *Redis) URL() string { return "redis://" + r.server.Addr() + "/0" }

// Close stops the server and forgets what was in it. It can be called again.
func (r *Redis) Close() { r.server.Close() }
