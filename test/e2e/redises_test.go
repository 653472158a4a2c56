package e2e

import (
	"context"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/postrider/postrider/internal/redistest"
	"github.com/postrider/postrider/test/e2e/stack"
)

// at is one process of each role on a Redis that is not one plain server.
func at(t *testing.T, env ...string) (s service, worker *stack.Process) {
	t.Helper()
	s = service{Stack: stack.New(t), r: stack.NewReceiver(t)}
	s.Env = append(s.Env, env...)
	s.api = s.API(t)
	worker = s.Worker(t)
	s.Scheduler(t)
	s.c = s.Workspace(t, s.api)
	return s, worker
}

func TestRedisOverTLS(t *testing.T) {
	t.Parallel()
	c := redistest.NewCerts(t)
	s, _ := at(t, "POSTRIDER_REDIS_URL=rediss://"+redistest.TLS(t, c).Addr(),
		"POSTRIDER_REDIS_CA_FILE="+c.CA, "POSTRIDER_REDIS_CERT_FILE="+c.ClientCert, "POSTRIDER_REDIS_KEY_FILE="+c.ClientKey)
	s.c.Endpoint(t, s.r, "/", quickRetries)
	s.r.Script("/", stack.Times(10, stack.Status(http.StatusInternalServerError))...)
	events := s.c.PublishBatch(t, "post.created", 200)
	s.r.WaitFor(t, "/", events...)
	s.c.WaitSettled(t)
	if left := s.c.WithStatus(t, "failed"); len(left) > 0 {
		t.Errorf("%d deliveries failed", len(left))
	}
}

// A master dies while its tasks are being delivered; what it had not told its replica
// yet is put back from Postgres.
func TestSentinelPutsAnotherInAMastersPlace(t *testing.T) {
	t.Parallel()
	master := redistest.New(t)
	replica := redistest.Replica(t, master)
	sentinel := redistest.Sentinel(t, master, replica)
	s, worker := at(t, "POSTRIDER_REDIS_URL=redis+sentinel://"+sentinel.Addr()+"/"+redistest.MasterName+"/0")
	s.c.Endpoint(t, s.r, "/", nil)
	s.c.Endpoint(t, s.r, "/retried", stack.Settings{"retry_schedule": []int{1, 1, 1, 1, 1, 1}})
	s.r.Script("/retried", stack.Times(200, stack.FirstAttempt(http.StatusInternalServerError))...)

	all := s.c.PublishBatch(t, "post.created", 400)
	worker.Signal(t, syscall.SIGSTOP) // so that tasks wait in the master when it dies
	all = append(all, s.c.PublishBatch(t, "post.created", 400)...)
	all = append(all, s.c.PublishBatch(t, "post.created", 400)...)
	master.Stop()
	worker.Signal(t, syscall.SIGCONT)
	for range 20 { // nobody who publishes notices
		all = append(all, s.c.Publish(t, "post.created").ID)
	}
	s.waitCheck(t, worker, "redis", "ok", http.StatusOK)
	all = append(all, s.c.PublishBatch(t, "post.created", 400)...)
	s.r.WaitFor(t, "/", all...)
	s.r.WaitFor(t, "/retried", all...)
	s.c.WaitSettled(t)
	s.wantAtMostTwice(t, "/", all)
	if left := s.c.WithStatus(t, "failed"); len(left) > 0 {
		t.Errorf("%d deliveries failed", len(left))
	}
	replica.Do(t, func(ctx context.Context, c *redis.Client) error {
		if n := c.Exists(ctx, "asynq:queues").Val(); n != 1 {
			t.Error("the replica is not who was used in the end")
		}
		return nil
	})
}

// pending is how many queues of a lane with tasks that wait, and how many tasks in
// them, a master has.
func pending(t *testing.T, master *redistest.Server, lane string) (queues, tasks int) {
	t.Helper()
	master.Do(t, func(ctx context.Context, c *redis.Client) error {
		keys, err := c.Keys(ctx, "asynq:{"+lane+"*}:pending").Result()
		for _, key := range keys {
			tasks += int(c.LLen(ctx, key).Val())
		}
		queues = len(keys)
		return err
	})
	return queues, tasks
}

