package client

import (
	"context"
	"iter"
	"net/url"
)

// ExplainService says why an event reaches an endpoint, or not.
type ExplainService struct{ service }

// ExplainFilter narrows an explanation.
type ExplainFilter struct {
	// EndpointID is the only endpoint to explain.
	EndpointID string
	// Limit and Cursor are as in [ListOptions].
	Limit  int
	Cursor string
}

func (f ExplainFilter) query() url.Values {
	return url.Values(query{}.text("endpoint_id", f.EndpointID).page(f.Limit, f.Cursor))
}

// Event says for each endpoint of the workspace whether it got an event, and the
// first reason why not.
func (s *ExplainService) Event(ctx context.Context, id string, f ExplainFilter) (EventExplanation, error) {
	return do[EventExplanation](ctx, s.c, &call{op: "explainEvent", method: "GET", path: "/v1/events/{}/explain", ids: []string{id}, query: f.query()})
}

// AllOfEvent goes through all pages of Event.
func (s *ExplainService) AllOfEvent(ctx context.Context, id string, f ExplainFilter) iter.Seq2[Explanation, error] {
	return all(f.Cursor, func(cursor string) (Page[Explanation], error) {
		f.Cursor = cursor
		page, err := s.Event(ctx, id, f)
		return Page[Explanation]{page.Data, page.NextCursor}, err
	})
}

// DryRun says what would become of an event. Nothing is stored and nothing is sent.
func (s *ExplainService) DryRun(ctx context.Context, in ExplainInput, f ExplainFilter) (DryRun, error) {
	return do[DryRun](ctx, s.c, &call{op: "explainDryRun", method: "POST", path: "/v1/explain", query: f.query(), body: in})
}

// AllOfDryRun goes through all pages of DryRun.
func (s *ExplainService) AllOfDryRun(ctx context.Context, in ExplainInput, f ExplainFilter) iter.Seq2[DryRunItem, error] {
	return all(f.Cursor, func(cursor string) (Page[DryRunItem], error) {
		f.Cursor = cursor
		page, err := s.DryRun(ctx, in, f)
		return Page[DryRunItem]{page.Data, page.NextCursor}, err
	})
}
