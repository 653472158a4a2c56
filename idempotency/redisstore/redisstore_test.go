package redisstore

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/postrider/postrider/idempotency"
	"github.com/postrider/postrider/idempotency/internal/storetest"
	"github.com/postrider/postrider/internal/redistest"
)

func connect(t *testing.T, addr string) *redis.Client {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: addr})
	t.Cleanup(func() { client.Close() })
	return client
}

func TestStore(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, addr string) {
		storetest.Run(t, New(connect(t, addr), Config{}))
	})
}

func TestKeys(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, addr string) {
		client := connect(t, addr)
		one, other := New(client, Config{}), New(client, Config{Prefix: "other:"})
		for _, s := range []*Store{one, other} {
			if first, err := s.Claim(t.Context(), "key", time.Hour); !first || err != nil {
				t.Errorf("%s: %t, %v", s.prefix, first, err)
			}
		}
		if err := one.Commit(t.Context(), "done", time.Hour); err != nil {
			t.Error(err)
		}
		for _, key := range []string{DefaultPrefix + "key", "other:key", DefaultPrefix + "done"} {
			if ttl := client.PTTL(t.Context(), key).Val(); ttl <= 0 || ttl > time.Hour {
				t.Errorf("%s ends after %s", key, ttl)
			}
		}
	})
}

// A client asks again when an answer gets lost, and must not find itself in its way.
func TestBeginAskedTwice(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, addr string) {
		s := New(connect(t, addr), Config{})
		for range 2 {
			if token, state, err := s.begin(t.Context(), "key", "mine", time.Hour); token != "mine" || state != idempotency.Claimed || err != nil {
				t.Errorf("got %q, %s, %v", token, state, err)
			}
		}
		if _, state, err := s.begin(t.Context(), "key", "another's", time.Hour); state != idempotency.Held || err != nil {
			t.Errorf("got %s, %v", state, err)
		}
	})
}

func TestRedisAway(t *testing.T) {
	t.Parallel()
	server := redistest.New(t)
	client := redis.NewClient(&redis.Options{Addr: server.Addr(), MaxRetries: -1, DialerRetries: 1})
	defer client.Close()
	s := New(client, Config{})
	server.Stop()
	token, state, err := s.Begin(t.Context(), "key", time.Hour)
	if err == nil || token != "" || state != 0 {
		t.Errorf("begin: %q, %s, %v", token, state, err)
	}
	if first, err := s.Claim(t.Context(), "key", time.Hour); err == nil || first {
		t.Errorf("claim: %t, %v", first, err)
	}
	if err := s.Commit(t.Context(), "key", time.Hour); err == nil {
		t.Error("commit: no error")
	}
	if err := s.Release(t.Context(), "key", "token"); err == nil {
		t.Error("release: no error")
	}
}
