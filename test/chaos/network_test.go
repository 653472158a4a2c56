package chaos

import (
	"testing"
	"time"

	"github.com/postrider/postrider/test/e2e/stack"
)

// networkFaults are connections that are cut or slow, or through which nothing
// comes any more.
func networkFaults() []fault {
	return []fault{
		{"redis-cut", "all connections to Redis cut", 5, cut(func(l *lab) *stack.Proxy { return l.toRedis })},
		{"postgres-cut", "all connections to Postgres cut", 5, cut(func(l *lab) *stack.Proxy { return l.toPostgres })},
		{"redis-slow", "20 ms more to and from Redis, for 3 s", 1, slow(func(l *lab) *stack.Proxy { return l.toRedis })},
		{"postgres-slow", "20 ms more to and from Postgres, for 3 s", 1, slow(func(l *lab) *stack.Proxy { return l.toPostgres })},
		{"redis-hangs", "Redis hangs for 4 s", 1, hang(func(l *lab) *stack.Proxy { return l.toRedis })},
		{"postgres-hangs", "Postgres hangs for 4 s", 1, hang(func(l *lab) *stack.Proxy { return l.toPostgres })},
	}
}

func cut(of func(*lab) *stack.Proxy) func(*testing.T, *lab) {
	return func(_ *testing.T, l *lab) {
		for range 5 {
			of(l).Cut()
			pass(time.Duration(100+l.random.IntN(400)) * time.Millisecond)
		}
	}
}

func slow(of func(*lab) *stack.Proxy) func(*testing.T, *lab) {
	return func(_ *testing.T, l *lab) {
		of(l).Delay(20 * time.Millisecond)
		defer of(l).Delay(0)
		pass(3 * time.Second)
	}
}

func hang(of func(*lab) *stack.Proxy) func(*testing.T, *lab) {
	return func(_ *testing.T, l *lab) {
		of(l).Freeze()
		defer of(l).Thaw()
		pass(4 * time.Second)
	}
}
