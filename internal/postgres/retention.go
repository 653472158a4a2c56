package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
)

// Retention implements the end of old days.
type Retention struct{ db *DB }

// NewRetention makes the store on db.
func NewRetention(db *DB) *Retention { return &Retention{db} }

const (
	// retentionPage bounds one transaction.
	retentionPage = 5000
	// swapTimeout bounds the wait for a table's exclusive lock, and so how long
	// the hot path may stand behind it.
	swapTimeout = 200 * time.Millisecond

	bare = "_bare" // after a table's name: its copy without bodies, before the swap
	full = "_full" // and what that replaced
	// bareRemark is the comment on a table without bodies.
	bareRemark = "payloads have expired"
)

// Days returns every day that has a table left, oldest first: also one whose
// dropping was interrupted.
func (s *Retention) Days(ctx context.Context) ([]time.Time, error) {
	present, err := s.db.dayTables(ctx)
	if err != nil {
		return nil, err
	}
	return present.days(), nil
}

// Expire fails what is still pending of the day, with the reason, and returns
// how many that were. It commits in pages; after an error the rest is for the
// next call.
func (s *Retention) Expire(ctx context.Context, day time.Time) (int, error) {
	p := dbsqlc.ExpirePendingParams{N: retentionPage}
	p.Lo, p.Hi = dayBounds(day)
	total, err := pages(func() (int64, error) { return s.expirePage(ctx, p, day) })
	if err != nil {
		return total, fmt.Errorf("expire what is pending of %s: %w", day.Format(time.DateOnly), err)
	}
	return total, nil
}

func (s *Retention) expirePage(ctx context.Context, p dbsqlc.ExpirePendingParams, day time.Time) (int64, error) {
	var rows []dbsqlc.ExpirePendingRow
	err := s.db.inTx(ctx, func(q *dbsqlc.Queries, _ pgx.Tx) (err error) {
		if rows, err = q.ExpirePending(ctx, p); err != nil {
			return err
		}
		if err := expired(ctx, q, rows); err != nil {
			return err
		}
		return announceExpired(ctx, s.db, q, day, rows)
	})
	if err != nil {
		return 0, err
	}
	var n int64
	for _, r := range rows {
		n += int64(r.Deliveries)
	}
	return n, nil
}

// DropDay drops the day whole. It fails, to be tried again, while something is
// still pending in it, and when the tables are too busy for the lock it needs.
func (s *Retention) DropDay(ctx context.Context, day time.Time) error {
	if err := s.dropDay(ctx, day); err != nil {
		return fmt.Errorf("drop %s: %w", day.Format(time.DateOnly), err)
	}
	return nil
}

func (s *Retention) dropDay(ctx context.Context, day time.Time) error {
	// Before the events: an id whose event is gone would point to nothing.
	p := dbsqlc.DeleteEventIDsParams{N: retentionPage}
	p.Lo, p.Hi = dayBounds(day)
	if _, err := pages(func() (int64, error) { return s.db.q.DeleteEventIDs(ctx, p) }); err != nil {
		return available(err)
	}
	present, err := s.db.dayTables(ctx)
	if err != nil {
		return err
	}
	for _, table := range slices.Backward(dayTables) {
		if err := s.dropPartition(ctx, table, day, present); err != nil {
			return err
		}
	}
	return errors.Join(s.drop(ctx, partition("events", day)+bare, present), s.drop(ctx, partition("events", day)+full, present))
}

// dropPartition detaches first: dropping an attached partition would hold the
// parent's lock while gigabytes of files are removed.
func (s *Retention) dropPartition(ctx context.Context, table string, day time.Time, present tables) error {
	name := partition(table, day)
	if present[name].Attached {
		err := s.db.changeTables(ctx, swapTimeout, func(tx pgx.Tx) error {
			if err := dbsqlc.New(tx).AwaitStats(ctx); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, "ALTER TABLE "+table+" DETACH PARTITION "+name); err != nil {
				return err
			}
			if table != "deliveries" {
				return nil
			}
			return nonePending(ctx, tx, name)
		})
		if err != nil {
			return err
		}
	}
	return s.drop(ctx, name, present)
}

