package api

import (
	"context"
	"net/http"

	"github.com/postrider/postrider/internal/match"
	"github.com/postrider/postrider/internal/webhook"
)

func (s *server) feedRoutes() []route {
	return []route{{
		method: http.MethodGet, path: "/v1/endpoints/{id}/feed", id: "readEndpointFeed", tag: tagEndpoints, scope: webhook.ScopeDeliveriesRead, bySecret: true,
		summary: "Read what an endpoint missed",
		doc: "For a receiver that was down: every event that made a delivery to the endpoint, whatever became of it, and every one that would have had it been active, " +
			"oldest first. Keep next_cursor, and go on with it for as long as has_more says so, or for ever. An event shows about 5 s after it was accepted, and none comes in before those that were read. " +
			"A page may be short of its limit, or empty, though there is more.",
		query: append(pageParams(), param{
			name: "since", doc: "Only what was accepted at this time or later. Default: since the endpoint exists.", format: "date-time", example: "2024-01-15T00:00:00Z",
		}),
		status: http.StatusOK, answer: feedWire{}, handle: s.readFeed,
	}}
}

func (s *server) readFeed(ctx context.Context, r *request) (response, error) {
	e, err := s.endpoint(ctx, r)
	if err != nil {
		return response{}, err
	}
	p, err := r.page()
	if err != nil {
		return response{}, err
	}
	c := webhook.CatchUp{WorkspaceID: r.workspace, EndpointID: e.ID, After: p.Before, Limit: p.Limit}
	if c.Since, err = r.time("since"); err != nil {
		return response{}, err
	}
	if c.Interest, err = match.Stored(&e); err != nil {
		return response{}, err
	}
	page, err := s.CatchUp.Page(ctx, &c)
	if err != nil {
		return response{}, err
	}
	return response{status: http.StatusOK, body: renderFeed(&page, &e)}, nil
}
