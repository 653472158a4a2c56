package api

import (
	"context"
	"net/http"
	"slices"
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
		}, {
			method: http.MethodGet, path: "/v1/endpoint-stats", id: "listEndpointStats", tag: tagDeliveries, scope: webhook.ScopeDeliveriesRead,
			summary: "Count several endpoints' deliveries", doc: doc + " Of each endpoint that is named and exists, in the order of their names.",
			query: []param{{name: "endpoint_ids", doc: "Endpoints, at most 50, with commas between them.", required: true, example: "ep_" + sampleText}, windowParam()}, status: http.StatusOK, answer: list[statsWire]{}, handle: s.manyStats,
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

// maxStatsOf is how many endpoints may be counted at once.
const maxStatsOf = 50

// manyStats counts several endpoints in the time that one takes: for lists of them.
func (s *server) manyStats(ctx context.Context, r *request) (response, error) {
	w, err := r.window()
	if err != nil {
		return response{}, err
	}
	names := strings.Split(r.query.Get("endpoint_ids"), ",")
	if !r.query.Has("endpoint_ids") || len(names) > maxStatsOf {
		return response{}, invalidField("endpoint_ids", "must name 1 to %d endpoints, with commas between them", maxStatsOf)
	}
	ids, err := s.namedEndpoints(ctx, r.workspace, names)
	if err != nil {
		return response{}, err
	}
	now := s.cfg.Now().UTC().Truncate(time.Millisecond)
	out := list[statsWire]{Data: make([]statsWire, len(ids))}
	if len(ids) == 0 {
		return response{status: http.StatusOK, body: out}, nil
	}
	all, err := s.Stats.StatsOf(ctx, r.workspace, ids, w, now)
	if err != nil {
		return response{}, err
	}
	for i := range all {
		out.Data[i] = renderStats(&all[i], w, ids[i], r.workspace, now)
	}
	return response{status: http.StatusOK, body: out}, nil
}

// namedEndpoints are those of the workspace, each once, in the order of the names.
func (s *server) namedEndpoints(ctx context.Context, ws webhook.WorkspaceID, names []string) (ids []webhook.ID, err error) {
	for _, name := range names {
		if id, ok := webhook.ParseID(webhook.EndpointPrefix, strings.TrimSpace(name)); ok && !id.IsZero() && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	found, err := s.Replays.Endpoints(ctx, ws, ids)
	return slices.DeleteFunc(ids, func(id webhook.ID) bool { return !slices.Contains(found, id) }), err
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
