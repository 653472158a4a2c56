package recovery

import (
	"context"
	"fmt"
	"log/slog"
	"slices"

	"github.com/postrider/postrider/internal/webhook"
)

const (
	// rescuePage is how many dead tasks or workers are dealt with at once.
	rescuePage = 100
	// rescueLimit is how many deliveries of dead workers are taken back at once.
	rescueLimit = 2000
)

// rescue takes back what died with a worker, seconds after it. Audit would find
// all of it as well, but only when it is overdue and asynq's leases are over.
//
// There are two of it, as a worker holds deliveries in two ways: by the tasks
// that it runs, whose leases in Redis it extends, and under its own name. Who is
// only slow or cut off may have its requests made twice, but what it records
// later meets the fence: a success wins, a failure decides nothing.
type rescue struct {
	watch  watch
	holder string // for the log: what is watched
	// signs are everybody's signs of life.
	signs func(context.Context) (map[string]int64, error)
	// held is what these hold, or a part of it: more says so.
	held    func(ctx context.Context, names []string) (held []webhook.Chunk, more bool, err error)
	release func(context.Context, []webhook.Chunk) error
	logger  *slog.Logger
	metrics metrics
}

// rescueTasks watches the tasks that run: their leases.
func (s *Scheduler) rescueTasks() *rescue {
	tasks := s.redis.Tasks
	return &rescue{
		holder: "task", signs: tasks.Leases,
		held: func(ctx context.Context, names []string) ([]webhook.Chunk, bool, error) {
			held, err := tasks.Running(ctx, names)
			return held, false, err
		},
		release: s.postgres.Audit.Release, logger: s.cfg.Logger, metrics: s.metrics,
	}
}

// rescueWorkers watches the workers: their heartbeats.
func (s *Scheduler) rescueWorkers() *rescue {
	store := s.postgres.Audit
	return &rescue{
		holder: "worker", signs: store.Heartbeats,
		held: func(ctx context.Context, names []string) ([]webhook.Chunk, bool, error) {
			held, err := store.HeldBy(ctx, names, rescueLimit)
			return held, members(held) == rescueLimit, err
		},
		release: store.Release, logger: s.cfg.Logger, metrics: s.metrics,
	}
}

func (r *rescue) runOnce(ctx context.Context) error {
	signs, err := r.signs(ctx)
	if err != nil {
		r.watch.blink()
		return fmt.Errorf("rescue: %w", err)
	}
	for page := range slices.Chunk(r.watch.look(signs), rescuePage) {
		if err := r.takeBack(ctx, page); err != nil {
			return fmt.Errorf("rescue: %w", err) // they are not buried: the next round tries again
		}
		r.watch.bury(page)
	}
	return nil
}

// takeBack gives what the dead hold to feed, which finds it due. Redis keeps
// their tasks; when asynq runs one again, its rows do not name it any more.
func (r *rescue) takeBack(ctx context.Context, names []string) error {
	for {
		held, more, err := r.held(ctx, names)
		if err != nil {
			return err
		}
		if err := r.release(ctx, held); err != nil {
			return err
		}
		if n := members(held); n > 0 {
			r.metrics.rescued.Add(float64(n))
			r.logger.WarnContext(ctx, "a worker is gone: its deliveries go to others", "held_by", r.holder, "holders", len(names), "deliveries", n)
		}
		if !more {
			return nil
		}
	}
}
