package queue

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/postrider/postrider/internal/redistest"
	"github.com/postrider/postrider/internal/webhook"
)

// onCluster is a kit on three masters.
func onCluster(t *testing.T, args ...string) (*kit, []*redistest.Server) {
	t.Helper()
	masters := redistest.Cluster(t, 3, args...)
	return kitOf(t, "redis+cluster://"+redistest.Addrs(masters)), masters
}

// with is a kit on the same Redis of a process that has another number of shards.
func (k *kit) with(shards webhook.Shards) *kit {
	k.t.Helper()
	r, err := Open(Config{URL: k.url, Shards: shards})
	must(k.t, err)
	k.t.Cleanup(func() { must(k.t, r.Close()) })
	return kitOn(k.t, r, k.url)
}

// spread enqueues n tasks of every lane in this kit's shards.
func (k *kit) spread(n int) map[string]webhook.Chunk {
	k.t.Helper()
	all := make(map[string]webhook.Chunk)
	var chunks []webhook.Chunk
	for i := range n {
		for _, lane := range webhook.Lanes() {
			c := sample(1, i)
			c.Task = k.redis.Shards().NewTask(lane, now())
			all[c.Task] = c
			chunks = append(chunks, c)
		}
	}
	must(k.t, k.puts(chunks))
	return all
}

// runs waits until each of the tasks has run.
func runs(t *testing.T, ran <-chan string, tasks map[string]webhook.Chunk) {
	t.Helper()
	for len(tasks) > 0 {
		task := receive(t, ran)
		if _, ok := tasks[task]; !ok {
			t.Errorf("%s ran, or ran again", task)
		}
		delete(tasks, task)
	}
}

func (k *kit) taking() <-chan string {
	ran := make(chan string, 1000)
	k.serve(func(_ context.Context, c webhook.Chunk) error { ran <- c.Task; return nil })
	return ran
}

