package queue

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/postrider/postrider/internal/webhook"
)

func TestSizes(t *testing.T) {
	t.Parallel()
	on(t, "CountTasksByQueueAndState", func(t *testing.T, k *kit) {
		k.enqueue(sample(1, 10))
		k.enqueue(sample(1, 10))
		k.active(30 * time.Second)
		k.at(webhook.LaneRetry, now().Add(time.Hour))
		k.retried()
		tasks, latency, err := k.inspector.Sizes(t.Context())
		must(t, err)
		for queue, states := range map[string]map[string]int{
			"deliver": {"pending": 2, "active": 1, "scheduled": 0, "retry": 0},
			"retry":   {"pending": 0, "active": 0, "scheduled": 1, "retry": 1},
			"bulk":    {"pending": 0, "active": 0, "scheduled": 0, "retry": 0},
		} {
			for state, want := range states {
				if got := tasks[queue][state]; got != want {
					t.Errorf("%d %s tasks are %s, want %d", got, queue, state, want)
				}
			}
			if _, there := latency[queue]; !there {
				t.Errorf("%s has no latency", queue)
			}
		}
	})
	on(t, "LatencyIsTheOldestPendingTasks", func(t *testing.T, k *kit) {
		oldest := k.enqueue(sample(1, 10)).Task
		k.enqueue(sample(1, 10))
		since := now().Add(-time.Hour)
		must(t, k.raw.HSet(t.Context(), key(webhook.LaneDeliver, "t:"+oldest), "pending_since", since.UnixNano()).Err())
		_, latency, err := k.inspector.Sizes(t.Context())
		must(t, err)
		if got := latency["deliver"].Round(time.Hour); got != time.Hour || latency["retry"] != 0 {
			t.Errorf("latencies are %v", latency)
		}
	})
	on(t, "OfATaskThatIsGoneIsNone", func(t *testing.T, k *kit) {
		task := k.enqueue(sample(1, 10)).Task
		must(t, k.raw.Del(t.Context(), key(webhook.LaneDeliver, "t:"+task)).Err())
		if _, latency, err := k.inspector.Sizes(t.Context()); err != nil || latency["deliver"] != 0 {
			t.Errorf("latencies are %v, %v", latency, err)
		}
	})
}

func TestPoolMetrics(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, k *kit) {
		reg := prometheus.NewRegistry()
		reg.MustRegister(k.redis.Collector())
		must(t, k.redis.Ping(t.Context()))
		families, err := reg.Gather()
		must(t, err)
		found := map[string]float64{}
		for _, f := range families {
			for _, m := range f.GetMetric() {
				found[f.GetName()[len("postrider_queue_redis_pool_"):]] += m.GetGauge().GetValue() + m.GetCounter().GetValue()
			}
		}
		if len(found) != 7 || found["connections"] < 1 || found["misses_total"] < 1 {
			t.Errorf("after a ping: %v", found)
		}
	})
}
