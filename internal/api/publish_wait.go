package api

import (
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// outcomeWire is what is known of one delivery when a publisher has waited.
type outcomeWire struct {
	EndpointID    string     `json:"endpoint_id" doc:"Where it goes." example:"ep_01kqxg5wdgf0m8c4yb2h3t9v6z"`
	DeliveryID    string     `json:"delivery_id" doc:"The event on its way there." example:"dlv_01kqxg5wdgf0m8c4yb2h3t9v6z"`
	Status        string     `json:"status" enum:"pending,success,failed,canceled" doc:"As it was when the answer was given." example:"success"`
	Attempts      int        `json:"attempts" doc:"How many were made."`
	StatusCode    *int       `json:"status_code" doc:"Of the last attempt, like the error."`
	Error         *string    `json:"error" doc:"Why the last attempt failed, in words; null where it did not."`
	ErrorClass    *string    `json:"error_class" enum:"timeout,refused,reset,dns,tls,blocked,status,invalid_http,internal" doc:"The kind of that error."`
	NextAttemptAt *time.Time `json:"next_attempt_at" doc:"When a pending delivery is tried next."`
	HeldReason    *string    `json:"held_reason" enum:"endpoint_disabled,breaker_open,max_in_flight,rate_limit,secret_sealed,ordering" doc:"Why a pending delivery is not being tried."`
}

// await lets the publisher wait for its event's outcomes and adds them to the
// answer. It has no deadline but its own: the event is accepted.
func (s *server) await(r *request, a *webhook.Accepted, d time.Duration, out *acceptedWire) {
	// What a large body took is for others from now on.
	r.body = nil
	if r.free != nil {
		r.free()
	}
	event := webhook.Awaited{WorkspaceID: r.workspace, EventID: a.EventID}
	deliveries, end := s.Waits.Wait(r.http.Context(), event, a.Deliveries, d)
	out.Waited = string(end)
	out.Outcomes = make([]outcomeWire, len(deliveries))
	for i := range deliveries {
		out.Outcomes[i] = renderOutcome(&deliveries[i])
	}
}

func renderOutcome(d *webhook.Delivery) outcomeWire {
	return outcomeWire{
		EndpointID: d.EndpointID.Format(webhook.EndpointPrefix), DeliveryID: d.ID.Format(webhook.DeliveryPrefix),
		Status: string(d.Status), Attempts: d.Attempts, StatusCode: orNull(d.StatusCode), Error: orNull(d.Error),
		ErrorClass: orNull(string(d.ErrorClass)), NextAttemptAt: d.NextAttemptAt, HeldReason: orNull(d.HeldReason),
	}
}
