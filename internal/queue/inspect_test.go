package queue

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/postrider/postrider/internal/webhook"
)

// states are tasks as they stand in Redis, and whether they will ever run.
var states = []struct {
	name string
	dead bool
	make func(k *kit) string
}{
	{"Missing", true, func(*kit) string { return webhook.NewTask(webhook.LaneDeliver, now()) }},
	{"Pending", false, func(k *kit) string { return k.enqueue(sample(1, 10)).Task }},
	{"PendingBulk", false, func(k *kit) string { return k.at(webhook.LaneBulk, now().Add(-time.Minute)).Task }},
	{"Scheduled", false, func(k *kit) string { return k.at(webhook.LaneRetry, now().Add(time.Hour)).Task }},
	{"ScheduledAndOverdue", false, func(k *kit) string {
		return k.scored(k.at(webhook.LaneRetry, now().Add(time.Hour)).Task, "scheduled", -time.Hour)
	}},
	{"ScheduledWithoutATime", true, func(k *kit) string {
		return k.unscored(k.at(webhook.LaneRetry, now().Add(time.Hour)).Task, "scheduled")
	}},
	{"Active", false, func(k *kit) string { return k.active(30 * time.Second) }},
	{"ActiveWithALeaseJustOver", false, func(k *kit) string { return k.active(-5 * time.Second) }},
	{"ActiveWithALeaseLongOver", true, func(k *kit) string { return k.active(-30 * time.Second) }},
	{"ActiveWithoutALease", true, func(k *kit) string { return k.unscored(k.active(30*time.Second), "lease") }}, // asynq#1144
	{"Retry", false, func(k *kit) string { return k.retried() }},
	{"RetryWithoutATime", true, func(k *kit) string { return k.unscored(k.retried(), "retry") }},
	{"Archived", true, func(k *kit) string {
		c := k.enqueue(sample(1, 10))
		must(k.t, k.asynq.ArchiveTask("deliver", c.Task))
		return c.Task
	}},
	{"InAStateThatIsNone", true, func(k *kit) string {
		c := k.enqueue(sample(1, 10))
		k.set(c.Task, "nonsense")
		return c.Task
	}},
	{"WithoutAState", true, func(k *kit) string {
		c := k.enqueue(sample(1, 10))
		must(k.t, k.raw.HDel(k.t.Context(), key(webhook.LaneDeliver, "t:"+c.Task), "state").Err())
		return c.Task
	}},
}

func (k *kit) set(task, state string) {
	k.t.Helper()
	lane, _ := webhook.LaneOf(task)
	must(k.t, k.raw.HSet(k.t.Context(), key(lane, "t:"+task), "state", state).Err())
}

func (k *kit) scored(task, set string, in time.Duration) string {
	k.t.Helper()
	lane, _ := webhook.LaneOf(task)
	must(k.t, k.raw.ZAdd(k.t.Context(), key(lane, set), redis.Z{Score: float64(now().Add(in).Unix()), Member: task}).Err())
	return task
}

func (k *kit) unscored(task, set string) string {
	k.t.Helper()
	lane, _ := webhook.LaneOf(task)
	must(k.t, k.raw.ZRem(k.t.Context(), key(lane, set), task).Err())
	return task
}

// active is a task as asynq leaves it when a worker takes it.
func (k *kit) active(lease time.Duration) string {
	k.t.Helper()
	task := k.enqueue(sample(1, 10)).Task
	must(k.t, k.raw.LRem(k.t.Context(), key(webhook.LaneDeliver, "pending"), 0, task).Err())
	must(k.t, k.raw.LPush(k.t.Context(), key(webhook.LaneDeliver, "active"), task).Err())
	k.set(task, "active")
	return k.scored(task, "lease", lease)
}

// retried is one as asynq leaves it when its handler failed.
func (k *kit) retried() string {
	k.t.Helper()
	task := k.unscored(k.at(webhook.LaneRetry, now().Add(time.Hour)).Task, "scheduled")
	k.set(task, "retry")
	return k.scored(task, "retry", time.Hour)
}

