package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// unfit marks a connection that was opened in the belief that its session is its
// own, and leads through a pooler, or the other way round.
const unfit = "unfit"

// fitPooler makes connections do what they lead to. A session of its own keeps
// prepared statements. A pooler in transaction mode, such as PgBouncer, gives each
// transaction another session: nothing is prepared by name there, pgx keeps what it
// was told of each statement's types, and nothing is set for the session.
//
// Nobody has to say which it is: a connection asks, and one of the wrong kind is
// dropped before anybody has it.
func (db *DB) fitPooler(pc *pgxpool.Config) {
	if pc.ConnConfig.DefaultQueryExecMode != pgx.QueryExecModeCacheStatement {
		pc.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error { return db.meet(ctx, conn, db.pooled.Load) }
		return // the URL says how, with default_query_exec_mode
	}
	pc.BeforeConnect = func(_ context.Context, cc *pgx.ConnConfig) error {
		if db.pooled.Load() {
			cc.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
		}
		return nil
	}
	pc.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		return db.meet(ctx, conn, func() bool { return conn.Config().DefaultQueryExecMode == pgx.QueryExecModeCacheDescribe })
	}
	pc.PrepareConn = func(_ context.Context, conn *pgx.Conn) (bool, error) {
		_, drop := conn.PgConn().CustomData()[unfit]
		return !drop, nil
	}
}

// meet learns whether the connection leads through a pooler, and marks it where it
// was believed to be of the other kind.
func (db *DB) meet(ctx context.Context, conn *pgx.Conn, believed func() bool) error {
	// Hot statements name their day as constants, so that the planner drops all
	// other partitions. A generic plan would lock every one of them. What is prepared
	// without a name, as through a pooler, is planned each time anyway.
	pooled, err := throughPooler(ctx, conn.PgConn(), "plan_cache_mode", "force_custom_plan")
	if err != nil {
		return fmt.Errorf("ask whose session it is: %w", err)
	}
	db.pooled.Store(pooled)
	if pooled != believed() {
		conn.PgConn().CustomData()[unfit] = true
	}
	return nil
}

// throughPooler reports whether there is a pooler between this connection and its
// session: the pooler has told it a process id that is none of Postgres's, for it
// may be another one with each transaction. Only a session of its own gets the setting.
func throughPooler(ctx context.Context, conn *pgconn.PgConn, setting, value string) (bool, error) {
	told := strconv.FormatUint(uint64(conn.PID()), 10)
	results, err := conn.Exec(ctx, "SELECT pg_catalog.pg_backend_pid(), CASE WHEN pg_catalog.pg_backend_pid() = "+told+
		" THEN pg_catalog.set_config('"+setting+"', '"+value+"', false) END").ReadAll()
	if err != nil {
		return false, err
	}
	if len(results) != 1 || len(results[0].Rows) != 1 {
		return false, fmt.Errorf("%d answers", len(results))
	}
	return string(results[0].Rows[0][0]) != told, nil
}

// Pooled reports whether connections lead through a pooler, as far as one was made.
func (db *DB) Pooled() bool { return db.pooled.Load() }

// PingSession is Ping, and fails where a pooler answers.
func (db *DB) PingSession(ctx context.Context) error {
	if err := db.Ping(ctx); err != nil {
		return err
	}
	if db.Pooled() {
		return errPooler
	}
	return nil
}

// errPooler is for what needs a session of its own.
var errPooler = errors.New("a pooler answers, which gives each transaction another session: postgres.direct_url must lead to the server itself")
