package postgres

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/webhook"
)

// announces says whether a workspace's changes are told: none are where nobody is
// to be told, and never those of the workspace that is told, which would go on
// for ever.
func (db *DB) announces(ws webhook.WorkspaceID) bool {
	return db.operations != "" && ws != db.operations
}

// news are the columns of what a group of outcomes announces, an element for each
// endpoint or delivery. Whether there is anything to tell the statement knows.
type news struct {
	ids, endpoints, deliveries, events []pgtype.UUID
	workspaces                         []string
	versions                           []int64
	statusCodes                        []int32
	classes                            []string
}

func (n *news) add(e *entry) {
	m, a := &e.Delivery, &e.Attempt
	n.ids = append(n.ids, pgID(webhook.NewID(time.Now())))
	n.workspaces = append(n.workspaces, string(m.WorkspaceID))
	n.endpoints = append(n.endpoints, pgID(m.EndpointID))
	n.versions = append(n.versions, e.EndpointVersion)
	n.deliveries = append(n.deliveries, pgID(m.DeliveryID))
	n.events = append(n.events, pgID(m.EventID))
	n.statusCodes = append(n.statusCodes, int32(a.StatusCode))
	n.classes = append(n.classes, string(a.ErrorClass))
}

// newsOf are those of the entries that are wanted and may be told, one for each
// endpoint, sorted: of several the last that saw its newest version.
func (s *Deliver) newsOf(entries []*entry, wanted func(*entry) bool) (n news) {
	if s.db.operations == "" {
		return n
	}
	chosen := make(map[webhook.ID]*entry)
	for _, e := range entries {
		if !s.db.announces(e.Delivery.WorkspaceID) || !wanted(e) {
			continue
		}
		id := e.Delivery.EndpointID
		if c := chosen[id]; c == nil || c.EndpointVersion <= e.EndpointVersion {
			chosen[id] = e
		}
	}
	for _, id := range sortedIDs(chosen) {
		n.add(chosen[id])
	}
	return n
}

// retriesExhausted is why a delivery failed that is not gone.
const retriesExhausted = "retries_exhausted"

// queueExhausted comes after the day's RecordFailures. Those that said 410 used up
// no schedule: queueDisabled tells of them.
func (s *Deliver) queueExhausted(b *pgx.Batch, d *dayOf[*entry]) {
	s.queueFailed(b, d, retriesExhausted, func(e *entry) bool { return !disables(e) }, []pgtype.UUID{})
}

func disables(e *entry) bool { return e.Disable }

// queueFailed leaves out the deliveries that the events told name.
func (s *Deliver) queueFailed(b *pgx.Batch, d *dayOf[*entry], reason string, wanted func(*entry) bool, told []pgtype.UUID) {
	var n news
	for _, p := range d.all {
		if e := *p; e.Status == webhook.StatusFailed && wanted(e) && s.db.announces(e.Delivery.WorkspaceID) {
			n.add(e)
		}
	}
	if len(n.ids) > 0 {
		b.Queue(dbsqlc.AnnounceExhausted, reason, n.ids, n.workspaces, n.deliveries, n.statusCodes, n.classes, d.lo, d.hi, told)
	}
}

// queueRecovered comes before ForgetFailures.
func (s *Deliver) queueRecovered(b *pgx.Batch, successes []*entry) {
	if n := s.newsOf(successes, func(e *entry) bool { return e.Recovers }); len(n.ids) > 0 {
		b.Queue(dbsqlc.AnnounceRecovered, n.ids, n.endpoints)
	}
}

// queueFailing comes after CountFailures of these runs.
func (s *Deliver) queueFailing(b *pgx.Batch, runs map[webhook.ID]*run) {
	var n news
	for _, id := range sortedIDs(runs) {
		if r := runs[id]; s.db.announces(r.workspace) {
			n.add(r.lastFailure)
		}
	}
	if len(n.ids) > 0 {
		b.Queue(dbsqlc.AnnounceFailing, n.ids, n.endpoints, n.statusCodes, n.classes)
	}
}

// queueDisabled comes before DisableEndpoints and after RecordFailures. Of several
// deliveries that a 410 failed one disables its endpoint; each other is told of as
// itself, or nobody would hear of it.
func (s *Deliver) queueDisabled(b *pgx.Batch, failures []*entry) {
	n := s.newsOf(failures, disables)
	if len(n.ids) == 0 {
		return
	}
	b.Queue(dbsqlc.AnnounceDisabled, webhook.DisabledGone, n.ids, n.endpoints, n.versions, n.deliveries, n.events, n.statusCodes, n.classes)
	for _, d := range byDay(failures, delivery) {
		s.queueFailed(b, d, webhook.DisabledGone, disables, n.ids)
	}
}

// announceDisabled is for endpoints that failed for too long.
func announceDisabled(ctx context.Context, db *DB, q *dbsqlc.Queries, rows []dbsqlc.DisableFailingRow, reason string) error {
	p := dbsqlc.AnnounceEndpointsParams{Kind: webhook.EndpointDisabled}
	for _, r := range rows {
		if !db.announces(webhook.WorkspaceID(r.WorkspaceID)) {
			continue
		}
		detail, err := json.Marshal(webhook.OperationDetail{
			Reason: reason, Failures: int(r.Failures), FailingSince: timePtr(r.FailingSince),
		})
		if err != nil {
			return err
		}
		p.Ids = append(p.Ids, pgID(webhook.NewID(time.Now())))
		p.WorkspaceIds = append(p.WorkspaceIds, r.WorkspaceID)
		p.EndpointIds = append(p.EndpointIds, r.ID)
		p.Details = append(p.Details, detail)
	}
	if len(p.Ids) == 0 {
		return nil
	}
	if err := q.AnnounceEndpoints(ctx, p); err != nil {
		return fmt.Errorf("announce %d disabled endpoints: %w", len(p.Ids), err)
	}
	return nil
}

// announceExpired counts a page of a day's expired deliveries in.
func announceExpired(ctx context.Context, db *DB, q *dbsqlc.Queries, day time.Time, rows []dbsqlc.ExpirePendingRow) error {
	p := dbsqlc.AnnounceExpiredParams{Day: pgtype.Date{Time: day, Valid: true}}
	slices.SortFunc(rows, func(a, b dbsqlc.ExpirePendingRow) int {
		return bytes.Compare(a.EndpointID.Bytes[:], b.EndpointID.Bytes[:])
	})
	for _, r := range rows {
		if !db.announces(webhook.WorkspaceID(r.WorkspaceID)) {
			continue
		}
		p.Ids = append(p.Ids, pgID(webhook.NewID(time.Now())))
		p.WorkspaceIds = append(p.WorkspaceIds, r.WorkspaceID)
		p.EndpointIds = append(p.EndpointIds, r.EndpointID)
		p.Deliveries = append(p.Deliveries, r.Deliveries)
	}
	if len(p.Ids) == 0 {
		return nil
	}
	if err := q.AnnounceExpired(ctx, p); err != nil {
		return fmt.Errorf("announce expired deliveries of %d endpoints: %w", len(p.Ids), err)
	}
	return nil
}
