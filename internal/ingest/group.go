package ingest

import (
	"context"
	"slices"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// planned is a request with what its events became.
type planned struct {
	*request
	// events are indexes into the group, one for each event of the request;
	// repeated tells that another event before it had the same id.
	events   []int
	repeated []bool
}

// plan is a group on its way to its commit.
type plan struct {
	ids *webhook.IDSource
	// now is Postgres's time, which the ids are of; here is this process's.
	now, here time.Time
	group     webhook.Group
	// first carries what goes by the deliver lane, bulk the rest.
	first, bulk chunker
	requests    []planned
	// byExternal finds the first event of the group with a caller's id.
	byExternal map[externalID]int
	endpoints  []webhook.ID // reused between events
	delayed    int          // of the group's deliveries
}

type externalID struct {
	workspace webhook.WorkspaceID
	id        string
}

func (i *Ingester) newPlan(ids *webhook.IDSource) *plan {
	p := newPlan(ids, i.clock.time(), i.cfg.Now())
	p.first.shards, p.bulk.shards = i.cfg.Shards, i.cfg.Shards
	p.first.most, p.bulk.most = i.announce.highWater, i.announce.highWater
	return p
}

func newPlan(ids *webhook.IDSource, now, here time.Time) *plan {
	return &plan{
		ids: ids, now: now, here: here, group: webhook.Group{MadeAt: now},
		first: chunker{now: here, lane: webhook.LaneDeliver}, bulk: chunker{now: here, lane: webhook.LaneBulk},
	}
}

// add matches the request's events and takes them into the group, and returns
// how many deliveries they make that are due now.
func (p *plan) add(r *request, x *indexed, way route) (deliveries int) {
	before, delayed := len(p.group.Deliveries), p.delayed
	pr := planned{request: r, events: make([]int, len(r.events)), repeated: make([]bool, len(r.events))}
	for n := range r.events {
		next := len(p.group.Events)
		pr.events[n] = p.addEvent(r, &r.events[n], x, way)
		pr.repeated[n] = pr.events[n] < next
	}
	if o := r.once(); o != nil {
		p.addAnswer(&pr, o)
	}
	p.requests = append(p.requests, pr)
	return len(p.group.Deliveries) - before - (p.delayed - delayed)
}

func (p *plan) addEvent(r *request, in *webhook.NewEvent, x *indexed, way route) int {
	ws := r.workspace
	key := externalID{ws, in.ID}
	if in.ID != "" {
		if n, ok := p.byExternal[key]; ok {
			return n
		}
		if p.byExternal == nil {
			p.byExternal = make(map[externalID]int)
		}
		p.byExternal[key] = len(p.group.Events)
	}
	e := webhook.Event{
		ID: p.ids.Next(p.now), ExternalID: in.ID, WorkspaceID: ws, Type: in.Type, CreatedAt: in.CreatedAt, Options: in.Options, Trace: r.trace,
	}
	if e.CreatedAt.IsZero() {
		e.CreatedAt = e.ID.Time()
	}
	e.Body = webhook.EncodeBody(e.PublicID(), e.Type, e.CreatedAt, in.Data, ws)
	p.endpoints = targeted(x.match.Match(p.endpoints[:0], in.Type, in.Data), &in.Options)
	e.Deliveries = len(p.endpoints)
	if in.DeliverAt.After(p.now) {
		way = route{} // feed's, when it is due: what that will be like is not known yet
		p.delayed += e.Deliveries
	}
	n := len(p.group.Events)
	p.group.Events = append(p.group.Events, e)
	for _, endpoint := range p.endpoints {
		d := webhook.NewDelivery{ID: p.ids.Next(p.now), Event: n, EndpointID: endpoint, Bulk: way.bulk}
		if way.announced { // what is over the mark is feed's, when there is room
			d.Task = p.chunkerOf(way).add(&e, webhook.Member{
				DeliveryID: d.ID, EndpointID: endpoint, EventID: e.ID, WorkspaceID: ws,
			})
		}
		p.group.Deliveries = append(p.group.Deliveries, d)
	}
	return n
}

// addAnswer takes in what is kept under the idempotency key of the request: it is
// known before the commit what the answer will be.
func (p *plan) addAnswer(r *planned, o *webhook.Once) {
	p.group.Answers = append(p.group.Answers, webhook.Answer{
		Event: r.events[0], Key: o.Key, Digest: o.Digest, Body: o.Answer(&p.results(r, nil)[0]),
	})
}

// targeted leaves those of the matching endpoints that the event is for.
func targeted(endpoints []webhook.ID, o *webhook.Options) []webhook.ID {
	if len(o.Targets) == 0 {
		return endpoints
	}
	return slices.DeleteFunc(endpoints, func(id webhook.ID) bool { return !o.Targeted(id) })
}

func (p *plan) chunkerOf(way route) *chunker {
	if way.bulk {
		return &p.bulk
	}
	return &p.first
}

// fits reports whether the group may take so many more deliveries.
func (p *plan) fits(deliveries int) bool {
	return len(p.group.Deliveries)+deliveries <= maxGroupDeliveries
}

// commit stores the plan, answers its callers and announces the deliveries.
func (i *Ingester) commit(ctx context.Context, p *plan) {
	if len(p.requests) == 0 {
		return
	}
	start := i.cfg.Now()
	duplicates, err := i.store.Commit(ctx, &p.group)
	i.metrics.observe(p, i.cfg.Now().Sub(start), err)
	if err != nil {
		i.refuse(ctx, p, err)
		return
	}
	i.lastCommit.Store(i.cfg.Now().UnixNano())
	i.repeats = i.repeats || slices.ContainsFunc(p.group.Answers, func(a webhook.Answer) bool { return p.isTaken(a.Event, duplicates) })
	i.settle(p, duplicates)
}

// settle answers the callers of a committed group, then announces it: an
// answer never waits for Redis.
func (i *Ingester) settle(p *plan, duplicates map[webhook.ID]webhook.Event) {
	for n := range p.requests {
		p.requests[n].answer <- p.outcome(&p.requests[n], duplicates)
	}
	chunks := without(append(p.first.chunks, p.bulk.chunks...), duplicates)
	i.announce.announce(withoutWaiting(chunks, &p.group))
}

func (p *plan) outcome(r *planned, duplicates map[webhook.ID]webhook.Event) answer {
	if r.once() != nil && p.isTaken(r.events[0], duplicates) {
		return answer{err: webhook.ErrClaimFirst}
	}
	return answer{accepted: p.results(r, duplicates)}
}

// isTaken reports whether the idempotency key of the group's n-th event is.
func (p *plan) isTaken(n int, duplicates map[webhook.ID]webhook.Event) bool {
	first, ok := duplicates[p.group.Events[n].ID]
	return ok && first.ID.IsZero()
}

// results are the answers for one request's events.
func (p *plan) results(r *planned, duplicates map[webhook.ID]webhook.Event) []webhook.Accepted {
	out := make([]webhook.Accepted, len(r.events))
	for n, at := range r.events {
		e := &p.group.Events[at]
		if first, ok := duplicates[e.ID]; ok {
			out[n] = accepted(&first, true)
			continue
		}
		out[n] = accepted(e, r.repeated[n])
		if r.checked != nil && !r.repeated[n] {
			out[n].Warnings = r.checked.warnings[n]
		}
	}
	return out
}

// refuse answers a group that could not be stored. An error that is one row's
// fault must not fail its neighbours: the group is halved until it is alone.
func (i *Ingester) refuse(ctx context.Context, p *plan, err error) {
	if webhook.CodeOf(err) != webhook.CodeInternal || len(p.requests) == 1 {
		for n := range p.requests {
			p.requests[n].answer <- answer{err: err}
		}
		return
	}
	half := len(p.requests) / 2
	for _, part := range [][]planned{p.requests[:half], p.requests[half:]} {
		requests := make([]*request, len(part))
		for n := range part {
			requests[n] = part[n].request
		}
		i.process(ctx, requests)
	}
}
