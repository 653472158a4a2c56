package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// timeUnit is what Postgres keeps of a time.
const timeUnit = time.Microsecond

func (s *server) publish(ctx context.Context, r *request) (response, error) {
	e, wait, bad := r.event()
	if len(bad) > 0 {
		return response{}, webhook.Invalid(bad...)
	}
	events := r.identify([]webhook.NewEvent{e})
	if err := s.checkOptions(ctx, r.workspace, events); err != nil {
		return response{}, err
	}
	accepted, err := s.accept(ctx, r.workspace, events)
	if err != nil {
		return response{}, err
	}
	status := http.StatusAccepted
	if accepted[0].Duplicate && !events[0].Made {
		status = http.StatusOK
	}
	out := renderAccepted(&accepted[0], r.workspace)
	if wait != nil {
		s.await(r, &accepted[0], *wait, &out)
	}
	return response{status: status, body: out}, nil
}

// event reads the one event that is published.
func (r *request) event() (e webhook.NewEvent, wait *time.Duration, bad []webhook.FieldError) {
	sc := scanner{text: r.body}
	return parseAlone(sc.value())
}

func (s *server) publishBatch(ctx context.Context, r *request) (response, error) {
	events, err := parseBatch(r.body)
	if err != nil {
		return response{}, err
	}
	events = r.identify(events)
	if err := s.checkOptions(ctx, r.workspace, events); err != nil {
		return response{}, err
	}
	accepted, err := s.accept(ctx, r.workspace, events)
	if err != nil {
		return response{}, err
	}
	out := acceptedBatchWire{Data: make([]acceptedWire, len(accepted))}
	for i := range accepted {
		out.Data[i] = renderAccepted(&accepted[i], r.workspace)
	}
	return response{status: http.StatusAccepted, body: out}, nil
}

// identify gives events without an id one that is made of the request's token: if
// somebody died between the commit and the answer, whoever makes the request
// again finds them accepted.
func (r *request) identify(events []webhook.NewEvent) []webhook.NewEvent {
	if r.token.IsZero() {
		return events
	}
	for n := range events {
		if events[n].ID == "" {
			events[n].ID, events[n].Made = r.token.Nth(n).Format(webhook.EventPrefix), true
		}
	}
	return events
}

func (s *server) accept(ctx context.Context, ws webhook.WorkspaceID, events []webhook.NewEvent) ([]webhook.Accepted, error) {
	accepted, err := s.Accepter.Accept(ctx, ws, events)
	if err == nil && len(accepted) != len(events) {
		err = fmt.Errorf("accept %d events: got %d answers", len(events), len(accepted))
	}
	return accepted, err
}

func renderAccepted(a *webhook.Accepted, ws webhook.WorkspaceID) acceptedWire {
	return acceptedWire{ID: a.ID, Type: a.Type, CreatedAt: a.CreatedAt.UTC(), WorkspaceID: ws, Deliveries: a.Deliveries, Warnings: a.Warnings}
}

func (s *server) getEvent(ctx context.Context, r *request) (response, error) {
	e, err := s.Events.Get(ctx, r.workspace, r.param("id"))
	if err != nil {
		return response{}, err
	}
	return response{status: http.StatusOK, body: renderEvent(&e)}, nil
}

func (s *server) listEvents(ctx context.Context, r *request) (response, error) {
	p, err := r.page()
	if err != nil {
		return response{}, err
	}
	var f webhook.EventFilter
	if f.Type, err = r.eventType(); err != nil {
		return response{}, err
	}
	if f.Since, f.Until, err = r.span(); err != nil {
		return response{}, err
	}
	rows, next, err := s.Events.List(ctx, r.workspace, f, p)
	if err != nil {
		return response{}, err
	}
	return pageBefore(rows, next, renderEvent), nil
}

// span reads ?since= and ?until=.
func (r *request) span() (since, until time.Time, err error) {
	if since, err = r.time("since"); err != nil {
		return since, until, err
	}
	until, err = r.time("until")
	return since, until, err
}
