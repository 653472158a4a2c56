package ingest

import (
	"context"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/postrider/postrider/internal/match"
	"github.com/postrider/postrider/internal/webhook"
)

// index holds the compiled subscriptions of the workspaces in use. Only the
// group writer touches it, so it has no lock.
type index struct {
	subs     Subscriptions
	types    *validator // nil where there are no rules
	clock    *clock     // set at each look at the versions
	cache    *simplelru.LRU[webhook.WorkspaceID, *indexed]
	bytes    int
	maxBytes int
}

type indexed struct {
	version int64
	bytes   int
	// err is why this workspace can't be matched; it fails alone.
	err   error
	match *match.Index[webhook.ID]
	// typesVersion is what rules are of; nil for no rule.
	typesVersion int64
	rules        *rules
}

func newIndex(subs Subscriptions, types *validator, c *clock, maxBytes int) *index {
	x := &index{subs: subs, types: types, clock: c, maxBytes: maxBytes}
	// The count is no bound that is ever met: bytes are.
	x.cache, _ = simplelru.NewLRU(1<<30, func(_ webhook.WorkspaceID, e *indexed) { x.bytes -= e.bytes })
	return x
}

// fresh returns the index of each workspace, as it is now: an endpoint's change
// that was acknowledged before this call is in it, whichever process took it.
// A workspace that does not exist is missing from the result.
func (x *index) fresh(ctx context.Context, ids []webhook.WorkspaceID) (map[webhook.WorkspaceID]*indexed, error) {
	// Versions first: a change that commits between the two reads leaves a newer
	// copy under an older number, which only means another load next time.
	versions, at, err := x.subs.Versions(ctx, ids)
	if err != nil {
		return nil, err
	}
	x.clock.set(at)
	out := make(map[webhook.WorkspaceID]*indexed, len(versions))
	var stale []webhook.WorkspaceID
	for id, version := range versions {
		if e, ok := x.cache.Get(id); ok && e.version == version.Endpoints {
			out[id] = e
		} else {
			stale = append(stale, id)
		}
	}
	if len(stale) > 0 {
		if err := x.load(ctx, stale, versions, out); err != nil {
			return nil, err
		}
	}
	return out, x.freshRules(ctx, versions, out)
}

// freshRules brings the rules of event types up to date. A workspace without any
// costs a comparison.
func (x *index) freshRules(ctx context.Context, versions map[webhook.WorkspaceID]webhook.Versions, out map[webhook.WorkspaceID]*indexed) error {
	if x.types == nil {
		return nil
	}
	var stale []webhook.WorkspaceID
	for id, e := range out {
		if e.typesVersion != versions[id].Types && e.err == nil {
			stale = append(stale, id)
		}
	}
	if len(stale) == 0 {
		return nil
	}
	loaded, err := x.types.Store.Rules(ctx, stale)
	if err != nil {
		return err
	}
	for _, id := range stale {
		// A copy: the one before may be in the hands of a commit beside the writer.
		e := *out[id]
		e.bytes -= e.rules.size()
		e.typesVersion = versions[id].Types
		e.rules = newRules(e.typesVersion, loaded[id])
		e.bytes += e.rules.size()
		x.put(id, &e)
		out[id] = &e
	}
	return nil
}

// load reads the workspaces' endpoints into out. One that can't be read must not
// fail the others: it is found by reading each alone, and is not kept, so that
// the next event finds it mended.
func (x *index) load(ctx context.Context, ids []webhook.WorkspaceID, versions map[webhook.WorkspaceID]webhook.Versions, out map[webhook.WorkspaceID]*indexed) error {
	loaded, err := x.subs.Subscriptions(ctx, ids)
	switch {
	case err == nil:
		for _, id := range ids {
			e := compile(loaded[id])
			e.version = versions[id].Endpoints
			x.put(id, e)
			out[id] = e
		}
		return nil
	case webhook.CodeOf(err) == webhook.CodeUnavailable:
		return err
	case len(ids) == 1:
		out[ids[0]] = &indexed{err: err}
		return nil
	}
	for _, id := range ids {
		if err := x.load(ctx, []webhook.WorkspaceID{id}, versions, out); err != nil {
			return err
		}
	}
	return nil
}

func (x *index) put(id webhook.WorkspaceID, e *indexed) {
	x.cache.Remove(id)
	x.cache.Add(id, e)
	x.bytes += e.bytes
	for x.bytes > x.maxBytes && x.cache.Len() > 1 {
		x.cache.RemoveOldest()
	}
}

// most is how many deliveries the request can make, and how many its widest event can.
// A filter may leave any of them out, which is known only after it was tried.
func (x *indexed) most(r *request) (all, widest int) {
	for n := range r.events {
		e := &r.events[n]
		most := x.match.Most(e.Type)
		if targets := len(e.Targets); targets > 0 {
			most = min(most, targets)
		}
		all, widest = all+most, max(widest, most)
	}
	return all, widest
}

// compile never leaves an endpoint out: an event would miss it in silence.
func compile(endpoints []webhook.Endpoint) *indexed {
	e := &indexed{bytes: 512}
	entries := make([]match.Entry[webhook.ID], 0, len(endpoints))
	for i := range endpoints {
		ep := &endpoints[i]
		sub, err := match.Stored(ep)
		if err != nil {
			e.err = err
			return e
		}
		entries = append(entries, match.Entry[webhook.ID]{Subscription: sub, Value: ep.ID})
		// What a compiled subscription takes, roughly: filters grow about tenfold.
		e.bytes += 512 + 10*len(ep.Filters)
		for _, pattern := range ep.Events {
			e.bytes += len(pattern) + 64
		}
	}
	e.match = match.NewIndex(entries)
	return e
}
