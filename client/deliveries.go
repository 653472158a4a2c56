package client

import (
	"context"
	"iter"
	"time"
)

// DeliveriesService is about deliveries and their attempts.
type DeliveriesService struct{ service }

// DeliveryFilter narrows a list of deliveries.
type DeliveryFilter struct {
	Status     DeliveryStatus
	EndpointID string
	// EventID may be your own.
	EventID string
	// Type is one event type, exactly.
	Type string
	// Since and Until are times of the events' acceptance, the first included.
	Since, Until time.Time
	// Limit and Cursor are as in [ListOptions].
	Limit  int
	Cursor string
	// StatusClass and ErrorClass are of the last attempt.
	StatusClass StatusClass
	ErrorClass  ErrorClass
}

func (f DeliveryFilter) query() query {
	return EventDeliveryFilter{f.Status, f.Type, f.Since, f.Until, f.Limit, f.Cursor, f.StatusClass, f.ErrorClass}.query().
		text("endpoint_id", f.EndpointID).text("event_id", f.EventID)
}

// List is one page of deliveries, newest first.
func (s *DeliveriesService) List(ctx context.Context, f DeliveryFilter) (Page[Delivery], error) {
	return list[Delivery](ctx, s.c, "listDeliveries", "/v1/deliveries", f.query())
}

// All goes through all pages of List.
func (s *DeliveriesService) All(ctx context.Context, f DeliveryFilter) iter.Seq2[Delivery, error] {
	return all(f.Cursor, func(cursor string) (Page[Delivery], error) {
		f.Cursor = cursor
		return s.List(ctx, f)
	})
}

// Get is a delivery, with what the last attempt got for an answer.
func (s *DeliveriesService) Get(ctx context.Context, id string) (Delivery, error) {
	return do[Delivery](ctx, s.c, &call{op: "getDelivery", method: "GET", path: "/v1/deliveries/{}", ids: []string{id}})
}

// Attempts is one page of a delivery's attempts, newest first.
func (s *DeliveriesService) Attempts(ctx context.Context, id string, o ListOptions) (Page[Attempt], error) {
	return list[Attempt](ctx, s.c, "listAttempts", "/v1/deliveries/{}/attempts", o.query(), id)
}

// AllAttempts goes through all pages of Attempts.
func (s *DeliveriesService) AllAttempts(ctx context.Context, id string, o ListOptions) iter.Seq2[Attempt, error] {
	return all(o.Cursor, func(cursor string) (Page[Attempt], error) {
		o.Cursor = cursor
		return s.Attempts(ctx, id, o)
	})
}

// Retry starts a fresh schedule for a delivery that failed or was canceled.
func (s *DeliveriesService) Retry(ctx context.Context, id string) (Delivery, error) {
	return do[Delivery](ctx, s.c, &call{op: "retryDelivery", method: "POST", path: "/v1/deliveries/{}/retry", ids: []string{id}})
}

// Cancel stops a pending delivery. A request that is under way may still succeed.
func (s *DeliveriesService) Cancel(ctx context.Context, id string) (Delivery, error) {
	return do[Delivery](ctx, s.c, &call{op: "cancelDelivery", method: "POST", path: "/v1/deliveries/{}/cancel", ids: []string{id}})
}