func TestCluster(t *testing.T) {
	t.Parallel()
	masters := redistest.Cluster(t, 3, "--maxmemory", "256mb")
	s, worker := at(t, "POSTRIDER_REDIS_URL=redis+cluster://"+redistest.Addrs(masters), "POSTRIDER_BREAKER_FAILURES=5", "POSTRIDER_BREAKER_WINDOW=0s")
	paths := []string{"/a", "/b", "/c", "/retried"}
	for _, path := range paths {
		s.c.Endpoint(t, s.r, path, stack.Settings{"retry_schedule": []int{1, 1, 1, 1, 1, 1}})
	}
	s.r.Script("/retried", stack.Times(3, stack.Status(http.StatusInternalServerError))...)
	s.c.Endpoint(t, s.r, "/limited", stack.Settings{"events": []string{"limited"}, "rate_limit": 100})
	broken := s.c.Endpoint(t, s.r, "/broken", stack.Settings{"events": []string{"broken"}, "retry_schedule": []int{}})
	s.r.Script("/broken", stack.Times(1000, stack.Status(http.StatusInternalServerError))...)

	// Thousands of deliveries, some of them again, some at their rate.
	begin := time.Now()
	var all []string
	for range 5 {
		all = append(all, s.c.PublishBatch(t, "post.created", 200)...)
	}
	limited := s.c.PublishBatch(t, "limited", 100)
	failed := s.c.PublishBatch(t, "broken", 20)
	// What is decided only after the flush may decide nothing.
	stack.Eventually(t, "the breaker opens", func() bool { return len(s.c.WithStatus(t, "failed")) >= 5 })

	// Tasks are on every master when one of them forgets everything.
	worker.Signal(t, syscall.SIGSTOP)
	for range 5 {
		for range 12 { // a group each, so that there are many tasks
			all = append(all, s.c.PublishBatch(t, "post.created", 10)...)
		}
	}
	for _, m := range masters {
		stack.Eventually(t, "a master has tasks of first attempts", func() bool {
			queues, tasks := pending(t, m, "deliver")
			return queues > 0 && tasks > 0
		})
	}
	if err := masters[1].FlushAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	worker.Signal(t, syscall.SIGCONT)
	for _, path := range paths {
		s.r.WaitFor(t, path, all...)
	}
	s.r.WaitFor(t, "/limited", limited...)

	// One goes away for a while, and comes back with nothing.
	masters[2].Stop()
	for range 10 {
		all = append(all, s.c.Publish(t, "post.created").ID)
	}
	s.waitCheck(t, worker, "redis", "failed", http.StatusServiceUnavailable)
	all = append(all, s.c.PublishBatch(t, "post.created", 100)...)
	if err := masters[2].Start(); err != nil {
		t.Fatal(err)
	}
	s.waitCheck(t, worker, "redis", "ok", http.StatusOK)
	all = append(all, s.c.PublishBatch(t, "post.created", 100)...)
	for _, path := range paths {
		s.r.WaitFor(t, path, all...)
		s.wantAtMostTwice(t, path, all)
	}

	// The broken one moves: what its breaker holds goes there, and what failed for good
	// is replayed.
	s.r.Knows("/mended", broken.Secret)
	s.c.Call(t, http.MethodPatch, "/v1/endpoints/"+broken.ID, map[string]any{"url": s.r.URL + "/mended"}, http.StatusOK, nil)
	s.c.WaitSettled(t)
	if n := len(s.c.WithStatus(t, "failed")); n < 5 || n > len(failed) {
		t.Errorf("%d failed for good", n)
	}
	s.c.Call(t, http.MethodPost, "/v1/endpoints/"+broken.ID+"/replay", map[string]any{"since": begin.Add(-time.Minute)}, http.StatusAccepted, nil)
	s.r.WaitFor(t, "/mended", failed...)
	s.c.WaitSettled(t)

	var q struct {
		Queues []struct {
			Name            string
			Pending, Active int
		}
		Workers []struct{ Queues []struct{ Name string } }
	}
	s.Admin(s.api).Call(t, http.MethodGet, "/v1/queues", nil, http.StatusOK, &q)
	if len(q.Queues) != 3 || len(q.Workers) != 1 || len(q.Workers[0].Queues) != 3 {
		t.Errorf("the queues are shown as %+v", q)
	}
	if said := worker.Said(t); strings.Contains(said, "CROSSSLOT") || strings.Contains(s.api.Said(t), "CROSSSLOT") {
		t.Error("keys of several slots were used at once")
	}
}
