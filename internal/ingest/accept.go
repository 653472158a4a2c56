package ingest

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// request is one caller's events, waiting for their group.
type request struct {
	workspace webhook.WorkspaceID
	events    []webhook.NewEvent
	bytes     int
	// most is how many deliveries the events can make, widest how many one of them can;
	// known once the writer has it.
	most, widest int
	// trace is the caller's, or none.
	trace webhook.Trace
	// checked is what came of holding the events against their types' schemas.
	checked *checked
	// taken decides between the writer that takes the request and the caller
	// that gives up on it: an event is never committed after its caller was
	// told to try again because nobody had looked at it.
	taken  atomic.Bool
	answer chan answer
}

// once is set for a request whose idempotency key is to be committed with it.
func (r *request) once() *webhook.Once { return r.events[0].Once }

type answer struct {
	accepted []webhook.Accepted
	err      error
	// rules are set for a request that was not held against them yet: nothing was
	// decided, and it is to come again.
	rules *rules
}

func overloaded(detail string) error {
	return &webhook.Error{Code: webhook.CodeUnavailable, Detail: detail, RetryAfter: time.Second}
}

// Accept stores the events, all or none, and returns what was made of each, in
// order. It returns after the commit. Errors: unavailable when too much waits
// or Postgres is away (try again), not_found for an unknown workspace,
// webhook.ErrClaimFirst for an event that can't be committed with its idempotency key.
func (i *Ingester) Accept(ctx context.Context, ws webhook.WorkspaceID, events []webhook.NewEvent) ([]webhook.Accepted, error) {
	known, err := i.ours(ctx, ws, events)
	if err != nil {
		return nil, err
	}
	if len(known) == 0 {
		return i.acceptNew(ctx, ws, events)
	}
	var others []webhook.NewEvent
	for n := range events {
		if known[n] == nil {
			others = append(others, events[n])
		}
	}
	fresh, err := i.acceptNew(ctx, ws, others)
	if err != nil {
		return nil, err
	}
	out := make([]webhook.Accepted, len(events))
	for n := range out {
		if known[n] != nil {
			out[n] = *known[n]
			continue
		}
		out[n], fresh = fresh[0], fresh[1:]
	}
	return out, nil
}

// acceptNew is Accept for events whose ids are not of our own making.
func (i *Ingester) acceptNew(ctx context.Context, ws webhook.WorkspaceID, events []webhook.NewEvent) ([]webhook.Accepted, error) {
	if len(events) == 0 {
		return nil, nil
	}
	if i.types == nil {
		a := i.submit(ctx, &request{workspace: ws, events: events, trace: recordedTrace(ctx)})
		return a.accepted, a.err
	}
	return i.acceptValid(ctx, ws, events)
}

// recordedTrace is none where nobody records the trace: its events cost nothing then.
func recordedTrace(ctx context.Context) webhook.Trace {
	if t := webhook.TraceOf(ctx); t.Sampled {
		return t
	}
	return webhook.Trace{}
}

// submit lets one request wait for its group and returns what became of it.
func (i *Ingester) submit(ctx context.Context, r *request) answer {
	r.answer = make(chan answer, 1)
	for n := range r.events {
		r.bytes += len(r.events[n].Data) + 512
	}
	if err := i.admit(r); err != nil {
		return answer{err: err}
	}
	since := i.cfg.Now()
	defer func() { i.metrics.waitSeconds.Observe(i.cfg.Now().Sub(since).Seconds()) }()
	timer := time.NewTimer(i.cfg.MaxWait)
	defer timer.Stop()
	for waits := true; waits; {
		select {
		case a := <-r.answer:
			return a
		case <-timer.C:
			if waits = i.getsOn(since); waits {
				timer.Reset(onceMore)
			}
		case <-ctx.Done():
			waits = false
		}
	}
	if !r.taken.Swap(true) {
		i.left(r)
		return answer{err: overloaded("events come in faster than they can be stored")}
	}
	// The group is being committed: its outcome must be known before an answer.
	return <-r.answer
}

// A group of wide events takes seconds of commits, and meanwhile takes in nobody.
// Whoever waits behind it is asked every onceMore whether to go on, up to three times
// MaxWait in all.
const onceMore = time.Second

// getsOn reports whether one who waits since then has something to wait for: others'
// events are being committed.
func (i *Ingester) getsOn(since time.Time) bool {
	now := i.cfg.Now()
	return now.Sub(since) < 3*i.cfg.MaxWait && now.Sub(time.Unix(0, i.lastCommit.Load())) < onceMore
}

// ours finds the events whose id is one that we generated: they were accepted
// before under that id, which has no row in event_ids. It returns them by their
// place.
func (i *Ingester) ours(ctx context.Context, ws webhook.WorkspaceID, events []webhook.NewEvent) (map[int]*webhook.Accepted, error) {
	var known map[int]*webhook.Accepted
	for n := range events {
		id, ok := webhook.ParseID(webhook.EventPrefix, events[n].ID)
		if !ok || events[n].Made {
			continue
		}
		e, err := i.store.Find(ctx, ws, id)
		if webhook.CodeOf(err) == webhook.CodeNotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		if known == nil {
			known = make(map[int]*webhook.Accepted)
		}
		a := accepted(&e, true)
		known[n] = &a
	}
	return known, nil
}

// admit lets the request wait, or refuses it when too much waits already.
func (i *Ingester) admit(r *request) error {
	i.mu.RLock()
	defer i.mu.RUnlock()
	if i.stopped {
		return overloaded("this process is shutting down")
	}
	events := i.waiting.events.Add(int64(len(r.events)))
	bytes := i.waiting.bytes.Add(int64(r.bytes))
	if events > maxWaitingEvents || bytes > maxWaitingBytes {
		i.left(r)
		return overloaded("too many events are waiting to be stored")
	}
	select {
	case i.requests <- r:
		return nil
	default: // full of requests whose callers gave up, and nobody takes them out
		i.left(r)
		return overloaded("events come in faster than they can be stored")
	}
}

// left takes a request out of the waiting figures.
func (i *Ingester) left(r *request) {
	i.waiting.events.Add(-int64(len(r.events)))
	i.waiting.bytes.Add(-int64(r.bytes))
}

func accepted(e *webhook.Event, duplicate bool) webhook.Accepted {
	return webhook.Accepted{
		ID: e.PublicID(), EventID: e.ID, Type: e.Type, CreatedAt: e.CreatedAt, Deliveries: e.Deliveries, Duplicate: duplicate,
	}
}
