package postgres

import (
	"context"
	"time"
)

// NameDaysFrom sets from which size on a day's own tables are named.
func (db *DB) NameDaysFrom(bytes int64) { db.from = bytes }

// BackendPID is that of a connection; with a pool of one, of all statements.
func (db *DB) BackendPID(ctx context.Context) (pid int) {
	_ = db.pool.QueryRow(ctx, "SELECT pg_backend_pid()").Scan(&pid)
	return pid
}

// Names tells whether a day's own tables are named.
func (db *DB) Names(ctx context.Context, day, now time.Time) bool {
	return db.busy(ctx, day, now) != nil
}

// OwnStatements are those that name a day's own tables.
func OwnStatements(day time.Time) []string {
	s := newOnDay(day)
	return []string{s.insertEvents, s.insertDeliveries, s.recordSuccesses, s.guard, s.guardSpans}
}

// GuardStatements are those of them that a guard asks by: one by one, and by spans.
func GuardStatements(day time.Time) [2]string {
	s := newOnDay(day)
	return [2]string{s.guard, s.guardSpans}
}

// BuildDayIndexes is that step of Up; then it tells the lock_timeout of the migrations that follow.
func (m *Migrator) BuildDayIndexes(ctx context.Context) (lockTimeout string, err error) {
	m.db.SetMaxOpenConns(1)
	if err := m.buildDayIndexes(ctx); err != nil {
		return "", err
	}
	err = m.db.QueryRowContext(ctx, "SHOW lock_timeout").Scan(&lockTimeout)
	return lockTimeout, err
}
