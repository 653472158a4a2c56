package recovery

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// loop calls runOnce at once and then again and again, and survives whatever it
// needs being away.
type loop struct {
	name string
	// every is the pause between rounds; 0: only when wake says so.
	every    time.Duration
	wake     <-chan struct{}
	runOnce  func(context.Context) error
	logger   *slog.Logger
	failures prometheus.Counter
}

func (s *Scheduler) loop(name string, every time.Duration, runOnce func(context.Context) error) *loop {
	return &loop{name: name, every: every, runOnce: runOnce, logger: s.cfg.Logger, failures: s.metrics.failures.WithLabelValues(name)}
}

// onDemand also runs at the start.
func (s *Scheduler) onDemand(name string, wake <-chan struct{}, runOnce func(context.Context) error) *loop {
	l := s.loop(name, 0, runOnce)
	l.wake = wake
	return l
}

// Bounds on the pause after a failed round. Short enough that what is back is
// used within seconds; a service that runs once an hour knocks once a minute.
const (
	firstBackoff = 500 * time.Millisecond
	fastBackoff  = 4 * time.Second
	slowBackoff  = time.Minute
)

func (l *loop) run(ctx context.Context) {
	failed := 0
	for {
		err := l.runOnce(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			failed++
			l.report(ctx, failed, err)
			if !sleep(ctx, l.backoff(failed)) {
				return
			}
			continue
		case failed > 0:
			l.logger.InfoContext(ctx, "scheduler service is back", "service", l.name, "failed_rounds", failed)
			failed = 0
		}
		if !l.wait(ctx) {
			return
		}
	}
}

func (l *loop) wait(ctx context.Context) bool {
	if l.every > 0 {
		return sleep(ctx, l.every)
	}
	select {
	case <-ctx.Done():
		return false
	case <-l.wake:
		return true
	}
}

func (l *loop) backoff(failed int) time.Duration {
	limit := slowBackoff
	if l.every <= fastBackoff {
		limit = fastBackoff
	}
	return min(firstBackoff<<min(failed-1, 10), limit)
}

// report warns of the first failure in a row: the others say the same.
func (l *loop) report(ctx context.Context, failed int, err error) {
	l.failures.Inc()
	level := slog.LevelDebug
	if failed == 1 {
		level = slog.LevelWarn
	}
	l.logger.Log(ctx, level, "scheduler service failed", "service", l.name, "error", err)
}

// sleep reports whether ctx is still alive after d.
func sleep(ctx context.Context, d time.Duration) bool {
	if ctx.Err() != nil || d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