func TestShards(t *testing.T) {
	t.Parallel()

	on(t, "AreAllServedAndCounted", func(t *testing.T, k *kit) {
		k = k.with(4)
		tasks := k.spread(20)
		if n, err := k.backlog(t.Context()); err != nil || n != 60 {
			t.Errorf("%d wait, %v", n, err)
		}
		sizes, latency, err := k.inspector.Sizes(t.Context())
		must(t, err)
		state, err := k.inspector.State(t.Context())
		must(t, err)
		for n, lane := range Names() {
			if sizes[lane]["pending"] != 20 || latency[lane] <= 0 {
				t.Errorf("%s has %v, the oldest for %s", lane, sizes[lane], latency[lane])
			}
			if q := state.Queues[n]; q.Name != lane || q.Pending != 20 || q.OldestPending.IsZero() {
				t.Errorf("%s is shown as %+v", lane, q)
			}
		}
		if len(sizes) != 3 || len(state.Queues) != 3 {
			t.Errorf("there are %d and %d lanes", len(sizes), len(state.Queues))
		}
		runs(t, k.taking(), tasks)
		k.eventually("the worker shows its slots", func() bool {
			state, err := k.inspector.State(t.Context())
			return err == nil && len(state.Workers) == 1 && len(state.Workers[0].Lanes) == 3 && state.Workers[0].Lanes[0].Slots == 256
		})
	})

	// What a process with more of them, or another number, left behind.
	for name, change := range map[string][2]webhook.Shards{
		"FewerLoseNothing": {4, 1}, "MoreLoseNothing": {1, 4}, "OthersLoseNothing": {3, 5},
	} {
		on(t, name, func(t *testing.T, k *kit) {
			before, after := k.with(change[0]), k.with(change[1])
			ran := after.taking()
			runs(t, ran, after.spread(5))
			runs(t, ran, before.spread(10)) // after the others began: as during a rolling change
		})
	}

	on(t, "ThatNobodyRemembersAreServedOnceAuditMeetsThem", func(t *testing.T, k *kit) {
		before, after := k.with(4), k.with(1)
		tasks := before.spread(5)
		must(t, k.raw.Del(t.Context(), registry).Err())
		ran := after.taking()
		scheduler := k.with(1)
		var names []string
		for task := range tasks {
			names = append(names, task)
		}
		if dead, err := scheduler.inspector.Dead(t.Context(), names); err != nil || len(dead) > 0 {
			t.Errorf("they wait and are dead: %v, %v", dead, err)
		}
		runs(t, ran, tasks)
	})

	// A group's hand-over is as many steps as it has tasks, and at most two bells for each
	// queue that they are in.
	t.Run("CostNothingMore", func(t *testing.T) {
		t.Parallel()
		for _, shards := range []webhook.Shards{1, 4} {
			k, server := onServer(t)
			k = k.with(shards)
			k.spread(10)
			server.Do(t, func(ctx context.Context, c *redis.Client) error {
				must(t, c.ConfigResetStat(ctx).Err())
				k.spread(10)
				info, err := c.InfoMap(ctx, "commandstats").Result()
				calls, sent := info["Commandstats"], 0
				for name := range calls {
					switch name {
					case "cmdstat_info", "cmdstat_config|resetstat", "cmdstat_hello", "cmdstat_client|setinfo", "cmdstat_client|maint_notifications":
					default:
						sent++
					}
				}
				bells := callsOf(t, calls["cmdstat_llen"])
				if most := 2 * len(webhook.Lanes()) * int(shards); bells < len(webhook.Lanes()) || bells > most {
					t.Errorf("with %d shards 30 tasks rang %d times, at most %d", shards, bells, most)
				}
				if n := callsOf(t, calls["cmdstat_evalsha"]); n != 30+bells {
					t.Errorf("with %d shards 30 tasks and %d bells took %d scripts", shards, bells, n)
				}
				if sent > 8 { // what the scripts do
					t.Errorf("with %d shards other commands were sent: %v", shards, calls)
				}
				return err
			})
		}
	})

	on(t, "OfTheDeadAreNotRegistered", func(t *testing.T, k *kit) {
		task := webhook.Shards(4).NewTask(webhook.LaneRetry, now())
		if dead, err := k.inspector.Dead(t.Context(), []string{task}); err != nil || len(dead) != 1 {
			t.Errorf("got %v, %v", dead, err)
		}
		if n, err := k.raw.SCard(t.Context(), registry).Result(); err != nil || n != 0 {
			t.Errorf("%d are registered, %v", n, err)
		}
	})
}

