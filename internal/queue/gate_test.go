package queue

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/postrider/postrider/internal/redistest"
	"github.com/postrider/postrider/internal/webhook"
)

// counter counts what asynq's servers ask for, and what of it failed. It stands
// behind the gate.
type counter struct {
	asked, failed [extendLeases + 1]atomic.Int64
}

func (c *counter) DialHook(next redis.DialHook) redis.DialHook { return next }
func (c *counter) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}
func (c *counter) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		e := errandOf(cmd)
		c.asked[e].Add(1)
		err := next(ctx, cmd)
		if err != nil && !errors.Is(err, redis.Nil) {
			c.failed[e].Add(1)
		}
		return err
	}
}

// counted runs servers until the test's end and counts what they ask Redis for.
func (k *kit) counted(handle Handler) *counter {
	k.t.Helper()
	c := &counter{}
	s := NewServers(k.redis, handle, ServerConfig{ShutdownTimeout: 5 * time.Second})
	s.client.AddHook(c)
	must(k.t, s.Start())
	k.t.Cleanup(s.Stop)
	return c
}

func TestGate(t *testing.T) {
	t.Parallel()

	on(t, "KnowsEveryErrandOfAsynq", func(t *testing.T, k *kit) {
		started, end := make(chan struct{}, 1), make(chan struct{})
		defer close(end)
		c := k.counted(func(context.Context, webhook.Chunk) error {
			started <- struct{}{}
			<-end // longer than until asynq extends its lease
			return nil
		})
		k.enqueue(sample(1, 10))
		receive(t, started)
		for e := takeTask; e <= extendLeases; e++ {
			k.eventually("asynq has done it", func() bool { return c.asked[e].Load() > 0 })
		}
	})

	for name, step := range steps {
		on(t, "ShutsWhileTheClockIsOffAndOpensAgain/"+name, func(t *testing.T, k *kit) {
			var h hands
			h.put(k.redis)
			ran := make(chan string, 10)
			c := k.counted(func(_ context.Context, c webhook.Chunk) error { ran <- c.Task; return nil })
			before := k.enqueue(sample(1, 10))
			if got := receive(t, ran); got != before.Task {
				t.Fatalf("ran %s", got)
			}
			k.eventually("it is done", func() bool { return k.gone(webhook.LaneDeliver, before.Task) })

			h.step(step)
			var reached int64
			k.eventually("nothing is on its way to Redis any more", func() bool {
				before := reached
				reached = c.asked[takeTask].Load()
				<-time.After(100 * time.Millisecond) // a lane asks every 5, or every 100
				return reached == before
			})
			waiting := k.enqueue(sample(1, 10))
			scheduled := k.at(webhook.LaneRetry, now().Add(step).Add(-time.Minute)) // due whatever the clock says
			must(t, k.raw.ZAdd(t.Context(), key(webhook.LaneRetry, "scheduled"), redis.Z{Score: 1, Member: scheduled.Task}).Err())
			asked := k.redis.clock.read().mono
			k.eventually("it has been compared a few times", func() bool { return k.redis.clock.read().mono-asked > 2*time.Second })
			if n := c.asked[takeTask].Load() - reached; n > 0 {
				t.Errorf("Redis was asked for a task %d times", n)
			}
			if len(ran) > 0 {
				t.Errorf("%s ran", <-ran)
			}
			if info := k.info(webhook.LaneDeliver, waiting.Task); info.State != asynq.TaskStatePending {
				t.Errorf("what waits is %s", info.State)
			}

			h.step(-step)
			got := map[string]bool{receive(t, ran): true, receive(t, ran): true}
			if !got[waiting.Task] || !got[scheduled.Task] {
				t.Errorf("ran %v", got)
			}
		})
	}

	on(t, "ExtendsNoLeaseByAClockThatIsOff", func(t *testing.T, k *kit) {
		var h hands
		h.put(k.redis)
		started, end := make(chan struct{}, 1), make(chan struct{})
		c := k.counted(func(context.Context, webhook.Chunk) error {
			started <- struct{}{}
			<-end
			return nil
		})
		task := k.enqueue(sample(1, 10))
		receive(t, started)
		h.step(-5 * time.Minute)
		leases, err := k.inspector.Leases(t.Context())
		must(t, err)
		tried := c.asked[extendLeases].Load()
		asked := k.redis.clock.read().mono
		k.eventually("asynq would have extended it", func() bool { return k.redis.clock.read().mono-asked > 6*time.Second })
		after, err := k.inspector.Leases(t.Context())
		must(t, err)
		if leases[task.Task] == 0 || after[task.Task] != leases[task.Task] || c.asked[extendLeases].Load() != tried {
			t.Errorf("the lease moved from %d to %d", leases[task.Task], after[task.Task])
		}
		// What it has begun it may end.
		close(end)
		k.eventually("it is done", func() bool { return k.gone(webhook.LaneDeliver, task.Task) })
	})
}

