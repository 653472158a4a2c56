package queue

import (
	"context"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/postrider/postrider/internal/webhook"
)

func TestBell(t *testing.T) {
	t.Parallel()

	// Nobody looks by itself: the queue is empty for as long as bells are waited for.
	on(t, "WakesWhoFoundNothing", func(t *testing.T, k *kit) {
		c := k.counted(discard)
		k.eventually("all lanes wait", func() bool { return c.asked[takeTask].Load() >= int64(len(webhook.Lanes())) })
		for _, lane := range webhook.Lanes() {
			bell := bellOf(queueName(lane))
			before := c.asked[takeTask].Load()
			must(t, k.raw.LPush(t.Context(), bell, 1).Err())
			k.eventually("it looks again and takes the token", func() bool {
				return c.asked[takeTask].Load() > before && k.raw.LLen(t.Context(), bell).Val() == 0
			})
		}
	})

	on(t, "IsRungForEachTask", func(t *testing.T, k *kit) {
		var chunks []webhook.Chunk
		for range 5 {
			chunks = append(chunks, sample(1, 10))
		}
		bulk := sample(1, 10)
		bulk.Task = webhook.NewTask(webhook.LaneBulk, now())
		must(t, k.puts(append(chunks, bulk)))
		for lane, want := range map[webhook.Lane]int64{webhook.LaneDeliver: 5, webhook.LaneBulk: 1, webhook.LaneRetry: 0} {
			if n := k.raw.LLen(t.Context(), bellOf(queueName(lane))).Val(); n != want {
				t.Errorf("%s: %d tokens, want %d", laneName(lane), n, want)
			}
		}
		if ttl := k.raw.TTL(t.Context(), bellOf(queueName(webhook.LaneDeliver))).Val(); ttl <= 0 || ttl > time.Minute {
			t.Errorf("it is kept for %s", ttl)
		}
	})

	on(t, "HasFewTokensHoweverManyTasks", func(t *testing.T, k *kit) {
		for range bellTokens + 10 {
			k.enqueue(sample(1, 10))
		}
		if n := k.raw.LLen(t.Context(), bellOf(queueName(webhook.LaneDeliver))).Val(); n != bellTokens {
			t.Errorf("%d tokens", n)
		}
	})

	// As by the release before, or by a process that was killed in between.
	on(t, "IsNotNeeded", func(t *testing.T, k *kit) {
		ran := make(chan string, 1)
		c := k.counted(func(_ context.Context, c webhook.Chunk) error { ran <- c.Task; return nil })
		k.eventually("all lanes wait", func() bool { return c.asked[takeTask].Load() >= int64(len(webhook.Lanes())) })
		chunk := sample(1, 10)
		_, err := k.client.asynq.EnqueueContext(t.Context(), asynq.NewTask(taskType, encodeChunk(chunk)),
			asynq.TaskID(chunk.Task), asynq.Queue(queueName(webhook.LaneDeliver)))
		must(t, err)
		if got := receive(t, ran); got != chunk.Task {
			t.Errorf("ran %s", got)
		}
	})

	// What asynq would do by itself is a look each millisecond, in each lane.
	on(t, "KeepsAnIdleWorkerFromAsking", func(t *testing.T, k *kit) {
		c := k.counted(discard)
		k.eventually("all lanes wait", func() bool { return c.asked[takeTask].Load() >= int64(len(webhook.Lanes())) })
		before, began := c.asked[takeTask].Load(), time.Now()
		<-time.After(10 * bellPatience)
		looks, most := c.asked[takeTask].Load()-before, int64(time.Since(began)/bellPatience+2)*int64(len(webhook.Lanes()))
		if looks > most {
			t.Errorf("%d looks, at most %d are expected", looks, most)
		}
	})
}

func discard(context.Context, webhook.Chunk) error { return nil }
