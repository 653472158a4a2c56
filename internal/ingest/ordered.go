package ingest

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// Events with an ordering key commit beside the writer, in groups of their own, one
// after the other: they lock their keys' lines until the commit, for which another
// process may make them wait, and events without a key pay nothing for that.

// orderedRequest waits for its group.
type orderedRequest struct {
	*request
	indexed *indexed
	since   time.Time
}

// orderedWriter is what the goroutine for events with an ordering key works from.
type orderedWriter struct {
	in    chan orderedRequest
	bytes atomic.Int64 // of what waits
	ids   webhook.IDSource
	done  chan struct{}
}

func newOrderedWriter() *orderedWriter {
	return &orderedWriter{in: make(chan orderedRequest, maxWaitingEvents), done: make(chan struct{})}
}

func isOrdered(r *request) bool {
	for n := range r.events {
		if r.events[n].OrderingKey != "" {
			return true
		}
	}
	return false
}

// order lets a request wait for the ordered writer. Only the group writer calls it,
// so requests stay in the order in which they came.
func (i *Ingester) order(r *request, x *indexed, now time.Time) {
	size := int64(r.bytes)
	if waiting := i.ordered.bytes.Add(size); waiting > maxGroupBytes && waiting > size {
		i.ordered.bytes.Add(-size)
		r.answer <- answer{err: overloaded("too many events with an ordering key are waiting to be stored")}
		return
	}
	select {
	case i.ordered.in <- orderedRequest{r, x, now}:
	default:
		i.ordered.bytes.Add(-size)
		r.answer <- answer{err: overloaded("events with an ordering key come in faster than they can be stored")}
	}
}

// writeOrdered ends when the group writer has, and nothing waits.
func (i *Ingester) writeOrdered() {
	defer close(i.ordered.done)
	for first := range i.ordered.in {
		group := i.gatherOrdered(first)
		ctx, cancel := context.WithTimeout(context.Background(), commitTimeout)
		i.commitOrdered(ctx, group)
		cancel()
	}
}

// gatherOrdered takes what waits, as far as a group may hold it.
func (i *Ingester) gatherOrdered(first orderedRequest) (group []orderedRequest) {
	events, bytes, deliveries := 0, 0, 0
	for r := first; ; {
		i.ordered.bytes.Add(-int64(r.bytes))
		events, bytes, deliveries = events+len(r.events), bytes+r.bytes, deliveries+r.most
		if i.cfg.Now().Sub(r.since) > i.cfg.MaxWait {
			r.answer <- answer{err: overloaded("events with an ordering key come in faster than they can be stored")}
		} else {
			group = append(group, r)
		}
		if events >= maxGroupEvents || bytes >= maxGroupBytes || deliveries >= maxGroupDeliveries {
			return group
		}
		select {
		case next, open := <-i.ordered.in:
			if !open {
				return group
			}
			r = next
		default:
			return group
		}
	}
}

// commitOrdered is commit for ordered requests. A row that can't be stored must not
// fail its neighbours: the group is halved until it is alone.
func (i *Ingester) commitOrdered(ctx context.Context, group []orderedRequest) {
	if len(group) == 0 {
		return
	}
	p := i.newPlan(&i.ordered.ids)
	for _, r := range group {
		i.plan(p, r.request, r.indexed)
	}
	duplicates, err := i.store.Commit(ctx, &p.group)
	i.metrics.observe(p, i.cfg.Now().Sub(p.here), err)
	switch {
	case err == nil:
		i.settle(p, duplicates)
	case webhook.CodeOf(err) == webhook.CodeInternal && len(group) > 1:
		half := len(group) / 2
		i.commitOrdered(ctx, group[:half])
		i.commitOrdered(ctx, group[half:])
	default:
		for _, r := range group {
			r.answer <- answer{err: err}
		}
	}
}

// withoutWaiting drops the members whose turn has not come: their rows name no task.
func withoutWaiting(chunks []webhook.Chunk, g *webhook.Group) []webhook.Chunk {
	var waits map[webhook.ID]bool
	for n := range g.Deliveries {
		if g.Deliveries[n].Waits {
			if waits == nil {
				waits = make(map[webhook.ID]bool)
			}
			waits[g.Deliveries[n].ID] = true
		}
	}
	if len(waits) == 0 {
		return chunks
	}
	return keep(chunks, func(m *webhook.Member) bool { return !waits[m.DeliveryID] })
}
