package client

import (
	"context"
	"iter"
	"strings"
	"time"
)

// What the API may take for these, beside the configured timeout: a test has the
// endpoint's timeout, a diagnosis that for two requests, and a replay begins with a
// count.
const (
	extraTest     = 75 * time.Second
	extraDiagnose = 150 * time.Second
	extraReplay   = 30 * time.Second
)

// EndpointsService is about endpoints.
type EndpointsService struct{ service }

// EndpointFilter narrows a list of endpoints.
type EndpointFilter struct {
	State EndpointState
	// Search is a text in the URL or the description, whatever the case of a to z.
	Search string
	// Limit and Cursor are as in [ListOptions].
	Limit  int
	Cursor string
}

func (f EndpointFilter) query() query {
	return query{}.text("state", string(f.State)).text("search", f.Search).page(f.Limit, f.Cursor)
}

// Create creates an endpoint. Its secret is in the answer.
func (s *EndpointsService) Create(ctx context.Context, in EndpointInput) (Endpoint, error) {
	return do[Endpoint](ctx, s.c, &call{op: "createEndpoint", method: "POST", path: "/v1/endpoints", body: in})
}

// Check says what Create would, and creates nothing.
func (s *EndpointsService) Check(ctx context.Context, in EndpointInput) (EndpointCheck, error) {
	return do[EndpointCheck](ctx, s.c, &call{op: "checkEndpoint", method: "POST", path: "/v1/endpoint-checks", body: in})
}

// Get is an endpoint, without its secret.
func (s *EndpointsService) Get(ctx context.Context, id string) (Endpoint, error) {
	return do[Endpoint](ctx, s.c, &call{op: "getEndpoint", method: "GET", path: "/v1/endpoints/{}", ids: []string{id}})
}

// List is one page of endpoints, newest first.
func (s *EndpointsService) List(ctx context.Context, o ListOptions) (Page[Endpoint], error) {
	return list[Endpoint](ctx, s.c, "listEndpoints", "/v1/endpoints", o.query())
}

// All goes through all pages of List.
func (s *EndpointsService) All(ctx context.Context, o ListOptions) iter.Seq2[Endpoint, error] {
	return all(o.Cursor, func(cursor string) (Page[Endpoint], error) {
		o.Cursor = cursor
		return s.List(ctx, o)
	})
}

// Find is List, narrowed. A page of what is rare may be short, or empty, though more is
// behind it: go on until NextCursor is nil.
func (s *EndpointsService) Find(ctx context.Context, f EndpointFilter) (Page[Endpoint], error) {
	return list[Endpoint](ctx, s.c, "listEndpoints", "/v1/endpoints", f.query())
}

// FindHealth is Health of the endpoints of Find, in their order.
func (s *EndpointsService) FindHealth(ctx context.Context, f EndpointFilter) (Page[EndpointHealth], error) {
	return list[EndpointHealth](ctx, s.c, "listEndpointHealth", "/v1/endpoint-health", f.query())
}

// Health is one page of how endpoints are, in the order of List. Where an endpoint's
// id is given it is of that one alone.
func (s *EndpointsService) Health(ctx context.Context, id string, o ListOptions) (Page[EndpointHealth], error) {
	return list[EndpointHealth](ctx, s.c, "listEndpointHealth", "/v1/endpoint-health", o.query().text("endpoint_id", id))
}

// AllHealth goes through all pages of Health.
func (s *EndpointsService) AllHealth(ctx context.Context, id string, o ListOptions) iter.Seq2[EndpointHealth, error] {
	return all(o.Cursor, func(cursor string) (Page[EndpointHealth], error) {
		o.Cursor = cursor
		return s.Health(ctx, id, o)
	})
}

// Update changes what the patch names, and nothing else.
func (s *EndpointsService) Update(ctx context.Context, id string, p EndpointPatch) (Endpoint, error) {
	return do[Endpoint](ctx, s.c, &call{op: "updateEndpoint", method: "PATCH", path: "/v1/endpoints/{}", ids: []string{id}, body: p, patch: true})
}

// Delete deletes an endpoint; what is pending for it is canceled.
func (s *EndpointsService) Delete(ctx context.Context, id string) error {
	return remove(ctx, s.c, &call{op: "deleteEndpoint", method: "DELETE", path: "/v1/endpoints/{}", ids: []string{id}})
}

