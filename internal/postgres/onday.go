package postgres

import (
	"context"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/webhook"
)

// onDay are hot statements that name a day's own tables. Such a one is planned once
// for each connection; of the partitioned tables a plan is made each time, for one
// that is kept would lock every day, and planning costs as much as some twenty rows.
//
// A trigger of the partitioned table sees nothing of them: who sends one that
// changes deliveries sends dbsqlc.MarkMinutes after it, in the same transaction.
type onDay struct {
	insertEvents, insertDeliveries, recordSuccesses string
	guard, guardSpans                               string
}

// dayTableName is where a statement names a table that has its days.
var dayTableName = regexp.MustCompile(`\b(INTO|UPDATE|JOIN|FROM) (` + strings.Join(dayTables, "|") + `)\b`)

func newOnDay(day time.Time) *onDay {
	own := func(statement string) string {
		return dayTableName.ReplaceAllString(statement, "$1 "+partition("${2}", day))
	}
	return &onDay{
		insertEvents: own(dbsqlc.InsertEvents), insertDeliveries: own(dbsqlc.InsertDeliveries),
		recordSuccesses: own(dbsqlc.RecordSuccesses),
		guard:           own(dbsqlc.GuardDeliveries), guardSpans: own(dbsqlc.GuardSpans),
	}
}

// busyDays knows the days whose own tables are named.
type busyDays struct {
	// from is how large a day's deliveries are by then, in bytes. A plan is kept, and
	// one that is made for an empty table reads all of it: with 8 MiB nobody does.
	from int64

	mu   sync.Mutex
	days map[time.Time]*busyDay
}

type busyDay struct {
	statements *onDay // nil while the day is not busy
	asked      time.Time
}

const (
	busyFrom = 8 << 20
	askBusy  = 10 * time.Second
	maxBusy  = 8
)

// busy returns the day's own statements, or nil where the partitioned tables are to
// be named, as through a pooler, whose sessions keep no plan.
func (db *DB) busy(ctx context.Context, day, now time.Time) *onDay {
	if db.pooled.Load() {
		return nil
	}
	d := &db.busyDays
	d.mu.Lock()
	b := d.days[day]
	if b != nil && now.Sub(b.asked) < askBusy {
		defer d.mu.Unlock()
		return b.statements
	}
	if b == nil {
		if len(d.days) >= maxBusy && !d.forgetBefore(day) {
			d.mu.Unlock()
			return nil
		}
		b = &busyDay{}
		d.days[day] = b
	}
	b.asked = now // whoever comes meanwhile goes on as before
	statements := b.statements
	d.mu.Unlock()
	size, err := db.q.DaySize(ctx, dbsqlc.DaySizeParams{
		Events: partition("events", day), Deliveries: partition("deliveries", day), Attempts: partition("attempts", day),
	})
	switch {
	case err != nil || size >= d.from && statements != nil:
		return statements
	case size >= d.from:
		statements = newOnDay(day)
	default: // it may have been detached since, or a right revoked
		statements = nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	b.statements = statements
	return statements
}

// forgetBefore makes room for a day by forgetting an older one, if there is one: who
// works through many days must not ask for all of them each time.
func (d *busyDays) forgetBefore(day time.Time) bool {
	oldest := day
	for other := range d.days {
		if other.Before(oldest) {
			oldest = other
		}
	}
	delete(d.days, oldest)
	return oldest.Before(day)
}

// notBusy is called where a day's own tables can't be used.
func (db *DB) notBusy(day, now time.Time) {
	d := &db.busyDays
	d.mu.Lock()
	defer d.mu.Unlock()
	d.days[day] = &busyDay{asked: now}
}

// goByParents reports whether a group whose statements named the day's own tables is
// to be sent again by the others: there is no such table (any more), or not for us.
// Nothing of it was done then.
func (db *DB) goByParents(err error, now time.Time, days ...time.Time) bool {
	state := sqlState(err)
	if state != undefinedTable && state != insufficientPrivilege {
		return false
	}
	for _, day := range days {
		db.notBusy(day, now)
	}
	return true
}

const insufficientPrivilege = "42501"

// minutes are what stats are counted by again: a workspace's minutes of acceptance.
type minutes struct {
	workspaces []string
	starts     []int32
	seen       map[webhook.StatsMinute]bool
}

// lastMinute is that of ids whose time is none of ours, as stats_mark has it.
const lastMinute = 2147480000

// add marks the minutes of events; those side by side are mostly of one.
func (m *minutes) add(workspaces []string, events []pgtype.UUID) {
	for i := range events {
		m.one(workspaces[i], minuteOfID(events[i].Bytes))
	}
}

func minuteOfID(id webhook.ID) int32 { return int32(min(id.Time().UnixMilli()/60_000, lastMinute)) }

func (m *minutes) one(workspace string, start int32) {
	if n := len(m.starts); n > 0 && m.starts[n-1] == start && m.workspaces[n-1] == workspace {
		return
	}
	key := webhook.StatsMinute{Workspace: webhook.WorkspaceID(workspace), Minute: start}
	if m.seen[key] {
		return
	}
	if m.seen == nil {
		m.seen = make(map[webhook.StatsMinute]bool)
	}
	m.seen[key] = true
	m.workspaces, m.starts = append(m.workspaces, workspace), append(m.starts, start)
}

func (m *minutes) queue(b *pgx.Batch) {
	if len(m.starts) > 0 {
		b.Queue(dbsqlc.MarkMinutes, m.workspaces, m.starts)
	}
}
