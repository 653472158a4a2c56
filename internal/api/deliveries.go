package api

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/postrider/postrider/internal/webhook"
)

func (r *request) deliveryID() (webhook.ID, error) {
	return r.id("id", webhook.DeliveryPrefix, "delivery")
}

func (s *server) getDelivery(ctx context.Context, r *request) (response, error) {
	id, err := r.deliveryID()
	if err != nil {
		return response{}, err
	}
	d, err := s.Deliveries.Get(ctx, r.workspace, id)
	if err != nil {
		return response{}, err
	}
	return response{status: http.StatusOK, body: renderDelivery(&d)}, nil
}

// listDeliveries lists what ?endpoint_id= and ?event_id= name. An id that
// nobody has narrows the list to nothing, whatever its shape.
func (s *server) listDeliveries(ctx context.Context, r *request) (response, error) {
	p, f, err := r.deliveryFilter()
	if err != nil {
		return response{}, err
	}
	none := response{status: http.StatusOK, body: list[deliveryWire]{Data: []deliveryWire{}}}
	if r.query.Has("endpoint_id") {
		id, ok := webhook.ParseID(webhook.EndpointPrefix, r.query.Get("endpoint_id"))
		if !ok || id.IsZero() {
			return none, nil
		}
		f.EndpointID = id
	}
	if r.query.Has("event_id") {
		e, err := s.Events.Get(ctx, r.workspace, r.query.Get("event_id"))
		if webhook.CodeOf(err) == webhook.CodeNotFound {
			return none, nil
		}
		if err != nil {
			return response{}, err
		}
		f.EventID = e.ID
	}
	return s.deliveryPage(ctx, r, f, p)
}

func (s *server) listEndpointDeliveries(ctx context.Context, r *request) (response, error) {
	e, err := s.endpoint(ctx, r)
	if err != nil {
		return response{}, err
	}
	p, f, err := r.deliveryFilter()
	if err != nil {
		return response{}, err
	}
	f.EndpointID = e.ID
	return s.deliveryPage(ctx, r, f, p)
}

func (s *server) listEventDeliveries(ctx context.Context, r *request) (response, error) {
	e, err := s.Events.Get(ctx, r.workspace, r.param("id"))
	if err != nil {
		return response{}, err
	}
	p, f, err := r.deliveryFilter()
	if err != nil {
		return response{}, err
	}
	f.EventID = e.ID
	return s.deliveryPage(ctx, r, f, p)
}

func (s *server) deliveryPage(ctx context.Context, r *request, f webhook.DeliveryFilter, p webhook.Page) (response, error) {
	rows, next, err := s.Deliveries.List(ctx, r.workspace, f, p)
	if err != nil {
		return response{}, err
	}
	return pageBefore(rows, next, renderDelivery), nil
}

// deliveryFilter reads what all lists of deliveries take.
func (r *request) deliveryFilter() (p webhook.Page, f webhook.DeliveryFilter, err error) {
	if p, err = r.page(); err != nil {
		return p, f, err
	}
	if r.query.Has("status") {
		f.Status = webhook.Status(r.query.Get("status"))
		if !slices.Contains(webhook.Statuses(), f.Status) {
			return p, f, invalidField("status", "must be one of %s", statusNames())
		}
	}
	if err := r.outcome(&f); err != nil {
		return p, f, err
	}
	if f.Type, err = r.eventType(); err != nil {
		return p, f, err
	}
	f.Since, f.Until, err = r.span()
	return p, f, err
}

// outcome reads what the last attempt must have come to.
func (r *request) outcome(f *webhook.DeliveryFilter) error {
	f.StatusClass, f.ErrorClass = webhook.StatusClass(r.query.Get("status_class")), webhook.ErrorClass(r.query.Get("error_class"))
	if f.StatusClass != "" && !slices.Contains(webhook.StatusClasses(), f.StatusClass) {
		return invalidField("status_class", "must be one of %s", listed(webhook.StatusClasses()))
	}
	if f.ErrorClass != "" && !slices.Contains(webhook.ErrorClasses(), f.ErrorClass) {
		return invalidField("error_class", "must be one of %s", listed(webhook.ErrorClasses()))
	}
	return nil
}

func statusNames() string { return listed(webhook.Statuses()) }

func listed[S ~string](all []S) string {
	names := make([]string, len(all))
	for i, s := range all {
		names[i] = string(s)
	}
	return strings.Join(names, ", ")
}

func (s *server) listAttempts(ctx context.Context, r *request) (response, error) {
	id, err := r.deliveryID()
	if err != nil {
		return response{}, err
	}
	p, err := r.page()
	if err != nil {
		return response{}, err
	}
	d, err := s.Deliveries.Get(ctx, r.workspace, id)
	if err != nil {
		return response{}, err
	}
	rows, more, err := s.Deliveries.Attempts(ctx, r.workspace, id, d.Attempts, p)
	if err != nil {
		return response{}, err
	}
	return pageOf(rows, more, func(a *webhook.Attempt) webhook.ID { return a.ID }, renderAttempt), nil
}

// noInput is the body of a POST that takes nothing: none, or an empty object.
type noInput struct{}

func (s *server) retryDelivery(ctx context.Context, r *request) (response, error) {
	return changeDelivery(ctx, r, s.Deliveries.Retry)
}

func (s *server) cancelDelivery(ctx context.Context, r *request) (response, error) {
	return changeDelivery(ctx, r, s.Deliveries.Cancel)
}

func changeDelivery(ctx context.Context, r *request, change func(context.Context, webhook.WorkspaceID, webhook.ID) (webhook.Delivery, error)) (response, error) {
	id, err := r.deliveryID()
	if err != nil {
		return response{}, err
	}
	if err := decode(r.body, &noInput{}); err != nil {
		return response{}, err
	}
	d, err := change(ctx, r.workspace, id)
	if err != nil {
		return response{}, err
	}
	return response{status: http.StatusAccepted, body: renderDelivery(&d)}, nil
}
