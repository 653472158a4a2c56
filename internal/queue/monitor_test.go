package queue

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/postrider/postrider/internal/redistest"
	"github.com/postrider/postrider/internal/webhook"
)

// sink is a log that may be read while it is written.
type sink struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *sink) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

// count is how many lines hold text.
func (s *sink) count(text string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Count(s.b.String(), text)
}

// watched is a monitor that runs, and what it says.
type watched struct {
	*Monitor
	log      *sink
	registry *prometheus.Registry
}

// metric is a gauge's value.
func (w watched) metric(t *testing.T, name string) float64 {
	t.Helper()
	families, err := w.registry.Gather()
	must(t, err)
	for _, f := range families {
		if f.GetName() == "postrider_queue_"+name {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatalf("there is no metric %s", name)
	return 0
}

func (k *kit) watch() watched {
	k.t.Helper()
	w := watched{log: &sink{}, registry: prometheus.NewRegistry()}
	w.Monitor = NewMonitor(k.redis, MonitorConfig{
		Logger: slog.New(slog.NewTextHandler(w.log, nil)), Registerer: w.registry,
	})
	w.Start(k.t.Context())
	k.t.Cleanup(w.Stop)
	return w
}

// looks waits until the monitor has looked n times more.
func (w watched) looks(k *kit, n int) {
	k.t.Helper()
	began := k.redis.clock.read().mono
	k.eventually("the monitor has looked again", func() bool {
		k.redis.clock.mu.Lock()
		defer k.redis.clock.mu.Unlock()
		return k.redis.clock.at > began+time.Duration(n-1)*lookEvery
	})
}

func TestMonitor(t *testing.T) {
	t.Parallel()

	t.Run("SaysAtTheStartThatRedisEvictsAndWhatToDo", func(t *testing.T) {
		t.Parallel()
		for _, policy := range []string{"allkeys-lru", "volatile-ttl"} {
			k, _ := onServer(t, "--maxmemory-policy", policy)
			w := k.watch()
			k.eventually("it has looked", func() bool { return w.log.count("WARN") > 0 })
			if w.log.count("set its maxmemory-policy to noeviction") != 1 || w.log.count("maxmemory_policy="+policy) != 1 {
				t.Errorf("%s: it says %s", policy, w.log.b.String())
			}
			if err := w.CheckEviction(t.Context()); err == nil || !strings.Contains(err.Error(), policy) {
				t.Errorf("%s: the check says %v", policy, err)
			}
			if w.metric(t, "redis_evicts") != 1 {
				t.Error("the metric says nothing")
			}
		}
	})

	t.Run("FollowsThePolicyWhileItRuns", func(t *testing.T) {
		t.Parallel()
		k, server := onServer(t)
		w := k.watch()
		w.looks(k, 1)
		must(t, w.CheckEviction(t.Context()))
		must(t, server.Set(t.Context(), "maxmemory-policy", "allkeys-random"))
		k.eventually("the check fails", func() bool { return w.CheckEviction(t.Context()) != nil })
		must(t, server.Set(t.Context(), "maxmemory-policy", "noeviction"))
		k.eventually("the check does not fail", func() bool { return w.CheckEviction(t.Context()) == nil })
		if n := w.log.count("noeviction"); n != 1 {
			t.Errorf("it was said %d times", n)
		}
	})

	t.Run("FindsThePolicyOfARedisThatComesLater", func(t *testing.T) {
		t.Parallel()
		k, server := onServer(t, "--maxmemory-policy", "allkeys-lru")
		server.Stop()
		w := k.watch()
		k.eventually("it says that Redis is away", func() bool { return w.log.count("redis takes no tasks") == 1 })
		if n := w.log.count("noeviction"); n != 0 {
			t.Error("it knew the policy of a Redis that is away")
		}
		must(t, server.Start())
		k.eventually("it is said", func() bool { return w.log.count("noeviction") == 1 })
		k.eventually("it takes tasks again", func() bool { return w.log.count("redis takes tasks again") == 1 })
	})

	t.Run("SaysOnceThatRedisIsFullAndOnceThatItIsNotAnyMore", func(t *testing.T) {
		t.Parallel()
		k, server := onServer(t)
		w := k.watch()
		w.looks(k, 1)
		fill(t, server)
		w.looks(k, 3)
		if w.log.count("redis takes no tasks") != 1 || w.log.count("raise its maxmemory") != 1 || w.metric(t, "redis_takes_tasks") != 0 {
			t.Errorf("it says %s", w.log.b.String())
		}
		empty(t, server)
		w.looks(k, 2)
		if w.log.count("redis takes tasks again") != 1 || w.metric(t, "redis_takes_tasks") != 1 {
			t.Errorf("it says %s", w.log.b.String())
		}
	})

	t.Run("SaysOnceThatTheClocksDiffer", func(t *testing.T) {
		t.Parallel()
		k, _ := onServer(t)
		var h hands
		h.put(k.redis)
		w := k.watch()
		w.looks(k, 1)
		h.step(5 * time.Minute)
		w.looks(k, 3)
		if w.log.count("the clocks differ") != 1 || w.metric(t, "clock_skew_seconds") < 299 {
			t.Errorf("it says %s", w.log.b.String())
		}
		h.step(-5 * time.Minute)
		w.looks(k, 2)
		if w.log.count("the clocks agree again") != 1 {
			t.Errorf("it says %s", w.log.b.String())
		}
	})

	t.Run("StopsWithoutAStart", func(t *testing.T) {
		t.Parallel()
		k, _ := onServer(t)
		m := NewMonitor(k.redis, MonitorConfig{})
		m.Stop()
		m.Start(t.Context())
		m.Stop()
	})
}

// What Redis is behind redis.url is not ours to choose: nothing of this package
// needs more than it gives.
func TestOtherRedises(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(*testing.T) *kit{
		"Mini":             func(t *testing.T) *kit { return kitOf(t, "redis://"+redistest.Mini(t)+"/0") },
		"WithoutINFO":      withoutInfo,
		"ClusterOfOne":     cluster,
		"BehindASentinel":  sentinel,
		"ThatKeepsNothing": func(t *testing.T) *kit { k, _ := onServer(t, "--maxmemory", "1gb"); return k },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := start(t)
			w := k.watch()
			ran := make(chan string, 1)
			k.serve(func(_ context.Context, c webhook.Chunk) error { ran <- c.Task; return nil })
			c := k.enqueue(sample(1, 10))
			if got := receive(t, ran); got != c.Task {
				t.Errorf("ran %s", got)
			}
			_, err := k.inspector.Waiting(t.Context())
			must(t, err)
			must(t, k.redis.Writable(t.Context()))
			must(t, w.CheckEviction(t.Context()))
			w.looks(k, 2)
			if said := w.log.b.String(); said != "" {
				t.Errorf("it says %s", said)
			}
		})
	}
}

// withoutInfo is a Redis whose user may neither ask for INFO nor for CONFIG.
func withoutInfo(t *testing.T) *kit {
	k, server := onServer(t, "--maxmemory-policy", "allkeys-lru")
	err := k.raw.Do(t.Context(), "ACL", "SETUSER", "limited", "on", ">secret", "~*", "+@all", "-info", "-config").Err()
	must(t, err)
	return kitOf(t, "redis://limited:secret@"+server.Addr()+"/0")
}

func cluster(t *testing.T) *kit {
	k := kitOf(t, "redis+cluster://"+redistest.Cluster(t, 1)[0].Addr())
	k.eventually("the cluster is up", func() bool { return k.redis.Writable(t.Context()) == nil })
	return k
}

func sentinel(t *testing.T) *kit {
	k := kitOf(t, "redis+sentinel://"+redistest.Sentinel(t, redistest.New(t)).Addr()+"/"+redistest.MasterName+"/0")
	k.eventually("the sentinel answers", func() bool { return k.redis.Writable(t.Context()) == nil })
	return k
}
