package client

import (
	"context"
	"net/url"
	"time"
)

// Window is how long a time up to now statistics are about.
type Window string

// Every window.
const (
	Window1h  Window = "1h"
	Window24h Window = "24h"
	Window7d  Window = "7d"
	Window30d Window = "30d"
)

func (w Window) query() url.Values { return url.Values(query{}.text("window", string(w))) }

// Stats count the deliveries whose events were accepted in a window.
type Stats struct {
	WorkspaceID WorkspaceID `json:"workspace_id"`
	// EndpointID is nil for the whole workspace.
	EndpointID *string `json:"endpoint_id"`
	Window     Window  `json:"window"`
	// From and To are times of acceptance, the first included.
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	// AsOf: all that had happened by this time is counted.
	AsOf time.Time `json:"as_of"`
	// Deliveries are by what they are now.
	Deliveries StatsCounts `json:"deliveries"`
	Attempts   int64       `json:"attempts"`
	// SuccessRate is 0 to 1: success out of success and failed; nil without any.
	SuccessRate *float64 `json:"success_rate"`
	// DurationMS is how long attempts took.
	DurationMS Quantiles `json:"duration_ms"`
	// LatencyMS is how long it took from acceptance to success.
	LatencyMS Quantiles `json:"latency_ms"`
	// Errors are failed attempts by their class.
	Errors map[string]int64 `json:"errors"`
	// BucketSeconds is how long a part of the series is.
	BucketSeconds int64       `json:"bucket_seconds"`
	Series        []StatsPart `json:"series"`
}

// StatsCounts are deliveries by status.
type StatsCounts struct {
	Total    int64 `json:"total"`
	Pending  int64 `json:"pending"`
	Success  int64 `json:"success"`
	Failed   int64 `json:"failed"`
	Canceled int64 `json:"canceled"`
}

// Quantiles are nil when nothing was measured, and at most 5 % off.
type Quantiles struct {
	P50 *float64 `json:"p50"`
	P95 *float64 `json:"p95"`
	P99 *float64 `json:"p99"`
}

// StatsPart is a part of the window, From included.
type StatsPart struct {
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	Total    int64     `json:"total"`
	Pending  int64     `json:"pending"`
	Success  int64     `json:"success"`
	Failed   int64     `json:"failed"`
	Canceled int64     `json:"canceled"`
	Attempts int64     `json:"attempts"`
	P95MS    *float64  `json:"p95_ms"`
}

// StatsService counts a workspace's deliveries; [EndpointsService.Stats] an
// endpoint's.
type StatsService struct{ service }

// Get counts a workspace's deliveries. The window is 24h when empty.
func (s *StatsService) Get(ctx context.Context, w Window) (Stats, error) {
	return do[Stats](ctx, s.c, &call{op: "getStats", method: "GET", path: "/v1/stats", query: w.query()})
}
