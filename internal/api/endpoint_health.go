package api

import (
	"context"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// What an endpoint's health is called.
const (
	endpointHealthy  = "healthy"
	endpointFailing  = "failing"
	endpointOpen     = "breaker_open"
	endpointDisabled = "disabled"
)

type endpointHealthWire struct {
	EndpointID   string     `json:"endpoint_id" pattern:"^ep_[0-7][0-9a-hjkmnp-tv-z]{25}$" doc:"The endpoint." example:"ep_01kqxg5wdgf0m8c4yb2h3t9v6z"`
	State        string     `json:"state" enum:"healthy,failing,breaker_open,disabled" doc:"healthy: its last attempt succeeded, or there was none; failing: attempts failed in a row; breaker_open: so many that what is sent to it is held; disabled: it gets nothing." example:"breaker_open"`
	Failures     int        `json:"failures" minimum:"0" doc:"Attempts that failed in a row." example:"21"`
	FailingSince *time.Time `json:"failing_since" doc:"When the first of them failed; null for none."`
	OpenUntil    *time.Time `json:"open_until" doc:"Until when its breaker holds what is sent to it, at least; after that one delivery probes it. Null while it is closed."`
	HeldReason   *string    `json:"held_reason" enum:"breaker_open,max_in_flight,rate_limit,secret_sealed,endpoint_disabled,ordering" doc:"Why deliveries wait for it at the moment; null where none do." example:"breaker_open"`
}

func (s *server) listEndpointHealth(ctx context.Context, r *request) (response, error) {
	all, next, err := s.endpointStates(ctx, r)
	if err != nil {
		return response{}, err
	}
	out := list[endpointHealthWire]{Data: make([]endpointHealthWire, len(all)), NextCursor: next}
	for i := range all {
		out.Data[i] = renderEndpointHealth(&all[i])
	}
	return response{status: 200, body: out}, nil
}

func renderEndpointHealth(e *webhook.EndpointState) endpointHealthWire {
	out := endpointHealthWire{
		EndpointID: e.ID.Format(webhook.EndpointPrefix), State: endpointHealthy, Failures: e.Failures,
		FailingSince: e.FailingSince, OpenUntil: e.OpenUntil, HeldReason: orNull(e.ParkedReason),
	}
	switch {
	case !e.IsActive:
		out.State = endpointDisabled
	case e.OpenUntil != nil:
		out.State = endpointOpen
	case e.Failures > 0:
		out.State = endpointFailing
	}
	return out
}