// Secret shows an endpoint's secret; while it rotates both.
func (s *EndpointsService) Secret(ctx context.Context, id string) (Secret, error) {
	return do[Secret](ctx, s.c, &call{op: "getEndpointSecret", method: "GET", path: "/v1/endpoints/{}/secret", ids: []string{id}})
}

// Rotate gives an endpoint a new secret, beside which the old one goes on for a
// while.
func (s *EndpointsService) Rotate(ctx context.Context, id string, in RotateInput) (Rotated, error) {
	return do[Rotated](ctx, s.c, &call{op: "rotateEndpointSecret", method: "POST", path: "/v1/endpoints/{}/secret/rotate", ids: []string{id}, body: in})
}

// Promote ends a rotation: the new secret is the only one from now on.
func (s *EndpointsService) Promote(ctx context.Context, id string) (Secret, error) {
	return do[Secret](ctx, s.c, &call{op: "promoteEndpointSecret", method: "POST", path: "/v1/endpoints/{}/secret/promote", ids: []string{id}})
}

// Test sends one signed request now. It counts as no event and is never retried.
func (s *EndpointsService) Test(ctx context.Context, id string, in TestInput) (TestResult, error) {
	return do[TestResult](ctx, s.c, &call{op: "testEndpoint", method: "POST", path: "/v1/endpoints/{}/test", ids: []string{id}, body: in, extra: extraTest})
}

// Diagnose goes the whole way to the receiver and says what is wrong where.
func (s *EndpointsService) Diagnose(ctx context.Context, id string) (Diagnosis, error) {
	return do[Diagnosis](ctx, s.c, &call{op: "diagnoseEndpoint", method: "POST", path: "/v1/endpoints/{}/diagnose", ids: []string{id}, extra: extraDiagnose})
}

// Replay makes new deliveries of stored events, in the background. It ignores
// DryRun.
func (s *EndpointsService) Replay(ctx context.Context, id string, in EndpointReplayInput) (Replay, error) {
	in.DryRun = false
	return do[Replay](ctx, s.c, s.replay(id, in))
}

// CountReplay is how many deliveries Replay would make, and makes none.
func (s *EndpointsService) CountReplay(ctx context.Context, id string, in EndpointReplayInput) (ReplayCount, error) {
	in.DryRun = true
	return do[ReplayCount](ctx, s.c, s.replay(id, in))
}

func (s *EndpointsService) replay(id string, in EndpointReplayInput) *call {
	return &call{op: "replayEndpoint", method: "POST", path: "/v1/endpoints/{}/replay", ids: []string{id}, body: in, extra: extraReplay}
}

// Stats counts an endpoint's deliveries. The window is 24h when empty.
func (s *EndpointsService) Stats(ctx context.Context, id string, w Window) (Stats, error) {
	return do[Stats](ctx, s.c, &call{op: "getEndpointStats", method: "GET", path: "/v1/endpoints/{}/stats", ids: []string{id}, query: w.query()})
}

// StatsOf counts the deliveries of up to 50 endpoints at once: of those that exist, in
// the order of their ids. The window is 24h when empty.
func (s *EndpointsService) StatsOf(ctx context.Context, ids []string, w Window) ([]Stats, error) {
	q := query{}.text("endpoint_ids", strings.Join(ids, ",")).text("window", string(w))
	page, err := list[Stats](ctx, s.c, "listEndpointStats", "/v1/endpoint-stats", q)
	return page.Data, err
}

// Deliveries is one page of an endpoint's deliveries.
func (s *EndpointsService) Deliveries(ctx context.Context, id string, f EventDeliveryFilter) (Page[Delivery], error) {
	return list[Delivery](ctx, s.c, "listEndpointDeliveries", "/v1/endpoints/{}/deliveries", f.query(), id)
}

// AllDeliveries goes through all pages of Deliveries.
func (s *EndpointsService) AllDeliveries(ctx context.Context, id string, f EventDeliveryFilter) iter.Seq2[Delivery, error] {
	return all(f.Cursor, func(cursor string) (Page[Delivery], error) {
		f.Cursor = cursor
		return s.Deliveries(ctx, id, f)
	})
}
