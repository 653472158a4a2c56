package recovery

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/postrider/postrider/internal/match"
	"github.com/postrider/postrider/internal/webhook"
)

const (
	// replaysAtOnce is how many replays take turns; the others wait for their end.
	replaysAtOnce = 20
	// replayRound is how many deliveries they make in a round, all together.
	replayRound = 2000
	// replayAhead is how many tasks may wait in the bulk lane before replays pause:
	// what they make ahead of the workers would stand before others' due rows.
	replayAhead = 20
)

// replay makes the deliveries that replays ask for. Feed finds them due and puts
// them into the bulk lane.
type replay struct {
	store   ReplayStore
	lanes   Lanes
	keep    time.Duration // how long deliveries are
	now     func() time.Time
	metrics metrics
}

// runOnce lets each running replay take a step, again and again, until the round
// is full, the bulk lane is, or nothing is left.
func (r *replay) runOnce(ctx context.Context) error {
	for made := 0; made < replayRound; {
		n, err := r.turn(ctx)
		made += n
		if err != nil || n == 0 {
			return err
		}
	}
	return nil
}

// forget removes replays whose deliveries are not kept any more.
func (r *replay) forget(ctx context.Context) error {
	return r.store.RemoveEnded(ctx, r.now().Add(-r.keep))
}

// turn is a step of each. One that fails must not keep the others from theirs.
func (r *replay) turn(ctx context.Context) (made int, err error) {
	ids, err := r.store.Unfinished(ctx, replaysAtOnce)
	if err != nil {
		return 0, err
	}
	r.metrics.replays.Set(float64(len(ids)))
	if len(ids) == 0 {
		return 0, nil
	}
	waiting, err := r.lanes.Waiting(ctx)
	if err != nil {
		return 0, fmt.Errorf("replay: %w", err)
	}
	if waiting[webhook.LaneBulk] >= replayAhead {
		return 0, nil
	}
	var failed []error
	for _, id := range ids {
		n, err := r.store.Step(ctx, id, wants)
		made += n
		failed = append(failed, err)
	}
	r.metrics.replayed.Add(float64(made))
	return made, errors.Join(failed...)
}

// wants compiles what an endpoint subscribes to.
func wants(e *webhook.Endpoint) (webhook.Wants, error) {
	sub, err := match.Stored(e)
	if err != nil {
		return nil, err
	}
	return sub.Match, nil
}
