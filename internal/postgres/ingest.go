package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/webhook"
)

// Ingest implements ingest's stores.
type Ingest struct{ db *DB }

// NewIngest makes the store on db.
func NewIngest(db *DB) *Ingest { return &Ingest{db} }

// Versions returns the versions of each workspace that exists, and Postgres's
// time; zero when none does.
func (s *Ingest) Versions(ctx context.Context, ids []webhook.WorkspaceID) (all map[webhook.WorkspaceID]webhook.Versions, at time.Time, err error) {
	rows, err := s.versions(ctx, workspaceStrings(ids))
	if err != nil {
		return nil, at, fmt.Errorf("read endpoint versions: %w", available(err))
	}
	all = make(map[webhook.WorkspaceID]webhook.Versions, len(rows))
	for _, r := range rows {
		if r.Deleted {
			continue
		}
		all[webhook.WorkspaceID(r.ID)] = webhook.Versions{Endpoints: r.EndpointsVersion, Types: r.TypesVersion}
		at = r.At.Time
	}
	return all, at, nil
}

// versions is asked before each group: planning it takes longer than answering.
func (s *Ingest) versions(ctx context.Context, ids []string) ([]dbsqlc.EndpointVersionsRow, error) {
	if s.db.pooled.Load() { // whose sessions keep no plan
		return s.db.q.EndpointVersions(ctx, ids)
	}
	return rowsByKeys[dbsqlc.EndpointVersionsRow](ctx, s.db, dbsqlc.EndpointVersions, ids)
}

// Subscriptions returns each workspace's active endpoints with ID, Events and Filters.
func (s *Ingest) Subscriptions(ctx context.Context, ids []webhook.WorkspaceID) (map[webhook.WorkspaceID][]webhook.Endpoint, error) {
	rows, err := s.db.q.SubscriptionsOf(ctx, workspaceStrings(ids))
	if err != nil {
		return nil, fmt.Errorf("load subscriptions: %w", available(err))
	}
	out := make(map[webhook.WorkspaceID][]webhook.Endpoint, len(ids))
	for _, r := range rows {
		ws := webhook.WorkspaceID(r.WorkspaceID)
		out[ws] = append(out[ws], webhook.Endpoint{ID: r.ID.Bytes, Events: r.Events, Filters: r.Filters})
	}
	return out, nil
}

func workspaceStrings(ids []webhook.WorkspaceID) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = string(id)
	}
	return out
}

// Find returns an accepted event by our own id.
func (s *Ingest) Find(ctx context.Context, ws webhook.WorkspaceID, id webhook.ID) (webhook.Event, error) {
	return acceptedEvent(ctx, s.db.q, ws, id)
}

func acceptedEvent(ctx context.Context, q *dbsqlc.Queries, ws webhook.WorkspaceID, id webhook.ID) (webhook.Event, error) {
	r, err := q.AcceptedEvent(ctx, dbsqlc.AcceptedEventParams{WorkspaceID: string(ws), ID: pgID(id)})
	if err != nil {
		return webhook.Event{}, fmt.Errorf("find event %s: %w", id, notFound(err, "event"))
	}
	return webhook.Event{
		ID: id, ExternalID: r.ExternalID, WorkspaceID: ws, Type: r.Type,
		CreatedAt: r.CreatedAt.Time.UTC(), Deliveries: int(r.Deliveries),
	}, nil
}

// Commit writes the group in one transaction. See ingest.Store.
//
// When the connection breaks or ctx ends, the COMMIT may have arrived without its answer.
// The same rows are then sent once more: an id that is already there means that
// the first try was committed, and all of it, for a group is one transaction.
func (s *Ingest) Commit(ctx context.Context, g *webhook.Group) (map[webhook.ID]webhook.Event, error) {
	answers, err := s.db.seal.sealAnswers(g)
	if err != nil {
		return nil, fmt.Errorf("commit %d events: %w", len(g.Events), err)
	}
	dups, err := s.commit(ctx, g, answers)
	if lacksDay(err) { // nothing of it was done
		if err := s.db.EnsurePartitions(ctx, g.Events[0].ID.Day(), 2); err != nil {
			return nil, fmt.Errorf("commit %d events: %w", len(g.Events), err)
		}
		dups, err = s.commit(ctx, g, answers)
	}
	if err == nil || !unanswered(err) {
		return dups, err
	}
	// Where the first try still commits, this one waits for it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askAgainTimeout)
	defer cancel()
	if dups, err = s.commitAgain(ctx, g, answers); sqlState(err) == uniqueViolation {
		announceAll(g)
		return dups, nil
	}
	return dups, err
}

