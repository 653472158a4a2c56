package recovery

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

const (
	// auditEvery and overdueAfter say how long a delivery is late whose task never
	// came to be, as when an API is killed between the commit and Redis: 20 s at
	// the longest. A round without anything overdue is a look into an index.
	auditEvery = 10 * time.Second
	// overdueAfter is how late a held delivery is before anybody wonders.
	overdueAfter = 10 * time.Second
	// inFlight is how long a row that became due may be on its way to Redis.
	inFlight = 3 * time.Second
	// secondLook is after that: what was in flight at the first look is not any more.
	secondLook = inFlight + time.Second

	auditPage = 2000
	// auditPause bounds a round to 20,000 deliveries a second.
	auditPause = 100 * time.Millisecond
)

// audit takes deliveries back from tasks that will never run. A backlog is left
// alone, however long: its tasks are alive.
type audit struct {
	store   AuditStore
	tasks   Tasks
	metrics metrics
}

// runOnce looks at what is overdue.
func (a *audit) runOnce(ctx context.Context) error {
	now, err := a.store.Clock(ctx)
	if err != nil {
		return err
	}
	return a.sweep(ctx, time.Time{}, now.Add(-overdueAfter), auditPause)
}

// runFull looks at everything that tasks hold, due or not, twice: what became
// due just before the first look may have been on its way into Redis.
func (a *audit) runFull(ctx context.Context) error {
	a.metrics.fullAudits.Inc()
	if err := a.all(ctx); err != nil {
		return err
	}
	sleep(ctx, secondLook)
	return a.all(ctx)
}

// all leaves out what became due after the clock was read, and until each page
// is: such a row may have been accepted just now. Taken from its task on its way
// into Redis it would be delivered twice, and tried once more than its schedule says.
func (a *audit) all(ctx context.Context) error {
	now, err := a.store.Clock(ctx)
	if err != nil {
		return err
	}
	if err := a.sweep(ctx, time.Time{}, now.Add(-inFlight), 0); err != nil {
		return err
	}
	return a.sweep(ctx, now, time.Time{}, 0)
}

// sweep goes through what is held and due in (after, until], in pages; without an
// until, through what is not due yet.
func (a *audit) sweep(ctx context.Context, after, until time.Time, pause time.Duration) error {
	for {
		held, last, err := a.store.Held(ctx, after, until, auditPage)
		if err != nil {
			return err
		}
		if err := a.page(ctx, held); err != nil {
			return fmt.Errorf("audit: %w", err)
		}
		after = last
		if last.IsZero() || !sleep(ctx, pause) {
			return ctx.Err()
		}
	}
}

// page looks at workers' tasks first: that works with Redis away, too.
func (a *audit) page(ctx context.Context, held []webhook.Chunk) error {
	var workers, queued []string
	for _, c := range held {
		if strings.HasPrefix(c.Task, webhook.WorkerTaskPrefix) {
			workers = append(workers, c.Task)
		} else {
			queued = append(queued, c.Task)
		}
	}
	if _, err := a.takeBack(ctx, held, workers, a.store.DeadWorkers); err != nil {
		return err
	}
	dead, err := a.takeBack(ctx, held, queued, a.tasks.Dead)
	if err != nil {
		return err
	}
	// After the rows: killed in between, a dead task stays in Redis, which costs
	// its memory and nothing else.
	return a.tasks.Forget(ctx, dead)
}

// takeBack returns which of the tasks were dead.
func (a *audit) takeBack(ctx context.Context, held []webhook.Chunk, tasks []string, find func(context.Context, []string) ([]string, error)) ([]string, error) {
	if len(tasks) == 0 {
		return nil, nil
	}
	found, err := find(ctx, tasks)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	isDead := make(map[string]bool, len(found))
	for _, task := range found {
		isDead[task] = true
	}
	var dead []webhook.Chunk
	for _, c := range held {
		if isDead[c.Task] {
			dead = append(dead, c)
		}
	}
	if err := a.store.Release(ctx, dead); err != nil {
		return nil, err
	}
	a.metrics.audited.Add(float64(members(dead)))
	return found, nil
}
