package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// dayIndex is an index of deliveries that a migration adds to a table which may
// have days with millions of rows. It is made of each day CONCURRENTLY before,
// which no migration's SQL can say of tables whose names it does not know; the
// migration then takes over what is there.
type dayIndex struct {
	name   string // of the parent's index; a day's is <its table>_<suffix>
	suffix string
	on     string
}

var dayIndexes = []dayIndex{
	{
		name: "deliveries_feed_share", suffix: "_feed_share",
		on: `(workspace_id COLLATE "C", bulk, next_attempt_at) WHERE status = 'pending' AND task IS NULL AND NOT parked`,
	},
	{
		name: "deliveries_held", suffix: "_held",
		on: `(endpoint_id, id) WHERE status = 'pending' AND parked AND held_reason <> 'ordering'`,
	},
}

// buildDayIndexes makes what is missing. Ended in the middle it leaves an index
// that is not valid, which the next call makes anew.
func (m *Migrator) buildDayIndexes(ctx context.Context) error {
	if m.pooled.Load() {
		return nil // checkSession let it through: there is no day yet, and nothing may be set for such a session
	}
	conn, err := m.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	// It waits for transactions that are older, but nobody waits for it.
	if _, err := conn.ExecContext(ctx, "SET lock_timeout = 0"); err != nil {
		return err
	}
	// Where this fails the connection is broken, and goes with its setting.
	// RESET would leave it at the server's, which is no limit as a rule: migrations would wait and everybody behind them.
	defer func() { _, _ = conn.ExecContext(context.WithoutCancel(ctx), "SET lock_timeout = '"+lockTimeout+"'") }()
	for _, x := range dayIndexes {
		if err := m.buildDayIndex(ctx, conn, x); err != nil {
			return fmt.Errorf("make %s of each day: %w", x.name, err)
		}
	}
	return nil
}

// buildDayIndex looks anew after each day: another process may be at it as well.
func (m *Migrator) buildDayIndex(ctx context.Context, conn *sql.Conn, x dayIndex) error {
	for {
		d, found, err := x.next(ctx, conn)
		if err != nil || !found {
			return err
		}
		err = x.build(ctx, conn, d)
		if state := sqlState(err); d.busy || state == duplicateTable || state == uniqueViolation {
			err = m.wait(ctx)
		}
		if err != nil {
			return err
		}
	}
}

// duplicateTable is what Postgres says of an index that another just began.
const duplicateTable = "42P07"

// wait lets another process go on with what it does.
func (m *Migrator) wait(ctx context.Context) error {
	timer := time.NewTimer(m.pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// indexDay is a day whose index is missing, was not finished, or is being made.
type indexDay struct {
	table        string
	broken, busy bool
}

func (x *dayIndex) build(ctx context.Context, conn *sql.Conn, d indexDay) error {
	if d.busy {
		return nil
	}
	if d.broken {
		if _, err := conn.ExecContext(ctx, "DROP INDEX CONCURRENTLY IF EXISTS "+d.table+x.suffix); err != nil {
			return err
		}
	}
	_, err := conn.ExecContext(ctx, "CREATE INDEX CONCURRENTLY IF NOT EXISTS "+d.table+x.suffix+" ON "+d.table+" "+x.on)
	return err
}

// next finds none once the parent has the index, and before there is a parent.
func (x *dayIndex) next(ctx context.Context, conn *sql.Conn) (d indexDay, found bool, err error) {
	err = conn.QueryRowContext(ctx, `
		SELECT h.inhrelid::regclass::text, i.indexrelid IS NOT NULL,
		       EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index p WHERE p.index_relid = i.indexrelid)
		FROM pg_catalog.pg_inherits h
		LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = to_regclass(h.inhrelid::regclass::text || $2)
		WHERE h.inhparent = to_regclass('deliveries') AND to_regclass($1) IS NULL AND i.indisvalid IS NOT TRUE
		ORDER BY 1 LIMIT 1`, x.name, x.suffix).Scan(&d.table, &d.broken, &d.busy)
	if errors.Is(err, sql.ErrNoRows) {
		return d, false, nil
	}
	return d, err == nil, err
}