// fill makes a Redis that takes nothing more; empty makes it take again.
func fill(t *testing.T, s *redistest.Server) {
	t.Helper()
	must(t, s.Set(t.Context(), "maxmemory", "1"))
}

func empty(t *testing.T, s *redistest.Server) {
	t.Helper()
	must(t, s.Set(t.Context(), "maxmemory", "0"))
}

func isNearlyFull(err error) bool { return errors.Is(err, errNearlyFull) }

func TestFullRedis(t *testing.T) {
	t.Parallel()

	t.Run("IsNotAskedOverAndOverAndGivesItsTasksOutLater", func(t *testing.T) {
		t.Parallel()
		k, server := onServer(t)
		first, retry := k.enqueue(sample(1, 10)), k.at(webhook.LaneRetry, now().Add(time.Second))
		fill(t, server)
		ran := make(chan string, 10)
		start := now()
		c := k.counted(func(_ context.Context, c webhook.Chunk) error { ran <- c.Task; return nil })
		const rounds = 4
		refused := func() int64 { return c.failed[takeTask].Load() }
		k.eventually("Redis has refused a few times", func() bool { return refused() > int64(rounds*len(webhook.Lanes())) })
		if took := now().Sub(start); took < (rounds-1)*refusedPause {
			t.Errorf("Redis was asked %d times in %s", refused(), took)
		}
		if len(ran) > 0 {
			t.Errorf("%s ran", <-ran)
		}
		empty(t, server)
		got := map[string]bool{receive(t, ran): true, receive(t, ran): true}
		if !got[first.Task] || !got[retry.Task] {
			t.Errorf("ran %v", got)
		}
	})

	t.Run("LetsATaskEndThatHasBegun", func(t *testing.T) {
		t.Parallel()
		k, server := onServer(t)
		started, end := make(chan struct{}, 2), make(chan error, 2)
		k.serve(func(context.Context, webhook.Chunk) error {
			started <- struct{}{}
			return <-end
		})
		k.enqueue(sample(1, 10))
		k.enqueue(sample(1, 10))
		receive(t, started)
		receive(t, started)
		fill(t, server)
		end <- nil
		end <- later(time.Hour)
		k.eventually("one is gone and one waits for its retry", func() bool {
			return k.raw.LLen(t.Context(), key(webhook.LaneDeliver, "active")).Val() == 0 &&
				k.raw.ZCard(t.Context(), key(webhook.LaneDeliver, "retry")).Val() == 1
		})
	})

	t.Run("IsSaidByWhateverAsks", func(t *testing.T) {
		t.Parallel()
		k, server := onServer(t)
		asks := map[string]func() error{
			"Writable": func() error { return k.redis.Writable(t.Context()) },
			"Waiting":  func() error { _, err := k.inspector.Waiting(t.Context()); return err },
			"Backlog":  func() error { _, err := k.backlog(t.Context()); return err },
			"Leases":   func() error { _, err := k.inspector.Leases(t.Context()); return err },
			"Enqueue":  func() error { return k.puts([]webhook.Chunk{sample(1, 10)}) },
		}
		for name, ask := range asks {
			if err := ask(); err != nil {
				t.Errorf("%s of one that is not: %v", name, err)
			}
		}
		if n := k.raw.Exists(t.Context(), "postrider:probe:{deliver}").Val(); n != 0 {
			t.Error("asking leaves something behind")
		}
		fill(t, server)
		for name, ask := range asks {
			if err := ask(); err == nil {
				t.Errorf("%s says nothing", name)
			}
		}
		empty(t, server)
		for name, ask := range asks {
			if err := ask(); err != nil {
				t.Errorf("%s of one that is not any more: %v", name, err)
			}
		}
	})

	t.Run("IsNotMadeFullByTasks", func(t *testing.T) {
		t.Parallel()
		k, server := onServer(t)
		must(t, k.raw.Set(t.Context(), "somebody's", make([]byte, 32<<20), 0).Err())
		used := func() int64 { must(t, k.redis.look(t.Context())); return k.redis.memory.used }
		limit := func(free int64) {
			t.Helper()
			must(t, server.Set(t.Context(), "maxmemory", strconv.FormatInt(used()+free, 10)))
		}
		limit(64 << 20)
		if _, err := k.inspector.Waiting(t.Context()); err != nil {
			t.Errorf("with 64 MiB free: %v", err)
		}
		limit(1 << 20)
		if _, err := k.inspector.Waiting(t.Context()); !isNearlyFull(err) {
			t.Errorf("with 1 MiB free: %v", err)
		}
		c := sample(1, 10)
		c.Task = webhook.NewTask(webhook.LaneRetry, now())
		if err := k.client.EnqueueAt(t.Context(), c, now().Add(time.Hour)); !isNearlyFull(err) {
			t.Errorf("a retry with 1 MiB free: %v", err)
		}
		// It gives its tasks out still, and that is what makes room.
		ran := make(chan string, 1)
		k.serve(func(_ context.Context, c webhook.Chunk) error { ran <- c.Task; return nil })
		must(t, k.puts([]webhook.Chunk{sample(1, 10)}))
		receive(t, ran)
		limit(64 << 20)
		if _, err := k.inspector.Waiting(t.Context()); err != nil {
			t.Errorf("with 64 MiB free again: %v", err)
		}
	})

	t.Run("OrOneThatCanNotSaveIsSaidToBeThat", func(t *testing.T) {
		t.Parallel()
		k, server := onServer(t)
		snapshot := filepath.Join(k.raw.ConfigGet(t.Context(), "dir").Val()["dir"], "dump.rdb")
		must(t, server.Set(t.Context(), "save", "3600 1"))
		must(t, os.Mkdir(snapshot, 0o700)) // where Redis would have its file
		must(t, k.raw.BgSave(t.Context()).Err())
		k.eventually("it is said", func() bool {
			err := k.redis.Writable(t.Context())
			return err != nil && strings.Contains(err.Error(), "often a full disk")
		})
		must(t, os.Remove(snapshot))
		must(t, k.raw.BgSave(t.Context()).Err())
		k.eventually("it takes tasks", func() bool { return k.redis.Writable(t.Context()) == nil })
	})

	t.Run("OfAReplicaIsNoPlaceForTasks", func(t *testing.T) {
		t.Parallel()
		k, _ := onServer(t)
		must(t, k.raw.SlaveOf(t.Context(), "127.0.0.1", "1").Err())
		if err := k.redis.Writable(t.Context()); err == nil {
			t.Error("it is writable")
		}
		must(t, k.raw.SlaveOf(t.Context(), "NO", "ONE").Err())
		must(t, k.redis.Writable(t.Context()))
	})
}
