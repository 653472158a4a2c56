package ingest

import (
	"context"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// wideCommits is how many wide requests are matched and committed at once.
const wideCommits = 2

// commitBeside stores a wide request on a second connection, so that the callers
// behind it do not wait for thousands of rows. A few at a time; the others wait
// by themselves and never hold up the writer, who has other workspaces to serve.
func (i *Ingester) commitBeside(r *request, x *indexed) {
	size := int64(r.bytes)
	if waiting := i.wideBytes.Add(size); waiting > maxGroupBytes && waiting > size {
		i.wideBytes.Add(-size)
		r.answer <- answer{err: overloaded("too many events with thousands of deliveries are waiting to be stored")}
		return
	}
	i.workers.Go(func() {
		timer := time.NewTimer(i.cfg.MaxWait)
		defer timer.Stop()
		select {
		case i.wide <- struct{}{}:
			i.wideBytes.Add(-size)
			defer func() { <-i.wide }()
			i.commitWide(r, x)
		case <-timer.C:
			i.wideBytes.Add(-size)
			r.answer <- answer{err: overloaded("events with thousands of deliveries come in faster than they can be stored")}
		}
	})
}

// commitWide is commit for a group of one. It is matched only now, for its
// deliveries take far more memory than its events.
func (i *Ingester) commitWide(r *request, x *indexed) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*commitTimeout)
	defer cancel()
	var ids webhook.IDSource
	p := i.newPlan(&ids)
	i.plan(p, r, x)
	duplicates, err := i.store.Commit(ctx, &p.group)
	i.metrics.observe(p, i.cfg.Now().Sub(p.here), err)
	if err != nil {
		r.answer <- answer{err: err}
		return
	}
	i.settle(p, duplicates)
}
