package local

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

func TestRedis(t *testing.T) {
	t.Parallel()

	t.Run("ExpiresKeysByTheClock", func(t *testing.T) {
		t.Parallel()
		ctx := bounded(t)
		r, err := StartRedis()
		must(t, err)
		defer r.Close()
		opts, err := redis.ParseURL(r.URL())
		must(t, err)
		client := redis.NewClient(opts)
		defer client.Close()
		must(t, client.Set(ctx, "short", "1", time.Millisecond).Err())
		must(t, client.Set(ctx, "long", "1", time.Hour).Err())
		eventually(t, "short expired", func() bool { return client.Exists(ctx, "short").Val() == 0 })
		if client.Exists(ctx, "long").Val() != 1 {
			t.Error("long is gone too")
		}
	})

	t.Run("ClosesTwice", func(t *testing.T) {
		t.Parallel()
		r, err := StartRedis()
		must(t, err)
		r.Close()
		r.Close()
	})
}
