package postgres

import (
	"context"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/webhook"
)

// The tables that have a partition a day, in the order in which a day is made;
// it is dropped in the reverse one.
var dayTables = []string{"events", "deliveries", "attempts"}

const (
	// ddlLock is the advisory lock of whoever changes partitions. It ends with
	// its transaction, which is what a pooler can carry.
	ddlLock = 7041972114
	// makeTimeout bounds the wait for other processes that make partitions.
	// Attaching waits for no reader and no writer, and none waits for it.
	makeTimeout = 10 * time.Second
)

// EnsurePartitions makes the partitions of days days from from's on that are
// missing. Any number of processes may do so at once, while others read and
// write: a partition is made standalone and then attached.
func (db *DB) EnsurePartitions(ctx context.Context, from time.Time, days int) error {
	present, err := db.dayTables(ctx)
	if err != nil {
		return err
	}
	from = from.UTC().Truncate(24 * time.Hour)
	for i := range days {
		day := from.AddDate(0, 0, i)
		if present.attached(day) {
			continue
		}
		if err := db.makeDay(ctx, day); err != nil {
			return fmt.Errorf("make partitions of %s: %w", day.Format(time.DateOnly), err)
		}
	}
	return nil
}

// PartitionDays returns the days that have all their partitions, oldest first.
func (db *DB) PartitionDays(ctx context.Context) ([]time.Time, error) {
	present, err := db.dayTables(ctx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(present.days(), func(day time.Time) bool { return !present.attached(day) }), nil
}

func (db *DB) makeDay(ctx context.Context, day time.Time) error {
	return db.changeTables(ctx, makeTimeout, func(tx pgx.Tx) error {
		// Read again under the lock: another process may have been faster.
		present, err := dayTablesOf(ctx, db.q.WithTx(tx))
		if err != nil {
			return err
		}
		for _, table := range dayTables {
			if present[partition(table, day)].Attached {
				continue
			}
			if err := makePartition(ctx, tx, table, day); err != nil {
				return err
			}
		}
		return nil
	})
}

// dayStorage are settings of a table's days: Postgres has none for all of a partitioned
// table. Migration 00026 gave them to the days that were there.
var dayStorage = map[string]string{
	"deliveries": " WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_limit = 1000)",
}

func makePartition(ctx context.Context, tx pgx.Tx, table string, day time.Time) error {
	name := partition(table, day)
	if _, err := tx.Exec(ctx, "CREATE TABLE "+name+" (LIKE "+table+" INCLUDING ALL)"+dayStorage[table]); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, attach(table, name, day))
	return err
}

func attach(table, name string, day time.Time) string {
	lo, hi := dayLiterals(day)
	return "ALTER TABLE " + table + " ATTACH PARTITION " + name + " FOR VALUES FROM (" + lo + ") TO (" + hi + ")"
}

// changeTables runs DDL in a transaction that gives up, and changes nothing,
// when it would wait for a lock longer than timeout: whoever comes after a
// waiting ALTER TABLE waits with it.
func (db *DB) changeTables(ctx context.Context, timeout time.Duration, fn func(pgx.Tx) error) error {
	err := pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1) FROM set_config('lock_timeout', $2, true)",
			ddlLock, fmt.Sprintf("%dms", timeout.Milliseconds())); err != nil {
			return err
		}
		return fn(tx)
	})
	return available(err)
}

// partition is a day's table, e.g. events_p20261124.
func partition(table string, day time.Time) string { return table + "_p" + day.Format("20060102") }

// dayLiterals are dayBounds for DDL, which takes no parameters.
func dayLiterals(day time.Time) (lo, hi string) {
	literal := func(id webhook.ID) string { return "'" + hex.EncodeToString(id[:]) + "'" }
	return literal(webhook.FirstID(day)), literal(webhook.FirstID(day.AddDate(0, 0, 1)))
}

var partitionName = regexp.MustCompile(`^[a-z]+_p([0-9]{8})`)

// dayOfTable is the day in a table's name.
func dayOfTable(name string) (time.Time, bool) {
	m := partitionName.FindStringSubmatch(name)
	if m == nil {
		return time.Time{}, false
	}
	day, err := time.Parse("20060102", m[1])
	return day, err == nil
}

// tables are the day tables there are, by name.
type tables map[string]dbsqlc.DayTablesRow

func (db *DB) dayTables(ctx context.Context) (tables, error) { return dayTablesOf(ctx, db.q) }

func dayTablesOf(ctx context.Context, q *dbsqlc.Queries) (tables, error) {
	rows, err := q.DayTables(ctx)
	if err != nil {
		return nil, fmt.Errorf("list partitions: %w", available(err))
	}
	out := make(tables, len(rows))
	for _, r := range rows {
		out[r.Name] = r
	}
	return out, nil
}

// attached reports whether the day has all its partitions.
func (t tables) attached(day time.Time) bool {
	return !slices.ContainsFunc(dayTables, func(table string) bool { return !t[partition(table, day)].Attached })
}

// days are those with any table left, oldest first.
func (t tables) days() []time.Time {
	var days []time.Time
	for name := range t {
		if day, ok := dayOfTable(name); ok {
			days = append(days, day)
		}
	}
	slices.SortFunc(days, time.Time.Compare)
	return slices.CompactFunc(days, time.Time.Equal)
}
