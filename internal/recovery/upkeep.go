package recovery

import (
	"context"
	"log/slog"
	"time"
)

// disabledFailing is the reason of an endpoint that failed for too long.
const disabledFailing = "failing"

// disableFailures is how often it must have failed in a row: a few attempts over
// some days say little. An endpoint that is down comes to so many: by its breaker's
// probes within hours while anything is held, else by five deliveries.
const disableFailures = 20

// upkeep does the small chores and measures what only the leader measures.
type upkeep struct {
	store        UpkeepStore
	disableAfter time.Duration
	logger       *slog.Logger
	metrics      metrics
}

func (u *upkeep) runOnce(ctx context.Context) error {
	if _, err := u.store.RemoveDeadWorkers(ctx); err != nil {
		return err
	}
	if _, err := u.store.ForgetEnded(ctx); err != nil {
		return err
	}
	disabled, err := u.store.DisableFailing(ctx, u.disableAfter, disableFailures, disabledFailing)
	if err != nil {
		return err
	}
	for _, id := range disabled {
		u.logger.WarnContext(ctx, "endpoint disabled: it failed for too long", "endpoint_id", id, "after", u.disableAfter)
	}
	u.metrics.disabled.Add(float64(len(disabled)))
	return nil
}

// measure sets the gauges. Counting what is pending would read all of it; the
// age of the oldest is one look into an index.
func (u *upkeep) measure(ctx context.Context) error {
	unheld, held, err := u.store.OldestDue(ctx)
	if err != nil {
		return err
	}
	u.metrics.oldestDue.WithLabelValues("none").Set(unheld.Seconds())
	u.metrics.oldestDue.WithLabelValues("task").Set(held.Seconds())
	return nil
}