func TestCluster(t *testing.T) {
	t.Parallel()

	t.Run("EveryMasterHasQueuesOfEveryLane", func(t *testing.T) {
		t.Parallel()
		k, masters := onCluster(t)
		tasks := k.spread(100)
		for _, m := range masters {
			for _, lane := range Names() {
				m.Do(t, func(ctx context.Context, c *redis.Client) error {
					queues, err := c.Keys(ctx, "asynq:{"+lane+"*}:pending").Result()
					if len(queues) != 2 {
						t.Errorf("%s has %d queues of %s: %s", m.Addr(), len(queues), lane, queues)
					}
					return err
				})
			}
		}
		runs(t, k.taking(), tasks)
	})

	t.Run("KnowsWhichTasksLive", func(t *testing.T) {
		t.Parallel()
		k, masters := onCluster(t)
		tasks := k.spread(30)
		var names []string
		for task := range tasks {
			names = append(names, task)
		}
		if dead, err := k.inspector.Dead(t.Context(), names); err != nil || len(dead) > 0 {
			t.Errorf("of the living %d are dead, %v", len(dead), err)
		}
		must(t, masters[1].FlushAll(t.Context()))
		dead, err := k.inspector.Dead(t.Context(), names)
		if err != nil || len(dead) == 0 || len(dead) == len(names) {
			t.Errorf("after a master forgot %d of %d are dead, %v", len(dead), len(names), err)
		}
		must(t, k.inspector.Forget(t.Context(), dead))
		for _, task := range dead {
			delete(tasks, task)
		}
		runs(t, k.taking(), tasks)
	})

	t.Run("NoticesEachMasterThatForgets", func(t *testing.T) {
		t.Parallel()
		k, masters := onCluster(t)
		_, found, err := k.inspector.Tick(t.Context(), 1)
		if err != nil || found {
			t.Errorf("at first: %v, %v", found, err)
		}
		for n, m := range masters {
			value := int64(10 * (n + 1))
			_, _, err := k.inspector.Tick(t.Context(), value)
			must(t, err)
			if previous, found, err := k.inspector.Tick(t.Context(), value+1); err != nil || !found || previous != value {
				t.Errorf("got %d, %v, %v, want %d", previous, found, err, value)
			}
			must(t, m.FlushAll(t.Context()))
			if _, found, err := k.inspector.Tick(t.Context(), value+2); err != nil || found {
				t.Errorf("master %d forgot: %v, %v", n, found, err)
			}
		}
	})

	t.Run("TakesNoNewTasksWhileOneMasterIsNearlyFull", func(t *testing.T) {
		t.Parallel()
		k, masters := onCluster(t, "--maxmemory", "1gb")
		must(t, k.redis.look(t.Context()))
		if _, err := k.inspector.Waiting(t.Context()); err != nil {
			t.Fatal(err)
		}
		must(t, masters[2].Set(t.Context(), "maxmemory", "1"))
		must(t, k.redis.look(t.Context()))
		if _, err := k.inspector.Waiting(t.Context()); !errors.Is(err, errNearlyFull) && !redis.IsOOMError(err) {
			t.Errorf("got %v", err)
		}
		if err := k.redis.memory.room(); !errors.Is(err, errNearlyFull) {
			t.Errorf("it says %v", err)
		}
		if used, limit := k.redis.memory.figures(); limit != 1 || used <= 1 {
			t.Errorf("the fullest uses %d of %d", used, limit)
		}
	})

	t.Run("SaysThatOneMasterEvicts", func(t *testing.T) {
		t.Parallel()
		k, masters := onCluster(t)
		w := k.watch()
		w.looks(k, 1)
		must(t, w.CheckEviction(t.Context()))
		must(t, masters[1].Set(t.Context(), "maxmemory-policy", "allkeys-lru"))
		k.eventually("the check fails", func() bool { return w.CheckEviction(t.Context()) != nil })
		k.eventually("it is said", func() bool { return w.log.count("maxmemory_policy=allkeys-lru") == 1 })
	})

	t.Run("TellsThoseWhoWatchWhereverTheyAre", func(t *testing.T) {
		t.Parallel()
		k, _ := onCluster(t)
		got := make(chan webhook.LiveAttempts, 10)
		go NewLiveWatch(k.redis, nil).Watch(t.Context(), "ws", func(a webhook.LiveAttempts) { got <- a })
		s := NewLiveSender(k.redis, nil)
		s.Start()
		t.Cleanup(s.Stop)
		k.eventually("it is known that somebody watches", func() bool { return s.Watched("ws") })
		s.Tell("ws", webhook.LiveAttempt{EventType: "tested"})
		if a := receive(t, got); len(a.Attempts) != 1 || a.Attempts[0].EventType != "tested" {
			t.Errorf("got %+v", a)
		}
	})

	t.Run("GoesOnOnceAMasterIsBack", func(t *testing.T) {
		t.Parallel()
		k, masters := onCluster(t)
		ran := k.taking()
		runs(t, ran, k.spread(10))
		masters[0].Stop()
		k.eventually("it takes no tasks", func() bool { return k.redis.Writable(t.Context()) != nil })
		must(t, masters[0].Start())
		k.eventually("it takes tasks again", func() bool { return k.redis.Writable(t.Context()) == nil })
		runs(t, ran, k.spread(10))
	})
}

// callsOf is how often a command was called, of a line of INFO.
func callsOf(t *testing.T, stats string) (n int) {
	t.Helper()
	_, err := fmt.Sscanf(stats, "calls=%d,", &n)
	must(t, err)
	return n
}
