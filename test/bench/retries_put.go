package main

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"slices"
	"time"

	"github.com/postrider/postrider/client"
	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
)

const (
	// putAtOnce is events in one commit, recordAtOnce attempts: as many as a busy
	// API and a busy worker have.
	putAtOnce, recordAtOnce = 200, 500
	// retryTask holds what was put until its failure is recorded.
	retryTask = "c_01jdfz3gmdkeepsarchiveonly"
	// retryDelay is longer than anything here takes: makeDue ends it.
	retryDelay = 24 * time.Hour
)

// putRetries has so many deliveries wait for their second attempt in Postgres, by the
// statements that the API and the worker have for it, and opens their tally.
func (l *lab) putRetries(ctx context.Context, due int) (*tally, error) {
	db, err := postgres.Open(ctx, postgres.Config{URL: l.stack.postgres.DSN(""), MaxConns: 2})
	if err != nil {
		return nil, err
	}
	defer db.Close()
	p := &retryPutter{
		ingest: postgres.NewIngest(db),
		// A breaker that opens would hold them: it is closed again by the time they are due.
		deliver: postgres.NewDeliver(db, postgres.Breaker{Failures: math.MaxInt32, Window: time.Minute, DisableAfter: retryDelay}),
	}
	if p.endpoints, err = l.user.endpointsOf(ctx, retryKind); err != nil {
		return nil, err
	}
	t := newTally(retryKind, l.next, due/retryKind.fanout)
	l.next += t.events
	for first := t.first; first < l.next; first += putAtOnce {
		if err := p.put(ctx, first, min(putAtOnce, l.next-first)); err != nil {
			return nil, err
		}
	}
	l.receiver.beside.Store(t)
	return t, l.stack.exec(ctx, "VACUUM ANALYZE", "CHECKPOINT")
}

// makeDue ends their waiting, and returns since when the scheduler can see that. It is
// away meanwhile: a failure's row is tidied up by vacuum in the hours that it waits,
// and so are these first.
func (l *lab) makeDue(ctx context.Context) (time.Time, error) {
	l.stack.processes["scheduler"].stop(ctx)
	if err := l.stack.exec(ctx, retriesDueSQL, "VACUUM ANALYZE", "CHECKPOINT"); err != nil {
		return time.Time{}, err
	}
	if err := l.stack.start(ctx, "scheduler"); err != nil {
		return time.Time{}, err
	}
	return time.Now(), l.stack.ready(ctx, "scheduler")
}

// retryPutter writes events and the failures of their deliveries.
type retryPutter struct {
	ingest    *postgres.Ingest
	deliver   *postgres.Deliver
	endpoints []webhook.ID
	ids       webhook.IDSource
}

// put commits so many events from the n-th on, and then that each delivery failed.
func (p *retryPutter) put(ctx context.Context, first, count int) error {
	now := time.Now()
	g := &webhook.Group{}
	var failed []webhook.Outcome
	for n := range count {
		e := p.event(now, first+n)
		g.Events = append(g.Events, e)
		for _, endpoint := range p.endpoints {
			m := webhook.Member{DeliveryID: p.ids.Next(now), EndpointID: endpoint, EventID: e.ID, WorkspaceID: e.WorkspaceID}
			g.Deliveries = append(g.Deliveries, webhook.NewDelivery{ID: m.DeliveryID, Event: n, EndpointID: endpoint, Task: retryTask})
			failed = append(failed, failure(m, p.ids.Next(now), now))
		}
	}
	if _, err := p.ingest.Commit(ctx, g); err != nil {
		return err
	}
	for some := range slices.Chunk(failed, recordAtOnce) {
		if held, err := p.deliver.Record(ctx, some); err != nil || slices.Contains(held, false) {
			return fmt.Errorf("record failures: another holds what was put: %w", err)
		}
	}
	return nil
}

func (p *retryPutter) event(now time.Time, n int) webhook.Event {
	e := webhook.Event{ID: p.ids.Next(now), WorkspaceID: workspace, Type: retryKind.eventType(n), CreatedAt: now, Deliveries: len(p.endpoints)}
	e.Body = webhook.EncodeBody(e.PublicID(), e.Type, e.CreatedAt, appendData(nil, n), workspace)
	return e
}

// failure is a first attempt that was answered 503; feed makes the next.
func failure(m webhook.Member, attempt webhook.ID, at time.Time) webhook.Outcome {
	return webhook.Outcome{
		Delivery: m, Task: retryTask, Status: webhook.StatusPending, Delay: retryDelay,
		Attempt: webhook.Attempt{
			ID: attempt, StartedAt: at, Duration: 5 * time.Millisecond, StatusCode: http.StatusServiceUnavailable,
			Error: "the receiver answered 503 Service Unavailable", ErrorClass: webhook.ClassStatus,
			RequestHeaders:  slices.Repeat([]webhook.Header{{Name: "X-Webhook-Something", Value: filler[:40]}}, 8),
			ResponseHeaders: slices.Repeat([]webhook.Header{{Name: "X-Something", Value: filler[:30]}}, 3),
			ResponseBody:    []byte(filler[:100]),
		},
	}
}

// endpointsOf are the ids of a kind's endpoints.
func (u user) endpointsOf(ctx context.Context, k kind) (ids []webhook.ID, err error) {
	for e, err := range u.Endpoints.All(ctx, client.ListOptions{}) {
		if err != nil {
			return nil, err
		}
		if id, ok := webhook.ParseID(webhook.EndpointPrefix, e.ID); ok && slices.Contains(e.Events, k.subscription(0)) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}