var errStillPending = errors.New("deliveries became pending again meanwhile")

// nonePending is asked under the exclusive lock: nothing can change after it.
func nonePending(ctx context.Context, tx pgx.Tx, name string) error {
	var pending bool
	err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM "+name+` WHERE status = 'pending' AND task IS NULL AND NOT parked)
		OR EXISTS (SELECT FROM `+name+` WHERE status = 'pending' AND task IS NOT NULL)
		OR EXISTS (SELECT FROM `+name+` WHERE status = 'pending' AND parked)`).Scan(&pending)
	if err == nil && pending {
		return errStillPending
	}
	return err
}

func (s *Retention) drop(ctx context.Context, name string, present tables) error {
	if _, ok := present[name]; !ok {
		return nil
	}
	return s.db.changeTables(ctx, makeTimeout, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "DROP TABLE IF EXISTS "+name)
		return err
	})
}

// DropBodies removes the bodies of the day's events, if that was not done before.
// Call Expire first: a delivery can't be made without its body.
//
// Setting them to NULL would write every row again, in a table that never grows
// any more, and give nothing back to the disk. So the day is copied without
// bodies, which takes half a minute for ten million events, and takes the old
// table's place.
func (s *Retention) DropBodies(ctx context.Context, day time.Time) error {
	if err := s.dropBodies(ctx, partition("events", day), day); err != nil {
		return fmt.Errorf("drop payloads of %s: %w", day.Format(time.DateOnly), err)
	}
	return nil
}

func (s *Retention) dropBodies(ctx context.Context, name string, day time.Time) error {
	present, err := s.db.dayTables(ctx)
	if err != nil {
		return err
	}
	if t := present[name]; t.Attached && t.Comment != bareRemark {
		if _, copied := present[name+bare]; !copied {
			if err := s.copyBare(ctx, name, day); err != nil {
				return available(err)
			}
		}
		if err := s.swapBare(ctx, name, day); err != nil {
			return err
		}
		present, err = s.db.dayTables(ctx)
		if err != nil {
			return err
		}
	}
	return s.drop(ctx, name+full, present)
}

// bareColumns are those of events but body, and the trace, which only attempts go by.
const bareColumns = "id, workspace_id, external_id, type, created_at, deliveries, endpoint_ids, deliver_at, ordering_key"

// copyBare commits the copy, so that a swap that has to wait for another day
// does not cost it. Accepted events never change, so it stays right.
func (s *Retention) copyBare(ctx context.Context, name string, day time.Time) error {
	lo, hi := dayLiterals(day)
	return pgx.BeginFunc(ctx, s.db.pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, strings.Join([]string{
			// The constraint spares the attaching a scan under its lock.
			"CREATE TABLE " + name + bare + " (LIKE events INCLUDING ALL, CONSTRAINT day CHECK (id >= " + lo + " AND id < " + hi + "))",
			"LOCK TABLE " + name + " IN SHARE MODE",
			"INSERT INTO " + name + bare + " (" + bareColumns + ") SELECT " + bareColumns + " FROM " + name + " ORDER BY workspace_id, id",
			"COMMENT ON TABLE " + name + bare + " IS '" + bareRemark + "'",
		}, "; "))
		return err
	})
}

func (s *Retention) swapBare(ctx context.Context, name string, day time.Time) error {
	return s.db.changeTables(ctx, swapTimeout, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, strings.Join([]string{
			"ALTER TABLE events DETACH PARTITION " + name,
			"ALTER TABLE " + name + " RENAME TO " + name + full,
			"ALTER TABLE " + name + bare + " RENAME TO " + name,
			attach("events", name, day),
			"ALTER TABLE " + name + " DROP CONSTRAINT day",
		}, "; "))
		return err
	})
}

// pages repeats what changes a page until it changes nothing.
func pages(fn func() (int64, error)) (total int, err error) {
	for {
		n, err := fn()
		total += int(n)
		if err != nil || n == 0 {
			return total, err
		}
	}
}
