package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

func (s *server) statsRoutes() []route {
	const doc = "Of the deliveries whose events were accepted in the window. The window begins with a whole part, so it may be somewhat longer than its name says."
	return []route{
		{
			method: http.MethodGet, path: "/v1/stats", id: "getStats", tag: tagDeliveries, scope: webhook.ScopeDeliveriesRead,
			summary: "Count a workspace's deliveries", doc: doc, query: []param{windowParam()},
			status: http.StatusOK, answer: statsWire{}, handle: s.workspaceStats,
		}, {
			method: http.MethodGet, path: "/v1/endpoints/{id}/stats", id: "getEndpointStats", tag: tagDeliveries, scope: webhook.ScopeDeliveriesRead,
			summary: "Count an endpoint's deliveries", doc: doc, query: []param{windowParam()},
			status: http.StatusOK, answer: statsWire{}, handle: s.endpointStats,
		},
	}
}

func windowParam() param {
	p := param{name: "window", doc: "How long a time up to now. Default 24h."}
	for _, name := range windowNames() {
		p.enum = append(p.enum, name)
	}
	return p
}

func windowNames() (names []string) {
	for _, w := range webhook.StatsWindows() {
		names = append(names, w.Name)
	}
	return names
}

// window reads ?window=.
func (r *request) window() (webhook.StatsWindow, error) {
	name := "24h"
	if r.query.Has("window") {
		name = r.query.Get("window")
	}
	for _, w := range webhook.StatsWindows() {
		if w.Name == name {
			return w, nil
		}
	}
	return webhook.StatsWindow{}, invalidField("window", "must be one of %s", strings.Join(windowNames(), ", "))
}

func (s *server) workspaceStats(ctx context.Context, r *request) (response, error) {
	return s.stats(ctx, r, webhook.ID{})
}

func (s *server) endpointStats(ctx context.Context, r *request) (response, error) {
	e, err := s.endpoint(ctx, r)
	if err != nil {
		return response{}, err
	}
	return s.stats(ctx, r, e.ID)
}

func (s *server) stats(ctx context.Context, r *request, endpoint webhook.ID) (response, error) {
	w, err := r.window()
	if err != nil {
		return response{}, err
	}
	now := s.cfg.Now().UTC().Truncate(time.Millisecond)
	st, err := s.Stats.Stats(ctx, r.workspace, endpoint, w, now)
	if err != nil {
		return response{}, err
	}
	return response{status: http.StatusOK, body: renderStats(&st, w, endpoint, r.workspace, now)}, nil
}
