package queue

import (
	"context"
	"reflect"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/postrider/postrider/internal/webhook"
)

func (k *kit) leases() map[string]int64 {
	k.t.Helper()
	leases, err := k.inspector.Leases(k.t.Context())
	must(k.t, err)
	return leases
}

func (k *kit) running(tasks ...string) []webhook.Chunk {
	k.t.Helper()
	chunks, err := k.inspector.Running(k.t.Context(), tasks)
	must(k.t, err)
	return chunks
}

func TestLeases(t *testing.T) {
	t.Parallel()

	on(t, "AreThoseOfTasksThatRunInEveryLane", func(t *testing.T, k *kit) {
		if leases := k.leases(); len(leases) > 0 {
			t.Errorf("an empty Redis has %v", leases)
		}
		k.enqueue(sample(1, 10))
		k.at(webhook.LaneRetry, now().Add(time.Hour))
		k.retried()
		first, second := k.active(30*time.Second), k.active(-time.Minute)
		third := k.scored(webhook.NewTask(webhook.LaneRetry, now()), "lease", 10*time.Second)
		leases := k.leases()
		if len(leases) != 3 || leases[first]-leases[second] < 85 || leases[third] == 0 {
			t.Errorf("got %v, want %s, %s and %s", leases, first, second, third)
		}
	})

	on(t, "LeaveOutWhatAsynqHasForgotten", func(t *testing.T, k *kit) {
		k.active(-oldLease - 10*time.Second)
		if leases := k.leases(); len(leases) > 0 {
			t.Errorf("got %v", leases)
		}
	})

	on(t, "AreBoundedAndTheFirstToEnd", func(t *testing.T, k *kit) {
		many := make([]redis.Z, maxLeases+5)
		for i := range many {
			many[i] = redis.Z{Score: float64(now().Unix() + int64(i)), Member: webhook.NewTask(webhook.LaneDeliver, now())}
		}
		must(t, k.raw.ZAdd(t.Context(), key(webhook.LaneDeliver, "lease"), many...).Err())
		leases := k.leases()
		_, first := leases[many[0].Member.(string)]
		_, last := leases[many[maxLeases].Member.(string)]
		if len(leases) != maxLeases || !first || last {
			t.Errorf("got %d, the first %v, one too many %v", len(leases), first, last)
		}
	})

	on(t, "AreAnErrorWhenRedisCanNotTell", func(t *testing.T, k *kit) {
		must(t, k.raw.Set(t.Context(), key(webhook.LaneRetry, "lease"), "not a set", 0).Err())
		if leases, err := k.inspector.Leases(t.Context()); err == nil {
			t.Errorf("got %v and no error", leases)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if leases, err := k.inspector.Leases(ctx); err == nil {
			t.Errorf("got %v and no error", leases)
		}
	})
}

func TestRunning(t *testing.T) {
	t.Parallel()

	on(t, "IsWhatWorkersHaveTakenAndNothingThatWillRunAnyway", func(t *testing.T, k *kit) {
		task := k.active(10 * time.Second)
		pending, scheduled := k.enqueue(sample(1, 10)).Task, k.at(webhook.LaneRetry, now().Add(time.Hour)).Task
		chunks := k.running(pending, scheduled, k.retried(), webhook.NewTask(webhook.LaneBulk, now()), task)
		if len(chunks) != 1 || chunks[0].Task != task {
			t.Errorf("got %v", chunks)
		}
	})

	on(t, "LeavesOutAPayloadThatItCannotRead", func(t *testing.T, k *kit) {
		strange, known := webhook.NewTask(webhook.LaneDeliver, now()), k.active(10*time.Second)
		_, err := k.client.asynq.EnqueueContext(t.Context(), asynq.NewTask(taskType, []byte{99}), asynq.TaskID(strange), asynq.Queue("deliver"))
		must(t, err)
		k.set(strange, "active")
		if chunks := k.running(strange, known); len(chunks) != 1 || chunks[0].Task != known {
			t.Errorf("got %v", chunks)
		}
	})

	on(t, "IsAnErrorWhenRedisCanNotTell", func(t *testing.T, k *kit) {
		task := k.active(10 * time.Second)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if chunks, err := k.inspector.Running(ctx, []string{task}); err == nil {
			t.Errorf("got %v and no error", chunks)
		}
		must(t, k.raw.Del(t.Context(), "asynq:queues").Err())
		must(t, k.raw.Set(t.Context(), "asynq:queues", "not a set", 0).Err())
		if chunks, err := k.inspector.Running(t.Context(), []string{task}); err == nil {
			t.Errorf("got %v and no error", chunks)
		}
	})
}

// What asynq itself does for a task that runs is what the scheduler goes by.
func TestALivingWorkersLeaseMoves(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, k *kit) {
		started, end := make(chan string), make(chan struct{})
		k.serve(func(_ context.Context, c webhook.Chunk) error {
			started <- c.Task
			<-end
			return nil
		})
		chunk := k.enqueue(sample(3, 10))
		task := receive(t, started)
		lease := k.leases()[task]
		if lease == 0 {
			t.Error("it runs and has no lease")
		}
		if chunks := k.running(task); len(chunks) != 1 || !reflect.DeepEqual(chunks[0].Members, chunk.Members) {
			t.Errorf("it runs with %v, want %v", chunks, chunk.Members)
		}
		k.eventually("its lease is extended", func() bool { return k.leases()[task] > lease })
		close(end)
		k.eventually("it is done and has no lease", func() bool { return len(k.leases()) == 0 })
		if chunks := k.running(task); len(chunks) > 0 {
			t.Errorf("it is done and runs: %v", chunks)
		}
	})
}
