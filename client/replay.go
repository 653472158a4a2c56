package client

import (
	"context"
	"iter"
	"time"
)

// EndpointReplayInput says which events an endpoint gets again. Since is required.
type EndpointReplayInput struct {
	// Since and Until are times of acceptance, the first included. Until is now when
	// zero.
	Since time.Time `json:"since"`
	Until time.Time `json:"until,omitzero"`
	// Statuses are of an event's last delivery to the endpoint. Default failed.
	Statuses []ReplayOf `json:"statuses,omitempty"`
	// Types are exact event types. Default all.
	Types []string `json:"types,omitempty"`
	// DryRun is for the methods to set: see [EndpointsService.CountReplay].
	DryRun bool `json:"dry_run,omitempty"`
}

// ReplayOf is a status that a replay makes deliveries of.
type ReplayOf string

// What may be replayed. Missing stands alone: events that the endpoint matches now
// and that made no delivery to it, as while it was disabled.
const (
	ReplayOfFailed   ReplayOf = "failed"
	ReplayOfCanceled ReplayOf = "canceled"
	ReplayOfSuccess  ReplayOf = "success"
	ReplayOfMissing  ReplayOf = "missing"
)

// EventReplayInput says where an event goes again.
type EventReplayInput struct {
	// EndpointIDs get it whatever they subscribe to. Default the active endpoints
	// that match it now.
	EndpointIDs []string `json:"endpoint_ids,omitempty"`
}

// DeliveriesReplayInput names the deliveries that are made again.
type DeliveriesReplayInput struct {
	// DeliveryIDs are 250 at most. Those that can't be made again are left out: what is
	// pending, and whose endpoint was deleted or payload is no longer kept.
	DeliveryIDs []string `json:"delivery_ids"`
}

// ReplayCount is how many deliveries a replay would make.
type ReplayCount struct {
	Total int64 `json:"total"`
}

// Replay is stored events, delivered again.
type Replay struct {
	ID          string      `json:"id"`
	WorkspaceID WorkspaceID `json:"workspace_id"`
	// EndpointID is nil for the replay of one event, EventID for that of an endpoint,
	// and both are for that of deliveries.
	EndpointID *string `json:"endpoint_id"`
	EventID    *string `json:"event_id"`
	// DeliveryIDs are those that it makes again; empty for any other.
	DeliveryIDs []string     `json:"delivery_ids"`
	Since       time.Time    `json:"since"`
	Until       time.Time    `json:"until"`
	Statuses    []ReplayOf   `json:"statuses"`
	Types       []string     `json:"types"`
	Status      ReplayStatus `json:"status"`
	// Total is how many deliveries there were to make, Done how many were made.
	Total int64 `json:"total"`
	Done  int64 `json:"done"`
	// RatePerSecond is nil before the first.
	RatePerSecond *float64 `json:"rate_per_second"`
	// RemainingSeconds is nil when unknown, or nothing is left.
	RemainingSeconds *int64     `json:"remaining_seconds"`
	CreatedAt        time.Time  `json:"created_at"`
	FinishedAt       *time.Time `json:"finished_at"`
}

// ReplayStatus is how far a replay is.
type ReplayStatus string

// Every status.
const (
	ReplayRunning  ReplayStatus = "running"
	ReplayDone     ReplayStatus = "done"
	ReplayCanceled ReplayStatus = "canceled"
)

// ReplaysService is about replays. They begin with [EndpointsService.Replay],
// [EventsService.Replay] and Start.
type ReplaysService struct{ service }

// Start delivers some deliveries again: the same bytes under the same X-Webhook-ID, to
// the same endpoints.
func (s *ReplaysService) Start(ctx context.Context, in DeliveriesReplayInput) (Replay, error) {
	return do[Replay](ctx, s.c, &call{op: "replayDeliveries", method: "POST", path: "/v1/replays", body: in})
}

// List is one page of replays, newest first.
func (s *ReplaysService) List(ctx context.Context, o ListOptions) (Page[Replay], error) {
	return list[Replay](ctx, s.c, "listReplays", "/v1/replays", o.query())
}

// All goes through all pages of List.
func (s *ReplaysService) All(ctx context.Context, o ListOptions) iter.Seq2[Replay, error] {
	return all(o.Cursor, func(cursor string) (Page[Replay], error) {
		o.Cursor = cursor
		return s.List(ctx, o)
	})
}

// Get is a replay: how far it is, and how fast.
func (s *ReplaysService) Get(ctx context.Context, id string) (Replay, error) {
	return do[Replay](ctx, s.c, &call{op: "getReplay", method: "GET", path: "/v1/replays/{}", ids: []string{id}})
}

// Cancel stops a replay. The deliveries that it made go on.
func (s *ReplaysService) Cancel(ctx context.Context, id string) (Replay, error) {
	return do[Replay](ctx, s.c, &call{op: "cancelReplay", method: "POST", path: "/v1/replays/{}/cancel", ids: []string{id}})
}
