package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// idUnit is what an id keeps of its time.
const idUnit = time.Millisecond

// explainEvent says for each endpoint what became of an event, and why.
func (s *server) explainEvent(ctx context.Context, r *request) (response, error) {
	e, err := s.Events.Get(ctx, r.workspace, r.param("id"))
	if err != nil {
		return response{}, err
	}
	out := eventExplanationWire{
		EventID: e.PublicID(), Type: e.Type, AcceptedAt: e.ID.Time(), WorkspaceID: r.workspace,
		Deliveries: e.Deliveries, PayloadKept: e.Body != nil, Data: []explanationWire{},
	}
	endpoints, next, err := s.endpointStates(ctx, r)
	if err != nil {
		return response{}, err
	}
	deliveries, err := s.Explainer.Deliveries(ctx, r.workspace, e.ID, idsOf(endpoints))
	if err != nil {
		return response{}, err
	}
	x := explained{eventType: e.Type, options: e.Options}
	if e.Body != nil {
		x.data = webhook.DataOf(e.Body, e.WorkspaceID)
	}
	for i := range endpoints {
		// A large event against a page of large filters takes its time.
		if ctx.Err() != nil {
			return response{}, context.Cause(ctx)
		}
		var d *webhook.Delivery
		if found, ok := deliveries[endpoints[i].ID]; ok {
			d = &found
		}
		item, err := x.explain(&endpoints[i], d, e.ID)
		if err != nil {
			return response{}, err
		}
		out.Data = append(out.Data, item)
	}
	out.NextCursor = next
	return response{status: http.StatusOK, body: out}, nil
}

// explain is what became of the event that was accepted as id.
func (x *explained) explain(e *webhook.EndpointState, d *webhook.Delivery, id webhook.ID) (explanationWire, error) {
	now, err := x.forecast(e)
	out := explanationWire{EndpointID: e.ID.Format(webhook.EndpointPrefix), Now: now}
	if err != nil {
		return out, err
	}
	asOf := asOfNow
	if d != nil {
		out.Matched, out.Delivered, out.Delivery = true, d.Status == webhook.StatusSuccess, renderExplained(d)
		out.ReasonWire = undelivered(d, e, x.options.DeliverAt)
	} else if out.ReasonWire, asOf, err = x.unmatched(e, id); err != nil {
		return out, err
	}
	if out.Reason != nil {
		out.AsOf = &asOf
	}
	return out, nil
}

// unmatched is why no delivery was made when the event was accepted. What the
// endpoint was like then is known as long as it has not been changed since.
func (x *explained) unmatched(e *webhook.EndpointState, id webhook.ID) (r ReasonWire, asOf string, err error) {
	accepted := id.Time()
	if !x.options.Targeted(e.ID) {
		return notTargeted(), asOfAccepted, nil
	}
	if e.CreatedAt.After(accepted) {
		r = reason(reasonCreatedLater, "the endpoint was created after the event was accepted")
		r.Since = &e.CreatedAt
		return r, asOfAccepted, nil
	}
	if e.DisabledAt != nil && !e.DisabledAt.Truncate(idUnit).After(accepted) {
		return inactive(e), asOfAccepted, nil
	}
	asOf = asOfAccepted
	if e.UpdatedAt.Truncate(idUnit).After(accepted) {
		asOf = asOfNow
	}
	if r, err = x.subscription(e); err != nil || r.Reason != nil {
		return r, asOf, err
	}
	r = reason(reasonChangedLater, "the endpoint did not want the event as it was then; it has been changed since and would get it now")
	if !e.IsActive {
		r.Detail = text("the endpoint did not want the event as it was then; it has been changed since")
	}
	r.Since = &e.UpdatedAt
	return r, asOfAccepted, nil
}

// dryRun says for each endpoint what would become of an event.
func (s *server) dryRun(ctx context.Context, r *request) (response, error) {
	sc := scanner{text: r.body}
	e, bad := parseDryRun(sc.value())
	if len(bad) > 0 {
		return response{}, webhook.Invalid(bad...)
	}
	endpoints, next, err := s.endpointStates(ctx, r)
	if err != nil {
		return response{}, err
	}
	x := explained{eventType: e.Type, data: e.Data}
	out := dryRunWire{Type: e.Type, Data: []dryRunItemWire{}, NextCursor: next}
	for i := range endpoints {
		if ctx.Err() != nil {
			return response{}, context.Cause(ctx)
		}
		f, err := x.forecast(&endpoints[i])
		if err != nil {
			return response{}, err
		}
		out.Data = append(out.Data, dryRunItemWire{endpoints[i].ID.Format(webhook.EndpointPrefix), f.Matched, f.ReasonWire})
	}
	return response{status: http.StatusOK, body: out}, nil
}

// parseDryRun reads what an event needs for being matched, by the rules of one
// that is published.
func parseDryRun(raw []byte) (webhook.NewEvent, []webhook.FieldError) {
	e, bad := parseEvent(raw, "")
	if !isObject(raw) {
		return e, bad
	}
	for _, m := range members(raw) {
		at := child("", m.key)
		refused := slices.ContainsFunc(bad, func(e webhook.FieldError) bool { return e.Pointer == at })
		if m.key != "type" && m.key != "data" && !refused {
			bad = append(bad, webhook.FieldError{Pointer: at, Detail: "is no field of this request"})
		}
	}
	return e, bad
}

// endpointStates is the page of endpoints that the query asks for. An id that
// nobody has narrows it to nothing, whatever its shape.
func (s *server) endpointStates(ctx context.Context, r *request) (all []webhook.EndpointState, next *string, err error) {
	p, err := r.page()
	if err != nil {
		return nil, nil, err
	}
	var only []webhook.ID
	if r.query.Has("endpoint_id") {
		id, ok := webhook.ParseID(webhook.EndpointPrefix, r.query.Get("endpoint_id"))
		if !ok || id.IsZero() {
			return nil, nil, nil
		}
		only = []webhook.ID{id}
	}
	all, more, err := s.Explainer.States(ctx, r.workspace, only, p)
	return all, nextCursor(all, more, func(e *webhook.EndpointState) webhook.ID { return e.ID }), err
}

func idsOf(endpoints []webhook.EndpointState) []webhook.ID {
	out := make([]webhook.ID, len(endpoints))
	for i := range endpoints {
		out[i] = endpoints[i].ID
	}
	return out
}
