package recovery

import (
	"context"
	"errors"
	"time"
)

// retention ends old days: payloads first, if they are kept for less, then all.
type retention struct {
	store                RetentionStore
	deliveries, payloads time.Duration
	// clock is Postgres's: this machine's may be wrong, and what it drops is gone.
	clock   func(context.Context) (time.Time, error)
	metrics metrics
}

// runOnce looks at every day; one that fails does not stop the others.
func (r *retention) runOnce(ctx context.Context) error {
	now, err := r.clock(ctx)
	if err != nil {
		return err
	}
	days, err := r.store.Days(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, d := range days {
		age := now.Sub(d.Add(day)) // of the day's last event
		switch {
		case age >= r.deliveries:
			errs = append(errs, r.end(ctx, d, r.store.DropDay))
		case age >= r.payloads:
			errs = append(errs, r.end(ctx, d, r.store.DropBodies))
		}
	}
	return errors.Join(errs...)
}

// end fails what is pending before anything that it needs goes.
func (r *retention) end(ctx context.Context, d time.Time, drop func(context.Context, time.Time) error) error {
	n, err := r.store.Expire(ctx, d)
	r.metrics.expired.Add(float64(n))
	if err != nil {
		return err
	}
	return drop(ctx, d)
}
