package main

import (
	"context"
	"fmt"
	"time"

	"github.com/postrider/postrider/client"
)

// settled waits until nothing is pending in Postgres and no task is left in
// Redis, and then looks at what became of the deliveries: none failed, and the
// newest all took one attempt.
func (l *lab) settled(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("not settled within %s", patience))
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		rest, err := l.rest(ctx)
		if err != nil {
			return err
		}
		if rest == "" {
			break
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%w: there is still %s", context.Cause(ctx), rest)
		}
	}
	return l.outcomes(ctx)
}

// rest names what is still under way; "" is nothing.
func (l *lab) rest(ctx context.Context) (string, error) {
	pending, err := l.user.newest(ctx, client.DeliveryPending, 1)
	if err != nil {
		return "", err
	}
	if len(pending) > 0 {
		return "delivery " + pending[0].ID + " pending", nil
	}
	// The server is our own and holds little: KEYS hurts nobody.
	tasks, err := l.stack.redis.Keys(ctx, "asynq:*:t:*").Result()
	if err != nil {
		return "", fmt.Errorf("look for tasks: %w", err)
	}
	if len(tasks) > 0 {
		return "task " + tasks[0], nil
	}
	return "", nil
}

// newest is how many deliveries are looked at one by one.
const newest = 250

func (l *lab) outcomes(ctx context.Context) error {
	for _, status := range []client.DeliveryStatus{client.DeliveryFailed, client.DeliveryCanceled} {
		found, err := l.user.newest(ctx, status, 1)
		if err != nil {
			return err
		}
		if len(found) > 0 {
			return fmt.Errorf("delivery %s is %s", found[0].ID, status)
		}
	}
	done, err := l.user.newest(ctx, client.DeliverySuccess, newest)
	if err != nil {
		return err
	}
	for _, d := range done {
		if d.Attempts != 1 {
			return fmt.Errorf("delivery %s took %d attempts", d.ID, d.Attempts)
		}
	}
	return nil
}
