package recovery

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

func TestServices(t *testing.T) {
	t.Parallel()

	t.Run("RunWhileTheirSchedulerLeads", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		first, second := s.scheduler("a", &fakeMemory{}), s.scheduler("b", &fakeMemory{})
		var ofFirst, ofSecond atomic.Int64
		for scheduler, rounds := range map[*Scheduler]*atomic.Int64{first: &ofFirst, second: &ofSecond} {
			scheduler.cfg.Services = []Service{{Name: "counts", Every: 10 * time.Millisecond, RunOnce: func(context.Context) error {
				rounds.Add(1)
				return nil
			}}}
		}
		first.Start()
		defer first.Stop()
		s.eventually("the first one's runs again and again", func() bool { return ofFirst.Load() > 5 })
		second.Start()
		defer second.Stop()
		s.eventuallyFed(s.delivery(s.endpoint(), ""))
		if n := ofSecond.Load(); n != 0 {
			t.Errorf("ran %d times beside the leader", n)
		}
		first.Stop()
		last := ofFirst.Load()
		s.eventually("the second one's runs", func() bool { return ofSecond.Load() > 5 })
		if n := ofFirst.Load(); n != last {
			t.Errorf("ran %d times after its scheduler had stopped", n-last)
		}
	})

	t.Run("GoOnAfterAFailure", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		scheduler := s.scheduler("a", &fakeMemory{})
		var rounds atomic.Int64
		scheduler.cfg.Services = []Service{{Name: "fails", Every: 10 * time.Millisecond, RunOnce: func(context.Context) error {
			if rounds.Add(1) == 1 {
				return errors.New("away")
			}
			return nil
		}}}
		scheduler.Start()
		defer scheduler.Stop()
		s.eventually("another round", func() bool { return rounds.Load() > 2 })
	})

	t.Run("AreToldWhenTheirSchedulerLeadsNoMore", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		scheduler := s.scheduler("a", &fakeMemory{})
		var rounds, ended atomic.Int64
		scheduler.cfg.Services = []Service{{
			Name: "measures", Every: 10 * time.Millisecond,
			RunOnce: func(context.Context) error { rounds.Add(1); return nil },
			Ended:   func() { ended.Store(rounds.Load()) },
		}}
		scheduler.Start()
		s.eventually("a round", func() bool { return rounds.Load() > 0 })
		if n := ended.Load(); n != 0 {
			t.Errorf("told while it leads, after %d rounds", n)
		}
		scheduler.Stop()
		if n := ended.Load(); n == 0 || n != rounds.Load() {
			t.Errorf("told after %d rounds of %d", n, rounds.Load())
		}
	})
}

// TestMetricsOfALeader: from the start there is a counter for each service, and what
// a leader measured is 0 once it leads no more.
func TestMetricsOfALeader(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	reg := prometheus.NewRegistry()
	stores := s.scheduler("", &fakeMemory{})
	scheduler := New(stores.postgres, stores.redis, Config{
		Registerer: reg, Services: []Service{{Name: "another's", Every: time.Hour, RunOnce: func(context.Context) error { return nil }}},
	})
	if n := len(seriesOf(t, reg, "postrider_recovery_failed_rounds_total")); n != 15 {
		t.Errorf("%d services have a counter, want 15", n)
	}
	leaders := []string{"leader", "partitions_ahead", "oldest_due_seconds", "running_replays"}
	sum := func(name string) (v float64) {
		for _, m := range seriesOf(t, reg, "postrider_recovery_"+name) {
			v += m.GetGauge().GetValue()
		}
		return v
	}
	scheduler.Start()
	s.eventually("it leads and has made partitions", func() bool { return sum("leader") == 1 && sum("partitions_ahead") > 0 })
	scheduler.metrics.oldestDue.WithLabelValues("task").Set(3600)
	scheduler.metrics.replays.Set(1)
	scheduler.Stop()
	for _, name := range leaders {
		if v := sum(name); v != 0 {
			t.Errorf("%s is %v after the end", name, v)
		}
	}
}

func seriesOf(t *testing.T, reg *prometheus.Registry, name string) []*dto.Metric {
	t.Helper()
	families, err := reg.Gather()
	must(t, err)
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()
		}
	}
	return nil
}