// askAgainTimeout is for the second try of a group.
const askAgainTimeout = 2 * time.Second

// lacksDay: there is no table for the day. The scheduler makes it ahead and an API at
// its start, but there may be no scheduler, or other processes in the way then.
func lacksDay(err error) bool {
	var said *pgconn.PgError
	return errors.As(err, &said) && said.Code == checkViolation && said.ConstraintName == "" && slices.Contains(dayTables, said.TableName)
}

const checkViolation = "23514"

// unanswered: Postgres did not say what became of the statement. That nothing was
// sent is not to be had from the error: pgconn.SafeToRetry holds also for a
// COMMIT that went out and whose connection broke before the answer.
func unanswered(err error) bool {
	return webhook.CodeOf(err) == webhook.CodeUnavailable && sqlState(err) == ""
}

func (s *Ingest) commit(ctx context.Context, g *webhook.Group, answers []*sealedAnswer) (map[webhook.ID]webhook.Event, error) {
	claims := claimsOf(g)
	if !hasKeys(g) && !slices.ContainsFunc(claims, isCallersOwn) {
		// Ids of our making are there already only if somebody died over them, and
		// idempotency keys are taken only where a request is made again.
		if err := s.insertAtOnce(ctx, g, claims, answers); len(claims)+len(answers) == 0 || sqlState(err) != uniqueViolation {
			return nil, err
		}
	}
	return s.commitClaims(ctx, g, claims, answers, func(b *pgx.Batch, dups map[webhook.ID]webhook.Event) { queueInserts(b, g, dups, nil) })
}

// commitAgain asks whether the ids are still of now at the end: that they are not any
// more says nothing of a first try, which may have been in time.
func (s *Ingest) commitAgain(ctx context.Context, g *webhook.Group, answers []*sealedAnswer) (map[webhook.ID]webhook.Event, error) {
	return s.commitClaims(ctx, g, claimsOf(g), answers, func(b *pgx.Batch, dups map[webhook.ID]webhook.Event) {
		unasked := *g
		unasked.MadeAt = time.Time{}
		queueInserts(b, &unasked, dups, nil)
		if !g.MadeAt.IsZero() {
			b.Queue(dbsqlc.AcceptInTime, pgTime(g.MadeAt))
		}
	})
}

// commitClaims takes the ids and keys that somebody else may have, and inserts the rest.
func (s *Ingest) commitClaims(ctx context.Context, g *webhook.Group, claims []*webhook.Event, answers []*sealedAnswer,
	queue func(*pgx.Batch, map[webhook.ID]webhook.Event),
) (map[webhook.ID]webhook.Event, error) {
	var dups map[webhook.ID]webhook.Event
	err := s.db.inTx(ctx, func(q *dbsqlc.Queries, tx pgx.Tx) (err error) {
		if err = claimAnswers(ctx, q, answers); err != nil {
			return err
		}
		if dups, err = claimIDs(ctx, q, claims); err != nil {
			return err
		}
		dups = leaveOut(dups, answers)
		b := &pgx.Batch{}
		queue(b, dups)
		if err := tx.SendBatch(ctx, b).Close(); err != nil {
			return err
		}
		return insertOrdered(ctx, q, tx, g, dups)
	})
	if err != nil {
		return dups, fmt.Errorf("commit %d events: %w", len(g.Events), fateUnknown(err))
	}
	return dups, nil
}

// fateUnknown tells an error that is Postgres's own answer, after which nothing
// was written, from all else: after that the caller must not send the events
// under other ids by itself.
func fateUnknown(err error) error {
	if sqlState(err) != "" || webhook.CodeOf(err) != webhook.CodeInternal {
		return err
	}
	return fmt.Errorf("%w: %w", &webhook.Error{
		Code: webhook.CodeUnavailable, Detail: "Postgres did not answer", RetryAfter: time.Second,
	}, err)
}

// isCallersOwn tells an id that a caller chose, which may well come twice, from one
// that was made for a request.
func isCallersOwn(e *webhook.Event) bool {
	_, made := webhook.ParseID(webhook.EventPrefix, e.ExternalID)
	return !made
}

// insertAtOnce sends all inserts in one round trip; a batch outside of a
// transaction is one by itself. On a busy day they name its own tables.
func (s *Ingest) insertAtOnce(ctx context.Context, g *webhook.Group, claims []*webhook.Event, answers []*sealedAnswer) error {
	return retryConflict(func() error { return s.tryAtOnce(ctx, g, claims, answers) })
}

