package ingest

import (
	"context"
	"slices"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// commitTimeout bounds one group's reads and commit. Behind it callers wait, so
// it is short; what it cuts off may have been committed, and is asked for again.
const commitTimeout = 5 * time.Second

// wideEvent is how many endpoints a workspace has whose events commit alone,
// beside the writer; so does a request that may be a whole group's deliveries.
const wideEvent = 2000

// write is the group writer: one goroutine, so that while one group commits the
// next one gathers.
func (i *Ingester) write() {
	defer close(i.done)
	for {
		group, open := i.gather()
		if len(group) > 0 {
			ctx, cancel := context.WithTimeout(context.Background(), commitTimeout)
			i.process(ctx, group)
			cancel()
		}
		if !open {
			return
		}
	}
}

// gather takes what waits. A lone caller never waits for company; with many,
// those that were just answered are given a moment to come back.
func (i *Ingester) gather() (group []*request, open bool) {
	first, open := <-i.requests
	if !open {
		return nil, false
	}
	g := gathering{i: i}
	g.take(first)
	var window <-chan time.Time
	for !g.full() {
		select {
		case r, ok := <-i.requests:
			if !ok {
				return g.group, false
			}
			g.take(r)
			continue
		default:
		}
		if g.events >= i.expected {
			break
		}
		if window == nil {
			wait := min(time.Duration(i.expected)*20*time.Microsecond, maxGatherWindow)
			timer := time.NewTimer(wait)
			defer timer.Stop()
			window = timer.C
		}
		select {
		case r, ok := <-i.requests:
			if !ok {
				return g.group, false
			}
			g.take(r)
			continue
		case <-window:
		}
		break
	}
	// One caller alone expects nobody; otherwise as many as now, less a few, so
	// that a falling rate shortens the wait.
	i.expected = 0
	if len(g.group) > 1 {
		i.expected = g.events - g.events/8
	}
	return g.group, true
}

// gathering is a group that still takes requests.
type gathering struct {
	i             *Ingester
	group         []*request
	events, bytes int
}

func (g *gathering) full() bool { return g.events >= maxGroupEvents || g.bytes >= maxGroupBytes }

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
	now := i.cfg.Now()
	p := i.newPlan(now)
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
		announced := i.announce.open.Load()
		if x.endpoints > wideEvent || x.endpoints*len(r.events) > maxGroupDeliveries {
			wide := i.newPlan(now)
			wide.add(r, x, now, announced)
			i.commitBeside(wide)
			continue
		}
		p.add(r, x, now, announced)
		if p.full() {
			i.commit(ctx, p)
			p = i.newPlan(now)
		}
	}
	i.commit(ctx, p)
}

func (i *Ingester) newPlan(now time.Time) *plan {
	return &plan{ids: &i.ids, chunker: chunker{now: now}}
}

// commitBeside stores a wide group on a second connection, so that the callers
// behind it do not wait for thousands of rows. A few at a time, then all wait.
func (i *Ingester) commitBeside(p *plan) {
	i.wide <- struct{}{}
	i.workers.Go(func() {
		defer func() { <-i.wide }()
		ctx, cancel := context.WithTimeout(context.Background(), 2*commitTimeout)
		defer cancel()
		i.commitWide(ctx, p)
	})
}

// commitWide is commit without halving: the index is the writer's alone, so a
// group beside it can't be matched again.
func (i *Ingester) commitWide(ctx context.Context, p *plan) {
	start := i.cfg.Now()
	duplicates, err := i.store.Commit(ctx, &p.group)
	i.metrics.observe(p, i.cfg.Now().Sub(start), err)
	if err != nil {
		for n := range p.requests {
			p.requests[n].answer <- answer{err: err}
		}
		return
	}
	i.settle(p, duplicates)
}

func workspacesOf(requests []*request) []webhook.WorkspaceID {
	ids := make([]webhook.WorkspaceID, 0, len(requests))
	for _, r := range requests {
		ids = append(ids, r.workspace)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}
