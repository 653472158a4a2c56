package recovery

import (
	"context"

	"github.com/postrider/postrider/internal/webhook"
)

// orderingPage bounds a round.
const orderingPage = 1000

// ordering goes through the lines of ordering keys, a page a round and round after
// round. Turns are passed on in the transaction that ends a delivery, so as a rule
// it only forgets the keys that are idle.
type ordering struct {
	store   OrderingStore
	metrics metrics
	after   webhook.Line
}

func (o *ordering) runOnce(ctx context.Context) error {
	swept, err := o.store.Sweep(ctx, o.after, orderingPage)
	if err != nil {
		return err
	}
	o.metrics.passed.Add(float64(swept.Passed))
	o.after = swept.Last
	return nil
}
