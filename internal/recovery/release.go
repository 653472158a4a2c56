package recovery

import (
	"context"

	"github.com/postrider/postrider/internal/recovery/parking"
)

// releaseRound bounds how many endpoints one round looks at.
const releaseRound = 1000

// release lets go what is parked for an endpoint, when its time has come.
type release struct {
	store   ParkedStore
	metrics metrics
}

func (r *release) runOnce(ctx context.Context) error {
	for range releaseRound {
		out, err := r.store.Next(ctx, parking.Decide)
		if err != nil || !out.Found {
			return err
		}
		r.metrics.released.Add(float64(out.Released))
		r.metrics.canceled.Add(float64(out.Canceled))
	}
	return nil
}
