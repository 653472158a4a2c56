package queue

import (
	"context"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/postrider/postrider/internal/redistest"
	"github.com/postrider/postrider/internal/webhook"
)

// key and queueName are of a lane without shards.
func key(lane webhook.Lane, rest string) string { return shard{lane: lane}.key(rest) }
func queueName(lane webhook.Lane) string        { return laneName(lane) }

func now() time.Time { return time.Now() }

// kit is a Redis of the test's own with everything that this package makes of
// it, and asynq's own view of it.
type kit struct {
	t         *testing.T
	redis     *Redis
	url       string
	raw       redis.UniversalClient
	client    *Client
	inspector *Inspector
	asynq     *asynq.Inspector
}

// each runs test on both kinds of Redis.
func each(t *testing.T, test func(t *testing.T, k *kit)) {
	t.Helper()
	redistest.Each(t, func(t *testing.T, addr string) {
		test(t, kitOf(t, "redis://"+addr+"/0"))
	})
}

func kitOf(t *testing.T, url string) *kit {
	t.Helper()
	return kitOn(t, open(t, url), url)
}

func kitOn(t *testing.T, r *Redis, url string) *kit {
	return &kit{
		t: t, redis: r, url: url, raw: r.client, client: NewClient(r), inspector: NewInspector(r),
		asynq: asynq.NewInspectorFromRedisClient(r.client),
	}
}

// onServer is a kit on a redis-server of its own.
func onServer(t *testing.T, args ...string) (*kit, *redistest.Server) {
	t.Helper()
	s := redistest.New(t, args...)
	return kitOf(t, "redis://"+s.Addr()+"/0"), s
}

// on runs a named claim on both kinds of Redis.
func on(t *testing.T, name string, test func(t *testing.T, k *kit)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		t.Parallel()
		each(t, test)
	})
}

// puts makes a task of each chunk.
func (k *kit) puts(chunks []webhook.Chunk) error {
	_, err := k.client.Enqueue(k.t.Context(), chunks)
	return err
}

func (k *kit) enqueue(c webhook.Chunk) webhook.Chunk {
	k.t.Helper()
	must(k.t, k.puts([]webhook.Chunk{c}))
	return c
}

func (k *kit) at(lane webhook.Lane, due time.Time) webhook.Chunk {
	k.t.Helper()
	c := sample(1, 10)
	c.Task = webhook.NewTask(lane, now())
	must(k.t, k.client.EnqueueAt(k.t.Context(), c, due))
	return c
}

func (k *kit) info(lane webhook.Lane, task string) *asynq.TaskInfo {
	k.t.Helper()
	info, err := k.asynq.GetTaskInfo(queueName(lane), task)
	must(k.t, err)
	return info
}

// backlog is how many tasks wait, over all lanes.
func (k *kit) backlog(ctx context.Context) (n int, err error) {
	waiting, err := k.inspector.Waiting(ctx)
	for _, lane := range waiting {
		n += lane
	}
	return n, err
}

// archived is how many tasks asynq has given up on, over all lanes.
func (k *kit) archived() int {
	k.t.Helper()
	n := 0
	for _, lane := range webhook.Lanes() {
		n += int(k.raw.ZCard(k.t.Context(), key(lane, "archived")).Val())
	}
	return n
}

// serve runs servers until the test's end.
func (k *kit) serve(handle Handler) *Servers {
	k.t.Helper()
	s := NewServers(k.redis, handle, ServerConfig{ShutdownTimeout: 5 * time.Second})
	must(k.t, s.Start())
	k.t.Cleanup(s.Stop)
	return s
}

// eventually polls.
func (k *kit) eventually(what string, so func() bool) {
	k.t.Helper()
	ctx, cancel := context.WithTimeout(k.t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !so() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			k.t.Fatalf("not so after a minute: %s", what)
		}
	}
}

// gone: asynq has nothing of the task any more.
func (k *kit) gone(lane webhook.Lane, task string) bool {
	k.t.Helper()
	n, err := k.raw.Exists(k.t.Context(), key(lane, "t:"+task)).Result()
	must(k.t, err)
	return n == 0
}

func receive[T any](t *testing.T, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(time.Minute):
		t.Fatal("nothing came within a minute")
		panic("unreachable")
	}
}
