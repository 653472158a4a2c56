package postgres

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/webhook"
)

// Record writes a group of outcomes in one transaction and reports for each
// whether it decided its delivery's state. A delivery stands in it once: one
// UPDATE … FROM with an id twice would silently apply only one.
//
// One bad row must not fail its neighbours: when Postgres refuses a value, the
// group is halved until the row is alone, and that one is recorded without what
// the receiver sent. Where even that is refused the error is invalid; the other
// outcomes are recorded then. After any other error some may be: call it again
// with the same group.
func (s *Deliver) Record(ctx context.Context, outcomes []webhook.Outcome) ([]bool, error) {
	matched := make([]bool, len(outcomes))
	return matched, s.record(ctx, outcomes, matched)
}

func (s *Deliver) record(ctx context.Context, outcomes []webhook.Outcome, matched []bool) error {
	err := retryConflict(func() error { return s.recordOnce(ctx, outcomes, matched) })
	switch {
	case err == nil || !isBadValue(err):
		return err
	case sqlState(err) == uniqueViolation:
		return s.recordRest(ctx, outcomes, matched, err)
	default:
		return s.recordHalves(ctx, outcomes, matched, err)
	}
}

// isBadValue: SQLSTATE classes 22 and 23, a row that Postgres will never take.
func isBadValue(err error) bool {
	state := sqlState(err)
	return len(state) == 5 && (state[:2] == "22" || state[:2] == "23")
}

func (s *Deliver) recordOnce(ctx context.Context, outcomes []webhook.Outcome, matched []bool) error {
	var successes, failures []*entry
	clear(matched) // of what a try before this one said
	entries := make([]entry, len(outcomes))
	for i := range outcomes {
		e := &entries[i]
		*e = entry{Outcome: &outcomes[i], matched: &matched[i]}
		if e.Status == webhook.StatusSuccess {
			successes = append(successes, e)
		} else {
			failures = append(failures, e)
		}
	}
	for _, group := range [][]*entry{successes, failures} {
		slices.SortFunc(group, func(a, b *entry) int {
			return bytes.Compare(a.Delivery.DeliveryID[:], b.Delivery.DeliveryID[:])
		})
	}
	now := time.Now()
	owned, others := entryDays{}, byDay(successes, delivery)
	if !parentsLater(successes, failures) {
		owned, others = s.ownedDays(ctx, others, now)
	}
	err := s.recordBatch(ctx, owned, others, successes, failures)
	if len(owned) > 0 && s.db.goByParents(err, now, slices.Collect(maps.Keys(owned))...) {
		clear(matched)
		err = s.recordBatch(ctx, nil, byDay(successes, delivery), successes, failures)
	}
	if err != nil {
		return fmt.Errorf("record %d attempts: %w", len(outcomes), available(err))
	}
	for _, e := range successes {
		*e.matched = true
	}
	return nil
}

type entryDays map[time.Time]*dayOf[*entry]

// ownedDays tells the busy days, whose own tables are named, from the others.
func (s *Deliver) ownedDays(ctx context.Context, all entryDays, now time.Time) (owned, others entryDays) {
	owned, others = entryDays{}, entryDays{}
	for day, d := range all {
		if d.own = s.db.busy(ctx, day, now); d.own != nil {
			owned[day] = d
		} else {
			others[day] = d
		}
	}
	return owned, others
}

// parentsLater: something has to be done on the partitioned tables after the
// successes are written. Those name them, too, then: whoever locks a day's own table
// before the partitioned one meets a migration, which locks them the other way round.
func parentsLater(successes, failures []*entry) bool {
	return len(ordered(successes))+len(ordered(failures)) > 0 || slices.ContainsFunc(successes, signed)
}

func signed(e *entry) bool { return e.Attempt.SignedWith != "" || e.Refused != nil }

func (s *Deliver) recordBatch(ctx context.Context, owned, others entryDays, successes, failures []*entry) error {
	b := &pgx.Batch{}
	for _, d := range others {
		queueSuccesses(b, d, dbsqlc.RecordSuccesses)
	}
	for _, d := range byDay(failures, delivery) {
		queueFailures(b, d)
		s.queueExhausted(b, d)
	}
	queueSigners(b, successes, failures)
	s.queueHealth(b, successes, failures)
	queueOwned(b, owned) // last: see parentsLater, and what it plans once is the rest of the batch
	return s.commitBatch(ctx, b, successes, failures)
}

