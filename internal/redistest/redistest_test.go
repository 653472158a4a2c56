package redistest

import (
	"context"
	"strconv"
	"strings"
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
		second := &Server{program: first.program, dir: t.TempDir(), addr: first.addr, args: first.args}
		if err := second.Start(); err == nil {
			second.Stop()
			t.Error("started on a port in use")
		}
	})
}

func TestCluster(t *testing.T) {
	t.Parallel()
	ctx, nodes := bounded(t), Cluster(t, 3)
	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: strings.Split(Addrs(nodes), ",")})
	t.Cleanup(func() { must(t, client.Close()) })
	for n := range 100 {
		must(t, client.Set(ctx, "key"+strconv.Itoa(n), "value", 0).Err())
	}
	for _, node := range nodes {
		node.Do(t, func(ctx context.Context, c *redis.Client) error {
			if n := c.DBSize(ctx).Val(); n == 0 || n == 100 {
				t.Errorf("%s has %d of 100 keys", node.Addr(), n)
			}
			return nil
		})
	}
	nodes[0].Stop()
	must(t, nodes[0].Start())
	awaitCluster(t, nodes)
}

func TestSentinel(t *testing.T) {
	t.Parallel()
	ctx, master := bounded(t), New(t)
	replica := Replica(t, master)
	client := redis.NewFailoverClient(&redis.FailoverOptions{MasterName: MasterName, SentinelAddrs: []string{Sentinel(t, master, replica).Addr()}})
	t.Cleanup(func() { must(t, client.Close()) })
	must(t, client.Set(ctx, "key", "value", 0).Err())
	must(t, client.Wait(ctx, 1, limit).Err())
	master.Stop()
	eventually(t, "the replica has taken over", func() bool { return client.Set(ctx, "key", "another", 0).Err() == nil })
	if v := connect(t, replica.Addr()).Get(ctx, "key").Val(); v != "another" {
		t.Errorf("the replica has %q", v)
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	ctx, s := bounded(t), TLS(t, NewCerts(t))
	s.Do(t, func(ctx context.Context, c *redis.Client) error { return c.Ping(ctx).Err() })
	if err := connect(t, s.Addr()).Ping(ctx).Err(); err == nil {
		t.Error("it answers without TLS")
	}
}
