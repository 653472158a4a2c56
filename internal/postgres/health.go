package postgres

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/webhook"
)

// run is one endpoint's failures in a group, those before its last success left
// out, and when the first and the last of them failed. When an attempt started
// would not do: twenty that time out together are no run of a minute.
type run struct {
	workspace   webhook.WorkspaceID
	failures    int32
	first, last time.Time
	lastFailure *entry // the one that failed at last
}

// queueHealth ends and counts the runs of failures of a group's endpoints, and
// disables those that said they are gone, unless they were changed since. It is in the group's own transaction,
// so a failure that was recorded was counted.
func (s *Deliver) queueHealth(b *pgx.Batch, successes, failures []*entry) {
	lastSuccess := make(map[webhook.ID]time.Time)
	recovered := make(map[webhook.ID]bool)
	for _, e := range successes {
		id := e.Delivery.EndpointID
		if e.Attempt.StartedAt.After(lastSuccess[id]) {
			lastSuccess[id] = e.Attempt.StartedAt
		}
		if e.Recovers {
			recovered[id] = true
		}
	}
	if len(recovered) > 0 {
		s.queueRecovered(b, successes)
		b.Queue(dbsqlc.ForgetFailures, pgIDs(sortedIDs(recovered), sameID))
	}
	probes := []pgtype.UUID{} // not nil, which is NULL and makes every comparison NULL
	gone := make(map[webhook.ID]int64)
	runs := make(map[webhook.ID]*run)
	for _, e := range failures {
		if e.Probe {
			probes = append(probes, pgID(e.Delivery.DeliveryID))
		}
		if e.Disable {
			id := e.Delivery.EndpointID
			gone[id] = max(gone[id], e.EndpointVersion)
		}
		if e.Attempt.StartedAt.After(lastSuccess[e.Delivery.EndpointID]) {
			countRun(runs, e)
		}
	}
	if len(runs) > 0 {
		s.queueRuns(b, runs, probes)
		s.queueFailing(b, runs)
	}
	if len(gone) > 0 {
		s.queueDisabled(b, failures)
		queueGone(b, gone)
	}
}

// queueGone disables endpoints that are no newer than what said 410.
func queueGone(b *pgx.Batch, gone map[webhook.ID]int64) {
	ids := sortedIDs(gone)
	versions := make([]int64, len(ids))
	for i, id := range ids {
		versions[i] = gone[id]
	}
	b.Queue(dbsqlc.DisableEndpoints, webhook.DisabledGone, pgIDs(ids, sameID), versions)
}

func sameID(id webhook.ID) webhook.ID { return id }

func countRun(runs map[webhook.ID]*run, e *entry) {
	failed := e.Attempt.StartedAt.Add(e.Attempt.Duration)
	r := runs[e.Delivery.EndpointID]
	if r == nil {
		r = &run{workspace: e.Delivery.WorkspaceID, first: failed, last: failed, lastFailure: e}
		runs[e.Delivery.EndpointID] = r
	}
	r.failures++
	if failed.Before(r.first) {
		r.first = failed
	}
	if failed.After(r.last) {
		r.last, r.lastFailure = failed, e
	}
}

func (s *Deliver) queueRuns(b *pgx.Batch, runs map[webhook.ID]*run, probes []pgtype.UUID) {
	var p dbsqlc.CountFailuresParams
	for _, id := range sortedIDs(runs) {
		p.EndpointIds = append(p.EndpointIds, pgID(id))
		p.WorkspaceIds = append(p.WorkspaceIds, string(runs[id].workspace))
		p.Failures = append(p.Failures, runs[id].failures)
		p.FirstAgoUs = append(p.FirstAgoUs, ago(runs[id].first))
		p.LastAgoUs = append(p.LastAgoUs, ago(runs[id].last))
	}
	b.Queue(dbsqlc.CountFailures, p.EndpointIds, p.WorkspaceIds, p.Failures, p.FirstAgoUs, p.LastAgoUs,
		s.breaker.silence().Seconds(), probes, int32(s.breaker.Failures), s.breaker.Window.Seconds())
}

// ago is how many microseconds have passed since t. Of a time that this process
// read it is right also when the clock was set meanwhile.
func ago(t time.Time) int64 { return max(time.Since(t), 0).Microseconds() }

// Failing returns the endpoints that have a run of failures.
func (s *Deliver) Failing(ctx context.Context) ([]webhook.ID, error) {
	rows, err := s.db.q.FailingEndpoints(ctx)
	if err != nil {
		return nil, fmt.Errorf("read failing endpoints: %w", available(err))
	}
	out := make([]webhook.ID, len(rows))
	for i, id := range rows {
		out[i] = id.Bytes
	}
	return out, nil
}

// EndRuns ends endpoints' runs of failures whose breaker did not open.
func (s *Deliver) EndRuns(ctx context.Context, endpoints []webhook.ID) error {
	if err := s.db.q.EndRuns(ctx, pgIDs(endpoints, sameID)); err != nil {
		return fmt.Errorf("end %d runs of failures: %w", len(endpoints), available(err))
	}
	return nil
}

// BeginProbe says that the probe's request is about to be made; false where it is
// the endpoint's probe no more.
func (s *Deliver) BeginProbe(ctx context.Context, m webhook.Member) (bool, error) {
	n, err := s.db.q.BeginProbe(ctx, dbsqlc.BeginProbeParams{EndpointID: pgID(m.EndpointID), DeliveryID: pgID(m.DeliveryID)})
	if err != nil {
		return false, fmt.Errorf("begin probe %s: %w", m.DeliveryID, available(err))
	}
	return n > 0, nil
}

// clean makes a sentence fit for a text column: a stranger's words may be in it.
func clean(s string) string { return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "\uFFFD") }

// Heartbeat says that the worker lives, and how many do.
func (s *Deliver) Heartbeat(ctx context.Context, worker, host string) (live int, err error) {
	if err := s.db.q.WorkerHeartbeat(ctx, dbsqlc.WorkerHeartbeatParams{ID: worker, Host: host}); err != nil {
		return 0, fmt.Errorf("worker heartbeat: %w", available(err))
	}
	n, err := s.db.q.LiveWorkers(ctx)
	if err != nil {
		return 0, fmt.Errorf("count live workers: %w", available(err))
	}
	return int(n), nil
}

// Leave removes the worker's sign of life.
func (s *Deliver) Leave(ctx context.Context, worker string) error {
	return available(s.db.q.RemoveWorker(ctx, worker))
}