func queueOwned(b *pgx.Batch, owned entryDays) {
	if len(owned) == 0 {
		return
	}
	var marks minutes
	b.Queue(dbsqlc.PlanOnce)
	for _, d := range owned {
		queueSuccesses(b, d, d.own.recordSuccesses)
		for _, p := range d.all {
			m := &(*p).Delivery
			marks.one(string(m.WorkspaceID), minuteOfID(m.EventID))
		}
	}
	marks.queue(b)
}

// entry is an outcome with the place of its answer.
type entry struct {
	*webhook.Outcome
	matched *bool
}

func delivery(e **entry) *webhook.Member { return &(*e).Delivery }

// columns are what every attempt has.
type columns struct {
	attempts                                       []pgtype.UUID
	startedAts                                     []pgtype.Timestamptz
	durations                                      []int64
	statusCodes                                    []int32
	requestHeaders, responseHeaders, responseBodys [][]byte
}

func attemptColumns(all []**entry) columns {
	n := len(all)
	c := columns{
		attempts: make([]pgtype.UUID, 0, n), startedAts: make([]pgtype.Timestamptz, 0, n), durations: make([]int64, 0, n), statusCodes: make([]int32, 0, n),
		requestHeaders: make([][]byte, 0, n), responseHeaders: make([][]byte, 0, n), responseBodys: make([][]byte, 0, n),
	}
	for _, p := range all {
		c.add(&(*p).Attempt)
	}
	return c
}

func (c *columns) add(a *webhook.Attempt) {
	c.attempts = append(c.attempts, pgID(a.ID))
	c.startedAts = append(c.startedAts, pgTime(a.StartedAt))
	c.durations = append(c.durations, a.Duration.Microseconds())
	c.statusCodes = append(c.statusCodes, int32(a.StatusCode))
	c.requestHeaders = append(c.requestHeaders, encodeHeaders(a.RequestHeaders))
	c.responseHeaders = append(c.responseHeaders, encodeHeaders(a.ResponseHeaders))
	c.responseBodys = append(c.responseBodys, a.ResponseBody)
}

// roomy makes room for the columns.
func (c *columns) roomy(workspaces []string) *roomy[[]string] {
	size := sizeOf(c.requestHeaders) + sizeOf(c.responseHeaders) + sizeOf(c.responseBodys)
	return withRoom(workspaces, size+sizeOf(workspaces)+otherBytes*len(workspaces))
}

// queueSuccesses is for RecordSuccesses as it names the day's tables or all days'.
func queueSuccesses(b *pgx.Batch, d *dayOf[*entry], record string) {
	c := attemptColumns(d.all)
	b.Queue(record, c.roomy(d.workspaces), d.ids, c.attempts, c.startedAts, c.durations, c.statusCodes,
		c.requestHeaders, c.responseHeaders, c.responseBodys, d.lo, d.hi)
}

func queueFailures(b *pgx.Batch, d *dayOf[*entry]) {
	var (
		tasks, statuses, next, errs, classes []string
		seen                                 []int32
		delays                               []int64
		spends                               []bool
	)
	byID := make(map[webhook.ID]*entry, len(d.all))
	for _, p := range d.all {
		e := *p
		tasks = append(tasks, e.Task)
		seen = append(seen, int32(e.Seen))
		statuses = append(statuses, string(e.Status))
		next = append(next, e.NextTask)
		delays = append(delays, (e.Delay + time.Millisecond - 1).Milliseconds()) // never early
		spends = append(spends, !e.Probe)
		errs = append(errs, clean(e.Attempt.Error))
		classes = append(classes, string(e.Attempt.ErrorClass))
		byID[e.Delivery.DeliveryID] = e
	}
	c := attemptColumns(d.all)
	q := b.Queue(dbsqlc.RecordFailures, c.roomy(d.workspaces), d.ids, tasks, seen, statuses, next, delays, spends,
		c.attempts, c.startedAts, c.durations, c.statusCodes, errs, classes,
		c.requestHeaders, c.responseHeaders, c.responseBodys, d.lo, d.hi)
	q.Query(func(rows pgx.Rows) error {
		ids, err := pgx.CollectRows(rows, pgx.RowTo[pgtype.UUID])
		for _, id := range ids {
			*byID[id.Bytes].matched = true
		}
		return err
	})
}