func (s *Ingest) tryAtOnce(ctx context.Context, g *webhook.Group, claims []*webhook.Event, answers []*sealedAnswer) error {
	if day, ok := oneDay(g); ok {
		if own := s.db.busy(ctx, day, time.Now()); own != nil {
			err := s.insertBatch(ctx, g, claims, answers, own)
			if !s.db.goByParents(err, time.Now(), day) {
				return err
			}
		}
	}
	return s.insertBatch(ctx, g, claims, answers, nil)
}

// oneDay is the day of all of the group's ids. They grow, and its deliveries' are no
// later than its last event's by more than a millisecond.
func oneDay(g *webhook.Group) (time.Time, bool) {
	if len(g.Events) == 0 || g.MadeAt.IsZero() {
		return time.Time{}, false
	}
	day := g.Events[0].ID.Day()
	for i := range g.Events {
		if g.Events[i].ID.Day() != day {
			return day, false
		}
	}
	for i := range g.Deliveries {
		if g.Deliveries[i].ID.Day() != day {
			return day, false
		}
	}
	return day, true
}

func (s *Ingest) insertBatch(ctx context.Context, g *webhook.Group, claims []*webhook.Event, answers []*sealedAnswer, own *onDay) error {
	b := &pgx.Batch{}
	queueAnswers(b, answers)
	if len(claims) > 0 {
		p := claimColumns(claims)
		b.Queue(dbsqlc.InsertEventIDs, p.WorkspaceIds, p.Ids, p.EventIds)
	}
	queueInserts(b, g, nil, own)
	if err := s.db.send(ctx, b); err != nil {
		return fmt.Errorf("commit %d events: %w", len(g.Events), fateUnknown(available(err)))
	}
	return nil
}

// claimsOf are the group's events with an id beside our own.
func claimsOf(g *webhook.Group) (claims []*webhook.Event) {
	for i := range g.Events {
		if g.Events[i].ExternalID != "" {
			claims = append(claims, &g.Events[i])
		}
	}
	// Sorted, so that two groups with the same ids never wait for each other.
	slices.SortFunc(claims, func(a, b *webhook.Event) int {
		return cmp.Or(strings.Compare(string(a.WorkspaceID), string(b.WorkspaceID)), strings.Compare(a.ExternalID, b.ExternalID))
	})
	return claims
}

func claimColumns(claims []*webhook.Event) (p dbsqlc.ClaimEventIDsParams) {
	for _, e := range claims {
		p.WorkspaceIds = append(p.WorkspaceIds, string(e.WorkspaceID))
		p.Ids = append(p.Ids, e.ExternalID)
		p.EventIds = append(p.EventIds, pgID(e.ID))
	}
	return p
}

// claimIDs takes the events' ids and returns the events whose id belongs to an
// earlier event.
func claimIDs(ctx context.Context, q *dbsqlc.Queries, claims []*webhook.Event) (map[webhook.ID]webhook.Event, error) {
	if len(claims) == 0 {
		return nil, nil
	}
	p := claimColumns(claims)
	n, err := q.ClaimEventIDs(ctx, p)
	if err != nil || int(n) == len(claims) {
		return nil, err
	}
	mine := make(map[[2]string]webhook.ID, len(claims))
	for _, e := range claims {
		mine[[2]string{string(e.WorkspaceID), e.ExternalID}] = e.ID
	}
	owners, err := q.EventIDOwners(ctx, dbsqlc.EventIDOwnersParams{WorkspaceIds: p.WorkspaceIds, Ids: p.Ids})
	if err != nil {
		return nil, err
	}
	dups := make(map[webhook.ID]webhook.Event)
	for _, o := range owners {
		id := mine[[2]string{o.WorkspaceID, o.ID}]
		if webhook.ID(o.EventID.Bytes) == id {
			continue
		}
		first, err := acceptedEvent(ctx, q, webhook.WorkspaceID(o.WorkspaceID), o.EventID.Bytes)
		if err != nil {
			return nil, err
		}
		dups[id] = first
	}
	return dups, nil
}

// maxInsert bounds one statement's arrays; an event with a million matches is
// still one transaction.
const maxInsert = 10_000

// acceptedLate is accept_in_time's own state, see the schema.
const acceptedLate = "PR001"

