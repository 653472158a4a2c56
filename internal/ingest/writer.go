package ingest

import (
	"context"
	"runtime"
	"slices"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// commitTimeout bounds one group's reads and commit. Behind it callers wait, so
// it is short; what it cuts off may have been committed, and is asked for again, which
// takes 2 s more at most.
const commitTimeout = 5 * time.Second

const (
	// wideEvent is how many endpoints may want an event that commits in company; one
	// that more may want commits alone, beside the writer.
	wideEvent = 2000
	// wideBatch is how many deliveries a batch may make that commits in company:
	// everybody's events wait for its rows. It needs no company, and the few events
	// of a small batch, of which hardly any may match, are no batch here.
	wideBatch, smallBatch = 1000, 20
)

// isWide reports whether a request commits beside the writer.
func isWide(r *request) bool {
	return r.widest > wideEvent || r.most > maxGroupDeliveries || r.most > wideBatch && len(r.events) > smallBatch
}

// write is the group writer: one goroutine, so that while one group commits the
// next one gathers.
func (i *Ingester) write() {
	defer close(i.done)
	defer close(i.ordered.in)
	for {
		group, open := i.gather()
		if len(group) > 0 {
			ctx, cancel := context.WithTimeout(context.Background(), commitTimeout)
			i.process(ctx, group)
			cancel()
			i.expectAll()
		}
		if !open {
			return
		}
	}
}

// expectAll has the next group wait for those who came during the last commit and for
// those it answered: left to themselves they are two halves of all callers that take
// turns for good, in twice as many commits.
func (i *Ingester) expectAll() {
	if i.expected > 0 {
		i.expected += len(i.requests)
	}
}

// gather takes what waits. A lone caller never waits for company; with many,
// those that were just answered are given a moment to come back.
func (i *Ingester) gather() (group []*request, open bool) {
	first, open := i.first()
	if !open {
		return nil, false
	}
	g := gathering{i: i}
	defer g.end()
	g.take(first)
	for !g.full() {
		r, open := g.another()
		if !open {
			return g.group, false
		}
		if r == nil {
			break
		}
		if !g.fits(r) {
			i.held = r
			break
		}
		g.take(r)
	}
	return g.group, true
}

// first waits for the request that a group begins with.
func (i *Ingester) first() (r *request, open bool) {
	if r, i.held = i.held, nil; r != nil {
		return r, true
	}
	began := time.Now()
	r, open = <-i.requests
	if time.Since(began) > maxGatherWindow {
		i.expected = 0 // whoever was to come back is here, or does not come
	}
	return r, open
}

// gathering is a group that still takes requests.
type gathering struct {
	i             *Ingester
	group         []*request
	events, bytes int
	window        *time.Timer // runs while company is expected
	yielded       bool        // stragglers had their moment
}

// another returns a request that waits, or one that comes while company is
// expected; nil when nobody is.
func (g *gathering) another() (r *request, open bool) {
	select {
	case r, open = <-g.i.requests:
		return r, open
	default:
	}
	if len(g.group) >= g.i.expected {
		return g.straggler()
	}
	if g.window == nil {
		g.window = time.NewTimer(min(time.Duration(g.i.expected)*gatherWindow, maxGatherWindow))
	}
	select {
	case r, open = <-g.i.requests:
		return r, open
	case <-g.window.C:
		return nil, true
	}
}

// straggler lets the callers run that are about to come, once: whoever is left out
// by a moment waits for a whole commit, and may take turns with the others for
// good.
func (g *gathering) straggler() (r *request, open bool) {
	if g.i.expected == 0 || g.yielded {
		return nil, true
	}
	g.yielded = true
	runtime.Gosched()
	select {
	case r, open = <-g.i.requests:
		return r, open
	default:
		return nil, true
	}
}

// end works out how many to expect next: nobody where one caller was alone,
// otherwise as many as now, less a few, so that a falling rate shortens the wait.
func (g *gathering) end() {
	if g.window != nil {
		g.window.Stop()
	}
	g.i.expected = 0
	if n := len(g.group); n > 1 {
		g.i.expected = n - n/8
	}
}

func (g *gathering) full() bool { return g.events >= maxGroupEvents || g.bytes >= maxGroupBytes }

// fits keeps a group within its bounds. A batch may be over them by itself; it
// is a group of its own then.
func (g *gathering) fits(r *request) bool {
	return len(g.group) == 0 || g.events+len(r.events) <= maxGroupEvents && g.bytes+r.bytes <= maxGroupBytes
}

// take adds a request unless its caller gave up.
func (g *gathering) take(r *request) {
	if r.taken.Swap(true) {
		return
	}
	g.i.left(r)
	g.group = append(g.group, r)
	g.events += len(r.events)
	g.bytes += r.bytes
}

// process matches and commits the requests, in one group or, where they fan out
// widely, in several.
func (i *Ingester) process(ctx context.Context, requests []*request) {
	indexes, err := i.index.fresh(ctx, workspacesOf(requests))
	if err != nil {
		for _, r := range requests {
			r.answer <- answer{err: err}
		}
		return
	}
	taken := i.takenKeys(ctx, requests)
	p := i.newPlan(&i.ids)
	for _, r := range requests {
		x := indexes[r.workspace]
		switch {
		case x == nil:
			r.answer <- answer{err: webhook.NotFound("workspace")}
			continue
		case x.err != nil:
			i.cfg.Logger.Error("a workspace's endpoints can't be matched", "workspace_id", r.workspace, "error", x.err)
			r.answer <- answer{err: x.err}
			continue
		}
		r.most, r.widest = x.most(r)
		switch {
		case r.once() != nil && (taken[r.once().Key] || isWide(r)):
			// A wide one would hold its key for as long as its commit takes, and with it
			// every group in which the key is, too.
			r.answer <- answer{err: webhook.ErrClaimFirst}
			continue
		case !x.rules.allow(r):
			continue
		}
		if isWide(r) {
			i.commitBeside(r, x)
			continue
		}
		if isOrdered(r) {
			i.order(r, x, p.here)
			continue
		}
		if !p.fits(r.most) {
			i.commit(ctx, p)
			i.expected = 0 // there is more than a group holds as it is
			p = i.newPlan(&i.ids)
		}
		i.plan(p, r, x)
	}
	i.commit(ctx, p)
}

// takenKeys looks for idempotency keys that somebody has, while there are such: a group
// finds out by itself, and then begins anew.
func (i *Ingester) takenKeys(ctx context.Context, requests []*request) map[webhook.IdempotencyKey]bool {
	if !i.repeats {
		return nil
	}
	var keys []webhook.IdempotencyKey
	for _, r := range requests {
		if o := r.once(); o != nil {
			keys = append(keys, o.Key)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	taken, err := i.store.Taken(ctx, keys)
	i.repeats = err != nil || len(taken) > 0 // where it fails the group finds out
	return taken
}

func workspacesOf(requests []*request) []webhook.WorkspaceID {
	ids := make([]webhook.WorkspaceID, 0, len(requests))
	for _, r := range requests {
		ids = append(ids, r.workspace)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}
