package recovery

import (
	"context"
	"sync"
	"time"
)

const (
	leaseName   = "scheduler"
	leaseTTL    = 6 * time.Second
	renewEvery  = 2 * time.Second
	renewWithin = 2 * time.Second
)

// term is one uninterrupted time of leading.
type term struct {
	epoch  int64
	cancel context.CancelFunc
	loops  sync.WaitGroup
}

// seek acquires and renews the lease until ctx ends, and runs the services
// while it has it.
func (s *Scheduler) seek(ctx context.Context) {
	var t *term
	var renewed time.Time // before the request: Postgres counts from later on
	for wait := time.Duration(0); sleep(ctx, wait); wait = renewEvery {
		asked := s.cfg.Now()
		epoch, held, err := s.acquire(ctx)
		switch {
		case err != nil && t != nil && s.cfg.Now().Sub(renewed) >= leaseTTL:
			s.cfg.Logger.Warn("leadership lost: the lease can't be renewed", "error", err)
			t = s.end(t)
		case err != nil:
			s.cfg.Logger.Debug("lease not renewed", "error", err)
		case !held && t != nil:
			s.cfg.Logger.Warn("leadership lost to another scheduler")
			t = s.end(t)
		case held:
			renewed = asked
			if t != nil && t.epoch != epoch { // another one led meanwhile
				t = s.end(t)
			}
			if t == nil {
				t = s.begin(ctx, epoch)
			}
		}
	}
	if t == nil {
		return
	}
	s.end(t)
	s.release(ctx)
}

func (s *Scheduler) acquire(ctx context.Context) (int64, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, renewWithin)
	defer cancel()
	return s.postgres.Leases.Acquire(ctx, leaseName, s.cfg.Holder, leaseTTL)
}

// release goes on after ctx has ended, for that is when it is called.
func (s *Scheduler) release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), renewWithin)
	defer cancel()
	if err := s.postgres.Leases.Release(ctx, leaseName, s.cfg.Holder); err != nil {
		s.cfg.Logger.Info("lease not released: it runs out by itself", "error", err)
	}
}

func (s *Scheduler) begin(ctx context.Context, epoch int64) *term {
	s.cfg.Logger.Info("leading", "epoch", epoch)
	s.metrics.leader.Set(1)
	ctx, cancel := context.WithCancel(ctx)
	t := &term{epoch: epoch, cancel: cancel}
	for _, l := range s.services(epoch) {
		t.loops.Go(func() { l.run(ctx) })
	}
	return t
}

// end waits until nothing of the term runs any more.
func (s *Scheduler) end(t *term) *term {
	t.cancel()
	t.loops.Wait()
	s.metrics.forget()
	for _, o := range s.cfg.Services {
		if o.Ended != nil {
			o.Ended()
		}
	}
	s.cfg.Logger.Info("not leading any more", "epoch", t.epoch)
	return nil
}

// services are made anew for each term: what they remember is of that term.
func (s *Scheduler) services(epoch int64) []*loop {
	full := make(chan struct{}, 1)
	audit := &audit{store: s.postgres.Audit, tasks: s.redis.Tasks, metrics: s.metrics}
	feed := &feed{store: s.postgres.Feed, queue: s.redis.Queue, highWater: s.cfg.HighWater, now: s.cfg.Now, metrics: s.metrics}
	memory := &memory{redis: s.redis.Memory, epoch: epoch, lost: full}
	release := &release{store: s.postgres.Parked, metrics: s.metrics}
	partitions := &partitions{store: s.postgres.Partitions, ahead: s.cfg.DaysAhead, now: s.cfg.Now, metrics: s.metrics}
	retention := &retention{
		store: s.postgres.Retention, deliveries: s.cfg.KeepDeliveries, payloads: s.cfg.KeepPayloads,
		clock: s.postgres.Audit.Clock, metrics: s.metrics,
	}
	replay := &replay{store: s.postgres.Replays, lanes: s.redis.Queue, keep: s.cfg.KeepDeliveries, now: s.cfg.Now, metrics: s.metrics}
	ordering := &ordering{store: s.postgres.Ordering, metrics: s.metrics}
	upkeep := &upkeep{store: s.postgres.Upkeep, disableAfter: s.cfg.DisableAfter, logger: s.cfg.Logger, metrics: s.metrics}
	return append(s.others(), []*loop{
		s.loop("feed", 500*time.Millisecond, feed.runOnce),
		s.loop("audit", auditEvery, audit.runOnce),
		s.loop("rescue_tasks", time.Second, s.rescueTasks().runOnce),
		s.loop("rescue_workers", time.Second, s.rescueWorkers().runOnce),
		s.onDemand("full_audit", full, audit.runFull),
		s.loop("memory", time.Second, memory.runOnce),
		s.loop("release", time.Second, release.runOnce),
		s.loop("replay", 500*time.Millisecond, replay.runOnce),
		s.loop("ordering", 2*time.Second, ordering.runOnce),
		s.loop("ended_replays", time.Hour, replay.forget),
		s.loop("partitions", time.Hour, partitions.runOnce),
		s.loop("retention", time.Hour, retention.runOnce),
		s.loop("upkeep", time.Minute, upkeep.runOnce),
		s.loop("gauges", 15*time.Second, upkeep.measure),
	}...)
}
