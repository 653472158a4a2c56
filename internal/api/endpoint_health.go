package api

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/postrider/postrider/internal/webhook"
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
	f, err := r.endpointFilter()
	if err != nil {
		return response{}, err
	}
	var all []webhook.EndpointState
	var next *string
	if f != (webhook.EndpointFilter{}) && !r.query.Has("endpoint_id") {
		all, next, err = s.endpointStatesLike(ctx, r, f)
	} else {
		all, next, err = s.endpointStates(ctx, r)
	}
	if err != nil {
		return response{}, err
	}
	out := list[endpointHealthWire]{Data: []endpointHealthWire{}, NextCursor: next}
	for i := range all {
		if f.Health == "" || all[i].Health() == f.Health { // it may be another by now
			out.Data = append(out.Data, renderEndpointHealth(&all[i]))
		}
	}
	return response{status: 200, body: out}, nil
}

// endpointStatesLike is the page of endpoints that are as wanted.
func (s *server) endpointStatesLike(ctx context.Context, r *request, f webhook.EndpointFilter) ([]webhook.EndpointState, *string, error) {
	p, err := r.page()
	if err != nil {
		return nil, nil, err
	}
	ids, next, err := s.Endpoints.Find(ctx, r.workspace, f, p)
	if err != nil {
		return nil, nil, err
	}
	var cursor *string
	if !next.IsZero() {
		cursor = encodeCursor(next[:])
	}
	if len(ids) == 0 {
		return nil, cursor, nil
	}
	all, _, err := s.Explainer.States(ctx, r.workspace, ids, webhook.Page{Limit: len(ids)})
	return all, cursor, err
}

func renderEndpointHealth(e *webhook.EndpointState) endpointHealthWire {
	return endpointHealthWire{
		EndpointID: e.ID.Format(webhook.EndpointPrefix), State: e.Health(), Failures: e.Failures,
		FailingSince: e.FailingSince, OpenUntil: e.OpenUntil, HeldReason: orNull(e.ParkedReason),
	}
}

// maxSearch bounds ?search=, in characters.
const maxSearch = 200

// endpointFilterParams narrow a list of endpoints.
func endpointFilterParams() []param {
	state := param{name: "state", doc: "Only endpoints that are so; see GET /v1/endpoint-health."}
	for _, name := range webhook.EndpointStates() {
		state.enum = append(state.enum, name)
	}
	return []param{state, {name: "search", doc: "Only endpoints with this text in their URL or description, whatever the case of its letters a to z. At most 200 characters.", pattern: `^[^\x00]{0,200}$`, example: "search-index"}}
}

// endpointFilter reads ?state= and ?search=.
func (r *request) endpointFilter() (f webhook.EndpointFilter, err error) {
	f.Health, f.Search = r.query.Get("state"), r.query.Get("search")
	if f.Health != "" && !slices.Contains(webhook.EndpointStates(), f.Health) {
		return f, invalidField("state", "must be one of %s", strings.Join(webhook.EndpointStates(), ", "))
	}
	if utf8.RuneCountInString(f.Search) > maxSearch || !utf8.ValidString(f.Search) || strings.ContainsRune(f.Search, 0) {
		return f, invalidField("search", "must be text of at most %d characters", maxSearch)
	}
	return f, nil
}
