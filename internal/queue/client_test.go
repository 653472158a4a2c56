package queue

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/postrider/postrider/internal/webhook"
)

func TestEnqueue(t *testing.T) {
	t.Parallel()

	on(t, "PutsEachChunkIntoItsLane", func(t *testing.T, k *kit) {
		for _, lane := range webhook.Lanes() {
			c := sample(3, 10)
			c.Task = webhook.NewTask(lane, now())
			k.enqueue(c)
			info := k.info(lane, c.Task)
			got, err := decodeChunk(c.Task, info.Payload)
			if err != nil || !sameChunk(got, c) {
				t.Errorf("%+v became %+v, %v", c, got, err)
			}
			if info.State != asynq.TaskStatePending || info.MaxRetry != math.MaxInt32 || info.Retention != 0 || info.Timeout != taskTimeout {
				t.Errorf("the task is %+v", info)
			}
		}
	})

	on(t, "TwiceIsOnceAndNoError", func(t *testing.T, k *kit) {
		c := k.enqueue(sample(1, 10))
		k.enqueue(c)
		must(t, k.client.EnqueueAt(t.Context(), c, now().Add(time.Hour)))
		if n, err := k.backlog(t.Context()); n != 1 || err != nil {
			t.Errorf("%d tasks wait, %v", n, err)
		}
	})

	on(t, "GoesOnAfterOneThatIsThereAlready", func(t *testing.T, k *kit) {
		chunks := []webhook.Chunk{sample(1, 10), k.enqueue(sample(1, 10)), sample(1, 10)}
		must(t, k.puts(chunks))
		if n, err := k.backlog(t.Context()); n != 3 || err != nil {
			t.Errorf("%d tasks wait, %v", n, err)
		}
	})

	on(t, "RefusesATaskWithoutALane", func(t *testing.T, k *kit) {
		c := sample(1, 10)
		c.Task = "w_worker"
		if _, err := k.client.Enqueue(t.Context(), []webhook.Chunk{c}); err == nil {
			t.Error("no error")
		}
	})

	on(t, "SaysWhatItLeftUndone", func(t *testing.T, k *kit) {
		wrong := sample(1, 10)
		wrong.Task = "w_worker"
		chunks := []webhook.Chunk{sample(1, 10), sample(1, 10), wrong, sample(1, 10)}
		left, err := k.client.Enqueue(t.Context(), chunks)
		if err == nil || len(left) != 2 || left[0].Task != wrong.Task || left[1].Task != chunks[3].Task {
			t.Errorf("%d are left: %v", len(left), err)
		}
		if n, err := k.backlog(t.Context()); n != 2 || err != nil {
			t.Errorf("%d tasks wait, %v", n, err)
		}
	})

	on(t, "IsOverWhenItsContextIs", func(t *testing.T, k *kit) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		c := sample(1, 10)
		if _, err := k.client.Enqueue(ctx, []webhook.Chunk{c}); err == nil {
			t.Error("no error")
		}
		if !k.gone(webhook.LaneDeliver, c.Task) {
			t.Error("enqueued all the same")
		}
	})
}

func TestEnqueueAt(t *testing.T) {
	t.Parallel()

	on(t, "IsNeverEarlyAndLessThanASecondLate", func(t *testing.T, k *kit) {
		base := now().Add(time.Hour).Truncate(time.Second)
		for _, past := range []time.Duration{0, 1, time.Millisecond, 499 * time.Millisecond, time.Second - 1} {
			due := base.Add(past)
			c := k.at(webhook.LaneRetry, due)
			info := k.info(webhook.LaneRetry, c.Task)
			if late := info.NextProcessAt.Sub(due); info.State != asynq.TaskStateScheduled || late < 0 || late >= time.Second {
				t.Errorf("due %s: the task is %s at %s", due, info.State, info.NextProcessAt)
			}
		}
	})

	on(t, "InThePastIsNow", func(t *testing.T, k *kit) {
		c := k.at(webhook.LaneRetry, now().Add(-time.Hour))
		if info := k.info(webhook.LaneRetry, c.Task); info.State != asynq.TaskStatePending {
			t.Errorf("the task is %s", info.State)
		}
	})
}

func TestRetryDelay(t *testing.T) {
	t.Parallel()
	again := retryDelay(newClock())
	// asynq adds the delay to a clock that has moved on and cuts it to the second.
	for _, asked := range []time.Duration{0, time.Millisecond, time.Second, 1500 * time.Millisecond, time.Hour} {
		before := now()
		delay := again(0, later(asked), nil)
		due := now().Add(delay).Truncate(time.Second)
		if due.Before(before.Add(asked)) {
			t.Errorf("asked for %s, it is %s early", asked, before.Add(asked).Sub(due))
		}
		if delay >= asked+time.Second {
			t.Errorf("asked for %s, got %s", asked, delay)
		}
	}
	if d := again(3, asynq.ErrLeaseExpired, nil); d != 0 {
		t.Errorf("a dead worker's task waits %s", d)
	}
	if d := again(1000, errUnknown, nil); d < 5*time.Second || d >= 6*time.Second {
		t.Errorf("after an unknown error it waits %s", d)
	}
}