// queueInserts begins with the question whether the ids are still of now, before
// anything can wait for a lock. own is what the day's own tables are named by, if they
// are; that comes last, since a migration locks the partitioned ones first, too.
func queueInserts(b *pgx.Batch, g *webhook.Group, dups map[webhook.ID]webhook.Event, own *onDay) {
	events, into := dbsqlc.InsertEvents, dbsqlc.InsertDeliveries
	plain := own != nil && !anyOptions(g)
	switch {
	case plain:
		b.Queue(dbsqlc.AcceptInTimePlanOnce, pgTime(g.MadeAt))
	case !g.MadeAt.IsZero():
		b.Queue(dbsqlc.AcceptInTime, pgTime(g.MadeAt))
	}
	queueOptions(b, g, dups)
	if own != nil {
		events, into = own.insertEvents, own.insertDeliveries
		if !plain {
			b.Queue(dbsqlc.PlanOnce)
		}
	}
	e := eventColumns(g, dups, withoutOptions)
	if len(e.Ids) > 0 {
		size := sizeOf(e.Bodies) + sizeOf(e.WorkspaceIds) + sizeOf(e.ExternalIds) + sizeOf(e.Types) + otherBytes*len(e.Ids)
		b.Queue(events, withRoom(e.Ids, size), e.WorkspaceIds, e.ExternalIds, e.Types, e.CreatedAts, e.Bodies, e.Deliveries)
	}
	var marks minutes
	for deliveries := range slices.Chunk(g.Deliveries, maxInsert) {
		d := deliveryColumns(g, deliveries, dups, atOnce)
		if len(d.Ids) == 0 {
			continue
		}
		size := sizeOf(d.WorkspaceIds) + sizeOf(d.EventTypes) + sizeOf(d.Tasks) + otherBytes*len(d.Ids)
		b.Queue(into, withRoom(d.Ids, size), d.WorkspaceIds, d.EventIds, d.EndpointIds, d.EventTypes, d.Tasks, d.Bulks)
		if own != nil {
			marks.add(d.WorkspaceIds, d.EventIds)
		}
	}
	marks.queue(b)
}

// eventColumns are the wanted of the events, without duplicates.
func eventColumns(g *webhook.Group, dups map[webhook.ID]webhook.Event, wanted func(*webhook.Event) bool) (p dbsqlc.InsertEventsParams) {
	n := len(g.Events)
	p.Ids, p.WorkspaceIds = make([]pgtype.UUID, 0, n), make([]string, 0, n)
	p.ExternalIds, p.Types = make([]string, 0, n), make([]string, 0, n)
	p.CreatedAts, p.Bodies, p.Deliveries = make([]pgtype.Timestamptz, 0, n), make([][]byte, 0, n), make([]int32, 0, n)
	for i := range g.Events {
		e := &g.Events[i]
		if _, dup := dups[e.ID]; dup || !wanted(e) {
			continue
		}
		p.Ids = append(p.Ids, pgID(e.ID))
		p.WorkspaceIds = append(p.WorkspaceIds, string(e.WorkspaceID))
		p.ExternalIds = append(p.ExternalIds, e.ExternalID)
		p.Types = append(p.Types, e.Type)
		p.CreatedAts = append(p.CreatedAts, pgTime(e.CreatedAt.Truncate(time.Microsecond)))
		p.Bodies = append(p.Bodies, e.Body)
		p.Deliveries = append(p.Deliveries, int32(e.Deliveries))
	}
	return p
}

// deliveryColumns are the deliveries of the wanted events, without duplicates.
func deliveryColumns(g *webhook.Group, deliveries []webhook.NewDelivery, dups map[webhook.ID]webhook.Event, wanted func(*webhook.Event) bool) (p dbsqlc.InsertDeliveriesParams) {
	n := len(deliveries)
	p.Ids, p.EventIds, p.EndpointIds = make([]pgtype.UUID, 0, n), make([]pgtype.UUID, 0, n), make([]pgtype.UUID, 0, n)
	p.WorkspaceIds, p.EventTypes, p.Tasks = make([]string, 0, n), make([]string, 0, n), make([]string, 0, n)
	p.Bulks = make([]bool, 0, n)
	for i := range deliveries {
		d := &deliveries[i]
		e := &g.Events[d.Event]
		if _, dup := dups[e.ID]; dup || !wanted(e) {
			continue
		}
		p.Ids = append(p.Ids, pgID(d.ID))
		p.WorkspaceIds = append(p.WorkspaceIds, string(e.WorkspaceID))
		p.EventIds = append(p.EventIds, pgID(e.ID))
		p.EndpointIds = append(p.EndpointIds, pgID(d.EndpointID))
		p.EventTypes = append(p.EventTypes, e.Type)
		p.Tasks = append(p.Tasks, d.Task)
		p.Bulks = append(p.Bulks, d.Bulk)
	}
	return p
}

// Release takes deliveries back from tasks that did not reach Redis.
func (s *Ingest) Release(ctx context.Context, chunks []webhook.Chunk) error {
	return releaseTasks(ctx, s.db, chunks)
}
