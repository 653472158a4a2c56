// Package postgres implements the stores on Postgres, which is the truth: what
// is in Redis can be rebuilt from here. Statements are in db/queries; this
// package maps them to the vocabulary and nothing else.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/webhook"
)

// Config of a DB. The zero value of every field but URL is a default.
type Config struct {
	// URL is a connection string as libpq reads it.
	URL string
	// Keys encrypt secrets and custom headers, newest first, 32 bytes each.
	// None: whatever needs one fails with an error.
	Keys [][]byte
	// MaxConns bounds the pool. Default 10.
	MaxConns int32
	// ApplicationName is what pg_stat_activity shows. Default "postrider".
	ApplicationName string
	// Operations is the workspace that is told of changes of the others'
	// endpoints and deliveries. Default none, and nothing is written for it.
	Operations webhook.WorkspaceID
	// Shards is into how many queues the tasks are spread that stores name. Default 1.
	Shards webhook.Shards
}

// DB is a pool of connections. Its stores share it.
type DB struct {
	pool *pgxpool.Pool
	q    *dbsqlc.Queries
	seal *sealer
	// operations is told of the other workspaces' changes; "" is nobody.
	operations webhook.WorkspaceID
	shards     webhook.Shards
	entries    entryIDs // of the audit log
	replica    *Replica // of which lists are read, or nil
	// pooled: a pooler stands before Postgres, as far as is known.
	pooled atomic.Bool
	busyDays
	// renewed is when all connections were dropped last, in unix nanoseconds.
	renewed atomic.Int64
}

// Open makes the pool. It does not connect: a process starts, and says that it
// is not ready, while Postgres is away.
func Open(ctx context.Context, cfg Config) (*DB, error) {
	return open(ctx, cfg, (*DB).leaveReadOnly)
}

// open is Open with what sees to it that connections lead to the right server.
func open(ctx context.Context, cfg Config, seek func(*DB, *pgx.ConnConfig)) (*DB, error) {
	pc, err := pgxpool.ParseConfig(cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("postgres.url: %w", err)
	}
	pc.MaxConns = cfg.MaxConns
	if pc.MaxConns <= 0 {
		pc.MaxConns = 10
	}
	pc.ConnConfig.ConnectTimeout = 5 * time.Second
	params := pc.ConnConfig.RuntimeParams
	params["application_name"] = cfg.ApplicationName
	if cfg.ApplicationName == "" {
		params["application_name"] = "postrider"
	}
	params["timezone"] = "UTC"
	seal, err := newSealer(cfg.Keys)
	if err != nil {
		return nil, err
	}
	db := &DB{
		seal: seal, operations: cfg.Operations, shards: cfg.Shards,
		busyDays: busyDays{from: busyFrom, days: make(map[time.Time]*busyDay)},
	}
	seek(db, pc.ConnConfig)
	db.fitPooler(pc)
	meet := pc.AfterConnect
	pc.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		knowRoomy(conn.TypeMap())
		knowArrays(conn.TypeMap())
		return meet(ctx, conn)
	}
	if db.pool, err = pgxpool.NewWithConfig(ctx, pc); err != nil {
		return nil, fmt.Errorf("open postgres pool: %w", err)
	}
	db.q = dbsqlc.New(db.pool)
	return db, nil
}

// Close ends every connection, waiting for those in use.
func (db *DB) Close() { db.pool.Close() }

// inTx runs fn in a transaction of its own, and again in another one while that
// conflicts with somebody else's. Under the context of a unit it is the unit's.
func (db *DB) inTx(ctx context.Context, fn func(*dbsqlc.Queries, pgx.Tx) error) error {
	return retryConflict(func() error {
		if u := unitOf(ctx); u != nil {
			return available(u.change(ctx, db, fn))
		}
		err := pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error { return fn(db.q.WithTx(tx), tx) })
		return available(err)
	})
}

// retryConflict calls fn again where it failed for reasons that another try cures.
func retryConflict(fn func() error) error {
	err := fn()
	for tries := 0; err != nil && isConflict(err) && tries < 3; tries++ {
		err = fn()
	}
	return err
}

// isConflict: deadlock or serialization failure.
func isConflict(err error) bool {
	state := sqlState(err)
	return state == "40P01" || state == "40001"
}

// Postgres's own words for "not now": shutting down, starting up, read-only for
// the moment, a statement or a session that its own limits ended, a disk that
// fails. Class 53 is what it has too little of: disk, memory, connections. Of the
// class 08, a connection's errors, is all that a pooler says while the server
// behind it is away.
var unavailableStates = map[string]bool{
	"57P01": true, "57P02": true, "57P03": true, "57P05": true, "57014": true, readOnlyState: true, "58030": true,
	acceptedLate: true,
}

// available turns "Postgres is away" into a code that callers can act on, and
// leaves every other error as it is.
func available(err error) error {
	if err == nil {
		return nil
	}
	if state := sqlState(err); state == undefinedTable || state == undefinedColumn || state == undefinedFunction {
		return fmt.Errorf("%w: %w", schemaBehind(), err)
	}
	if !isUnavailable(err) {
		return err
	}
	return fmt.Errorf("%w: %w", &webhook.Error{
		Code: webhook.CodeUnavailable, Detail: "Postgres is not available", RetryAfter: time.Second,
	}, err)
}

func isUnavailable(err error) bool {
	var pe *pgconn.PgError
	if errors.As(err, &pe) {
		return unavailableStates[pe.Code] || strings.HasPrefix(pe.Code, "08") || strings.HasPrefix(pe.Code, "53")
	}
	var ne net.Error
	var ce *pgconn.ConnectError
	return errors.As(err, &ne) || errors.As(err, &ce) || pgconn.SafeToRetry(err) ||
		errors.Is(err, net.ErrClosed) || isBrokenConn(err)
}

// sqlState is the error's SQLSTATE, or "" when it is not Postgres's own.
func sqlState(err error) string {
	var pe *pgconn.PgError
	if errors.As(err, &pe) {
		return pe.Code
	}
	return ""
}

const uniqueViolation = "23505"
