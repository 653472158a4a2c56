package outbox

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/postrider/postrider/client"
)

// DB runs statements: a *pgxpool.Pool, a *pgx.Conn, or a pgx.Tx.
type DB interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// FailedEvent is one that Postrider refused. It is kept until it is retried or discarded.
type FailedEvent struct {
	ID   string
	Type string
	// Event is what was to be published, a JSON object as the API takes it.
	Event json.RawMessage
	// Code and Error say why it was refused the last time. The code is empty where it was
	// not the API that did so.
	Code         client.Code
	Error        string
	DispatchedAt time.Time
	FailedAt     time.Time
}

// Failed lists what was refused, by [DefaultTable]; see [Table.Failed].
func Failed(ctx context.Context, db DB, limit int) ([]FailedEvent, error) {
	return DefaultTable.Failed(ctx, db, limit)
}

// Retry sends refused events again, by [DefaultTable]; see [Table.Retry].
func Retry(ctx context.Context, db DB, ids ...string) (int64, error) {
	return DefaultTable.Retry(ctx, db, ids...)
}

// Discard deletes refused events, by [DefaultTable]; see [Table.Discard].
func Discard(ctx context.Context, db DB, ids ...string) (int64, error) {
	return DefaultTable.Discard(ctx, db, ids...)
}

// Failed lists events that were refused, in the order of their dispatch, at most limit.
func (t Table) Failed(ctx context.Context, db DB, limit int) ([]FailedEvent, error) {
	rows, err := db.Query(ctx, t.sql(`
		SELECT id, type, event, error_code, error, dispatched_at, failed_at FROM {table}
		WHERE failed_at IS NOT NULL ORDER BY seq LIMIT $1`), limit)
	if err != nil {
		return nil, fmt.Errorf("outbox: list what failed: %w", t.explained(err))
	}
	failed, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (f FailedEvent, err error) {
		var event string
		err = row.Scan(&f.ID, &f.Type, &event, &f.Code, &f.Error, &f.DispatchedAt, &f.FailedAt)
		f.Event = json.RawMessage(event)
		return f, err
	})
	if err != nil {
		return nil, fmt.Errorf("outbox: list what failed: %w", t.explained(err))
	}
	return failed, nil
}

// Retry lets refused events wait again, all of them where no ids are given, and says
// how many those were. They go before what was dispatched later; what of it was sent
// meanwhile has passed them.
func (t Table) Retry(ctx context.Context, db DB, ids ...string) (int64, error) {
	tag, err := db.Exec(ctx, t.sql(`
		UPDATE {table} SET failed_at = NULL, error_code = NULL, error = NULL
		WHERE failed_at IS NOT NULL AND ($1::text[] IS NULL OR id = ANY ($1))`), ids)
	if err != nil {
		return 0, fmt.Errorf("outbox: retry: %w", t.explained(err))
	}
	return tag.RowsAffected(), nil
}

// Discard deletes refused events by their ids, and says how many those were.
func (t Table) Discard(ctx context.Context, db DB, ids ...string) (int64, error) {
	tag, err := db.Exec(ctx, t.sql(`DELETE FROM {table} WHERE failed_at IS NOT NULL AND id = ANY ($1::text[])`), ids)
	if err != nil {
		return 0, fmt.Errorf("outbox: discard: %w", t.explained(err))
	}
	return tag.RowsAffected(), nil
}

// Backlog is what is in a table.
type Backlog struct {
	// Waiting are to be sent, Failed are set aside.
	Waiting, Failed int64
	// Oldest is when the first of those that wait was dispatched; zero where none does.
	Oldest time.Time
}

// Measure counts what is in [DefaultTable]; see [Table.Measure].
func Measure(ctx context.Context, db DB) (Backlog, error) { return DefaultTable.Measure(ctx, db) }

// Measure counts what is in the table, for a gauge or a health check: Oldest tells
// whether a relay runs and gets through. It reads the index of all that wait.
func (t Table) Measure(ctx context.Context, db DB) (Backlog, error) {
	rows, err := db.Query(ctx, t.sql(`
		SELECT (SELECT count(*) FROM {table} WHERE failed_at IS NULL),
			(SELECT count(*) FROM {table} WHERE failed_at IS NOT NULL),
			(SELECT dispatched_at FROM {table} WHERE failed_at IS NULL ORDER BY seq LIMIT 1)`))
	if err != nil {
		return Backlog{}, fmt.Errorf("outbox: count what waits: %w", t.explained(err))
	}
	b, err := pgx.CollectExactlyOneRow(rows, func(row pgx.CollectableRow) (b Backlog, err error) {
		var oldest *time.Time
		err = row.Scan(&b.Waiting, &b.Failed, &oldest)
		if oldest != nil {
			b.Oldest = *oldest
		}
		return b, err
	})
	if err != nil {
		return Backlog{}, fmt.Errorf("outbox: count what waits: %w", t.explained(err))
	}
	return b, nil
}
