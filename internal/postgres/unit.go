package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
)

// unit is the transaction that a change shares with the answer to the request
// which asked for it: inTx leaves it open, and Idempotency.Keep commits it. A
// request is one goroutine's.
type unit struct {
	tx pgx.Tx // nil until something was changed
}

type unitKey struct{}

// unitOf is nil for a context of none.
func unitOf(ctx context.Context) *unit {
	u, _ := ctx.Value(unitKey{}).(*unit)
	return u
}

// read are the queries that see what was changed under the context.
func (db *DB) read(ctx context.Context) *dbsqlc.Queries {
	if u := unitOf(ctx); u != nil && u.tx != nil {
		return db.q.WithTx(u.tx)
	}
	return db.q
}

// change runs fn in the unit's transaction and leaves that open; what fn did is
// undone when it fails.
func (u *unit) change(ctx context.Context, db *DB, fn func(*dbsqlc.Queries, pgx.Tx) error) error {
	if u.tx != nil { // a second change: a savepoint
		return pgx.BeginFunc(ctx, u.tx, func(tx pgx.Tx) error { return fn(db.q.WithTx(tx), tx) })
	}
	tx, err := db.pool.Begin(ctx)
	if err != nil {
		return err
	}
	started := &unit{tx: tx}
	defer func() { started.undo(ctx) }()
	if err := fn(db.q.WithTx(tx), tx); err != nil {
		return err
	}
	u.tx, started.tx = tx, nil
	return nil
}

// undo takes back what was changed and not committed.
func (u *unit) undo(ctx context.Context) {
	if u == nil || u.tx == nil {
		return
	}
	_ = u.tx.Rollback(context.WithoutCancel(ctx)) // a connection that fails here has undone it
	u.tx = nil
}
