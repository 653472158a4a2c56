package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/postrider/postrider/internal/webhook"
)

var errUnknown = errors.New("postgres is away")

// later asks for the same task again, as deliver.RetryLater does.
type later time.Duration

func (l later) Error() string          { return "later" }
func (l later) RetryIn() time.Duration { return time.Duration(l) }

// age makes a task one that has failed n times: of a protobuf field that stands
// there twice the last one counts. 6 is asynq's "retried".
func (k *kit) age(lane webhook.Lane, task string, n int) {
	k.t.Helper()
	hash := key(lane, "t:"+task)
	msg, err := k.raw.HGet(k.t.Context(), hash, "msg").Bytes()
	must(k.t, err)
	for msg = append(msg, 6<<3); n >= 0x80; n >>= 7 {
		msg = append(msg, byte(n)|0x80)
	}
	must(k.t, k.raw.HSet(k.t.Context(), hash, "msg", append(msg, byte(n))).Err())
}

func TestServers(t *testing.T) {
	t.Parallel()

	on(t, "RunChunksOfEveryLaneOnce", func(t *testing.T, k *kit) {
		ran := make(chan webhook.Chunk, 100)
		k.serve(func(_ context.Context, c webhook.Chunk) error { ran <- c; return nil })
		want := make(map[string]webhook.Chunk)
		for n := range 30 {
			c := sample(n%3+1, n)
			c.Task = webhook.NewTask(webhook.Lanes()[n%3], now())
			want[c.Task] = k.enqueue(c)
		}
		for range 30 {
			got := receive(t, ran)
			c, ok := want[got.Task]
			if !ok || !sameChunk(got, c) {
				t.Errorf("%+v became %+v", c, got)
			}
			delete(want, got.Task)
		}
		k.eventually("all are gone", func() bool {
			left, err := k.raw.Keys(t.Context(), "asynq:*:t:*").Result()
			return err == nil && len(left) == 0
		})
		if len(ran) > 0 {
			t.Errorf("%d ran again", len(ran))
		}
	})

	// In one lane more hangs than its server takes at once.
	const beside = "LeaveRoomBesideAFullLane"
	for _, full := range webhook.Lanes() {
		on(t, beside+"/"+queueName(full), func(t *testing.T, k *kit) {
			end, ran := make(chan struct{}), make(chan string, 20)
			s := NewServers(k.redis, func(_ context.Context, c webhook.Chunk) error {
				ran <- c.Task
				if lane, _ := webhook.LaneOf(c.Task); lane == full {
					<-end
				}
				return nil
			}, ServerConfig{Concurrency: 4, ShutdownTimeout: 5 * time.Second})
			for range 8 {
				k.at(full, now())
			}
			must(t, s.Start())
			defer s.Stop()
			defer close(end)
			receive(t, ran)
			var others []string
			for _, lane := range webhook.Lanes() {
				if lane != full {
					others = append(others, k.at(lane, now()).Task)
				}
			}
			for len(others) > 0 {
				task := receive(t, ran)
				others = slices.DeleteFunc(others, func(other string) bool { return other == task })
			}
		})
	}

	on(t, "RunATaskAgainAfterWhatItAskedFor", func(t *testing.T, k *kit) {
		ran := make(chan time.Time, 10)
		var runs atomic.Int32
		const asked = 1200 * time.Millisecond
		k.serve(func(context.Context, webhook.Chunk) error {
			ran <- now()
			if runs.Add(1) > 2 {
				return nil
			}
			return fmt.Errorf("wrapped: %w", later(asked))
		})
		c := k.at(webhook.LaneRetry, now())
		last := receive(t, ran)
		for range 2 {
			next := receive(t, ran)
			if waited := next.Sub(last); waited < asked {
				t.Errorf("ran again after %s, asked for %s", waited, asked)
			}
			last = next
		}
		k.eventually("it is gone", func() bool { return k.gone(webhook.LaneRetry, c.Task) })
	})

	on(t, "KeepATaskThatCouldNotBeLookedAt", func(t *testing.T, k *kit) {
		ran := make(chan struct{}, 10)
		k.serve(func(context.Context, webhook.Chunk) error { ran <- struct{}{}; return errUnknown })
		before := now()
		c := k.enqueue(sample(2, 10))
		receive(t, ran)
		k.eventually("it waits for its retry", func() bool { return k.info(webhook.LaneDeliver, c.Task).State == asynq.TaskStateRetry })
		info := k.info(webhook.LaneDeliver, c.Task)
		if soon := info.NextProcessAt.Sub(before); soon < 4*time.Second || soon > 15*time.Second {
			t.Errorf("it comes back after %s", soon)
		}
		if dead, err := k.inspector.Dead(t.Context(), []string{c.Task}); err != nil || len(dead) > 0 {
			t.Errorf("it waits and is dead: %v, %v", dead, err)
		}
	})

	on(t, "KeepATaskWhoseHandlerPanics", func(t *testing.T, k *kit) {
		ran := make(chan struct{}, 10)
		k.serve(func(context.Context, webhook.Chunk) error { ran <- struct{}{}; panic("hostile") })
		c := k.enqueue(sample(1, 10))
		receive(t, ran)
		k.eventually("it waits for its retry", func() bool { return k.info(webhook.LaneDeliver, c.Task).State == asynq.TaskStateRetry })
	})

	on(t, "NeverArchive", func(t *testing.T, k *kit) {
		c := k.enqueue(sample(1, 10))
		k.age(webhook.LaneDeliver, c.Task, 1_000_000)
		if n := k.info(webhook.LaneDeliver, c.Task).Retried; n != 1_000_000 {
			t.Fatalf("asynq sees %d retries", n)
		}
		ran := make(chan struct{}, 10)
		k.serve(func(context.Context, webhook.Chunk) error { ran <- struct{}{}; return errUnknown })
		receive(t, ran)
		k.eventually("it was put back", func() bool { return k.info(webhook.LaneDeliver, c.Task).State != asynq.TaskStateActive })
		if info := k.info(webhook.LaneDeliver, c.Task); info.State != asynq.TaskStateRetry || info.Retried != 1_000_001 {
			t.Errorf("it is %s after %d retries", info.State, info.Retried)
		}
		if n := k.archived(); n != 0 {
			t.Errorf("%d are archived", n)
		}
	})

	on(t, "DropAPayloadThatCanNotBeRead", func(t *testing.T, k *kit) {
		ran := make(chan webhook.Chunk, 10)
		k.serve(func(_ context.Context, c webhook.Chunk) error { ran <- c; return nil })
		bad := webhook.NewTask(webhook.LaneDeliver, now())
		_, err := k.client.asynq.EnqueueContext(t.Context(), asynq.NewTask(taskType, []byte("from the future")),
			asynq.TaskID(bad), asynq.Queue("deliver"))
		must(t, err)
		good := k.enqueue(sample(1, 10))
		if c := receive(t, ran); c.Task != good.Task {
			t.Errorf("ran %+v", c)
		}
		k.eventually("the bad one is gone", func() bool { return k.gone(webhook.LaneDeliver, bad) })
		if dead, err := k.inspector.Dead(t.Context(), []string{bad}); err != nil || len(dead) != 1 {
			t.Errorf("audit would not find it: %v, %v", dead, err)
		}
		if len(ran) > 0 || k.archived() > 0 {
			t.Errorf("%d ran, %d are archived", len(ran), k.archived())
		}
	})

	on(t, "TakeNothingAfterStopTakingAndFinishWhatRuns", func(t *testing.T, k *kit) {
		started, end := make(chan string, 10), make(chan struct{})
		s := k.serve(func(_ context.Context, c webhook.Chunk) error {
			started <- c.Task
			<-end
			return nil
		})
		running := k.enqueue(sample(1, 10))
		receive(t, started)
		s.StopTaking()
		waiting := k.enqueue(sample(1, 10))
		close(end)
		s.Stop()
		s.Stop()
		if !k.gone(webhook.LaneDeliver, running.Task) {
			t.Error("what ran did not end")
		}
		if len(started) > 0 || k.info(webhook.LaneDeliver, waiting.Task).State != asynq.TaskStatePending {
			t.Error("it was taken")
		}
		must(t, k.redis.Ping(t.Context())) // the connections are not theirs
	})

	on(t, "PutBackWhatRunsTooLongForAStop", func(t *testing.T, k *kit) {
		started := make(chan string, 10)
		end := make(chan struct{})
		s := NewServers(k.redis, func(_ context.Context, c webhook.Chunk) error {
			started <- c.Task
			<-end
			return nil
		}, ServerConfig{ShutdownTimeout: 100 * time.Millisecond})
		defer close(end)
		must(t, s.Start())
		c := k.enqueue(sample(1, 10))
		receive(t, started)
		s.Stop()
		if info := k.info(webhook.LaneDeliver, c.Task); info.State != asynq.TaskStatePending {
			t.Errorf("it is %s", info.State)
		}
	})
}
