package redistest

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

func bounded(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	t.Cleanup(cancel)
	return ctx
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func connect(t *testing.T, addr string) *redis.Client {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: addr})
	t.Cleanup(func() { must(t, client.Close()) })
	return client
}

func TestEach(t *testing.T) {
	t.Parallel()
	for range 2 {
		Each(t, func(t *testing.T, addr string) {
			ctx, client := bounded(t), connect(t, addr)
			if n := client.DBSize(ctx).Val(); n != 0 {
				t.Errorf("there are %d keys at the start", n)
			}
			must(t, client.Set(ctx, "key", "value", time.Hour).Err())
			if n := client.DBSize(ctx).Val(); n != 1 {
				t.Errorf("there are %d keys", n)
			}
		})
	}
}

func TestServer(t *testing.T) {
	t.Parallel()

	t.Run("LosesEverythingOnRestart", func(t *testing.T) {
		t.Parallel()
		ctx, s := bounded(t), New(t)
		client := connect(t, s.Addr())
		must(t, client.Set(ctx, "key", "value", 0).Err())
		s.Stop()
		s.Stop()
		if err := client.Ping(ctx).Err(); err == nil {
			t.Error("still answers")
		}
		must(t, s.Start())
		must(t, s.Start())
		if n := client.DBSize(ctx).Val(); n != 0 {
			t.Errorf("there are %d keys", n)
		}
	})

	t.Run("ComesBackWithItsSnapshot", func(t *testing.T) {
		t.Parallel()
		ctx, s := bounded(t), New(t)
		client := connect(t, s.Addr())
		must(t, client.Set(ctx, "old", "value", 0).Err())
		must(t, s.Save(ctx))
		must(t, client.Set(ctx, "new", "value", 0).Err())
		s.Stop()
		must(t, s.Start())
		if old, recent := client.Exists(ctx, "old").Val(), client.Exists(ctx, "new").Val(); old != 1 || recent != 0 {
			t.Errorf("old: %d, new: %d", old, recent)
		}
	})

	t.Run("ForgetsOnFlushAll", func(t *testing.T) {
		t.Parallel()
		ctx, s := bounded(t), New(t)
		client := connect(t, s.Addr())
		must(t, client.Set(ctx, "key", "value", 0).Err())
		must(t, s.FlushAll(ctx))
		if n := client.DBSize(ctx).Val(); n != 0 {
			t.Errorf("there are %d keys", n)
		}
	})

	t.Run("DoesNotTakeSomebodyElsesPort", func(t *testing.T) {
		t.Parallel()
		first := New(t)
		second := &Server{program: first.program, dir: t.TempDir(), addr: first.addr}
		if err := second.Start(); err == nil {
			second.Stop()
			t.Error("started on a port in use")
		}
	})
}