func TestDead(t *testing.T) {
	t.Parallel()
	for _, state := range states {
		on(t, state.name, func(t *testing.T, k *kit) {
			task := state.make(k)
			dead, err := k.inspector.Dead(t.Context(), []string{task})
			must(t, err)
			if slices.Contains(dead, task) != state.dead {
				t.Errorf("dead are %v, want %v", dead, state.dead)
			}
		})
	}

	on(t, "TellsThemApartOverManyPages", func(t *testing.T, k *kit) {
		var tasks, want []string
		for n := range 2*lookUps + 7 {
			if n%3 == 0 {
				tasks = append(tasks, k.enqueue(sample(1, 1)).Task)
				continue
			}
			tasks = append(tasks, webhook.NewTask(webhook.Lanes()[n%3], now()))
			want = append(want, tasks[n])
		}
		dead, err := k.inspector.Dead(t.Context(), tasks)
		if err != nil || !slices.Equal(dead, want) {
			t.Errorf("%d of %d are dead, want %d, %v", len(dead), len(tasks), len(want), err)
		}
		if dead, err := k.inspector.Dead(t.Context(), nil); err != nil || len(dead) > 0 {
			t.Errorf("of none %v are dead, %v", dead, err)
		}
	})

	on(t, "IsNoOneWhenRedisCanNotTell", func(t *testing.T, k *kit) {
		// The first answer is a harmless "no such task"; another look-up fails.
		must(t, k.raw.Set(t.Context(), key(webhook.LaneDeliver, "lease"), "not a set", 0).Err())
		dead, err := k.inspector.Dead(t.Context(), []string{webhook.NewTask(webhook.LaneDeliver, now())})
		if err == nil {
			t.Errorf("dead are %v and no error", dead)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if dead, err := k.inspector.Dead(ctx, []string{webhook.NewTask(webhook.LaneDeliver, now())}); err == nil {
			t.Errorf("dead are %v and no error", dead)
		}
	})
}

func TestTick(t *testing.T) {
	t.Parallel()
	tick := func(k *kit, value int64) (int64, bool) {
		k.t.Helper()
		previous, found, err := k.inspector.Tick(k.t.Context(), value)
		must(k.t, err)
		return previous, found
	}

	on(t, "FindsTheOneBefore", func(t *testing.T, k *kit) {
		if previous, found := tick(k, 7); found {
			t.Errorf("an empty Redis remembers %d", previous)
		}
		for value := int64(8); value < 12; value++ {
			if previous, found := tick(k, value); !found || previous != value-1 {
				t.Errorf("got %d, %v, want %d", previous, found, value-1)
			}
		}
		if previous, found := tick(k, 3); !found || previous != 11 {
			t.Errorf("got %d, %v", previous, found)
		}
	})

	on(t, "IsMissingAfterFlushAll", func(t *testing.T, k *kit) {
		tick(k, 7)
		must(t, k.raw.FlushAll(t.Context()).Err())
		if previous, found := tick(k, 8); found {
			t.Errorf("still remembers %d", previous)
		}
	})

	on(t, "RegistersTheQueuesAgainAfterFlushAll", func(t *testing.T, k *kit) {
		k.enqueue(sample(1, 10))
		must(t, k.raw.FlushAll(t.Context()).Err())
		k.enqueue(sample(1, 10)) // asynq's client registers once in its life
		tick(k, 1)
		queues, err := k.asynq.Queues()
		must(t, err)
		for _, lane := range webhook.Lanes() {
			if !slices.Contains(queues, queueName(lane)) {
				t.Errorf("queue %s is not registered in %v", queueName(lane), queues)
			}
		}
		if info, err := k.asynq.GetQueueInfo("deliver"); err != nil || info.Pending != 1 {
			t.Errorf("asynq sees %+v, %v", info, err)
		}
	})

	on(t, "IsMissingWhereSomethingElseStands", func(t *testing.T, k *kit) {
		must(t, k.raw.Set(t.Context(), tickKey, "nonsense", 0).Err())
		if previous, found := tick(k, 1); found {
			t.Errorf("remembers %d", previous)
		}
		must(t, k.raw.Del(t.Context(), "asynq:queues").Err())
		must(t, k.raw.Set(t.Context(), "asynq:queues", "not a set", 0).Err())
		must(t, k.raw.Del(t.Context(), tickKey).Err())
		if _, _, err := k.inspector.Tick(t.Context(), 1); err == nil {
			t.Error("no error when queues can't be registered and there was no tick")
		}
	})
}

func TestBacklog(t *testing.T) {
	t.Parallel()
	on(t, "CountsWhatWaitsInEveryLane", func(t *testing.T, k *kit) {
		wants := func(want int) {
			t.Helper()
			if n, err := k.backlog(t.Context()); err != nil || n != want {
				t.Errorf("got %d, %v, want %d", n, err, want)
			}
		}
		wants(0)
		for n, lane := range webhook.Lanes() {
			for range n + 1 {
				k.at(lane, now().Add(-time.Minute))
			}
		}
		wants(6)
		lanes, err := k.inspector.Waiting(t.Context())
		must(t, err)
		for n, lane := range webhook.Lanes() {
			if lanes[lane] != n+1 {
				t.Errorf("%d wait in lane %c, want %d", lanes[lane], lane, n+1)
			}
		}
		// Neither what is not due nor what a worker has waits for one.
		k.at(webhook.LaneRetry, now().Add(time.Hour))
		k.active(time.Minute)
		wants(6)
	})

	on(t, "IsAnErrorWhenRedisIsAway", func(t *testing.T, k *kit) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if n, err := k.backlog(ctx); err == nil {
			t.Errorf("got %d", n)
		}
		must(t, k.raw.Set(t.Context(), key(webhook.LaneRetry, "pending"), "no list", 0).Err())
		if n, err := k.backlog(t.Context()); err == nil {
			t.Errorf("got %d", n)
		}
	})
}

// What asynq itself makes of a task that runs is what the inspector looks at.
func TestDeadKnowsATaskThatRuns(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, k *kit) {
		started, end := make(chan string), make(chan struct{})
		k.serve(func(_ context.Context, c webhook.Chunk) error {
			started <- c.Task
			<-end
			return nil
		})
		task := k.enqueue(sample(1, 10)).Task
		if got := receive(t, started); got != task {
			t.Errorf("started %s", got)
		}
		if info := k.info(webhook.LaneDeliver, task); info.State != asynq.TaskStateActive {
			t.Errorf("asynq says it is %s", info.State)
		}
		if dead, err := k.inspector.Dead(t.Context(), []string{task}); err != nil || len(dead) > 0 {
			t.Errorf("it runs and is dead: %v, %v", dead, err)
		}
		close(end)
		k.eventually("it is done and gone", func() bool { return k.gone(webhook.LaneDeliver, task) })
		if dead, err := k.inspector.Dead(t.Context(), []string{task}); err != nil || len(dead) != 1 {
			t.Errorf("it is done and not dead: %v, %v", dead, err)
		}
	})
}
