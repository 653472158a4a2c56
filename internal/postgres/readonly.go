package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/postrider/postrider/internal/webhook"
)

// readOnlyState is Postgres's refusal to write: a standby, or a server whose
// default_transaction_read_only is on.
const readOnlyState = "25006"

// renewEvery bounds how often all connections are dropped while a server stays
// read-only.
const renewEvery = time.Second

// leaveReadOnly keeps the pool from being stuck on a server that was the primary.
// A connection to it lives on after a failover, and answers reads: from the past.
// So the first refusal to write drops them all, and new ones go to where the URL
// leads by then.
func (db *DB) leaveReadOnly(cfg *pgx.ConnConfig) {
	seekWritable(cfg)
	others := cfg.OnPgError
	cfg.OnPgError = func(conn *pgconn.PgConn, err *pgconn.PgError) bool {
		if err.Code == readOnlyState {
			db.renew()
			return false // this one is closed at once
		}
		return others == nil || others(conn, err)
	}
}

// seekWritable makes of a URL with several hosts one that leads to the one that
// takes writes, whatever target_session_attrs it names or not: nothing here can do
// with another.
func seekWritable(cfg *pgx.ConnConfig) {
	for _, f := range cfg.Fallbacks {
		if f.Host != cfg.Host || f.Port != cfg.Port {
			cfg.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
			return
		}
	}
}

// renew drops every connection; those in use when they are given back.
func (db *DB) renew() {
	now, last := time.Now().UnixNano(), db.renewed.Load()
	if since := time.Duration(now - last); since >= 0 && since < renewEvery {
		return
	}
	if db.renewed.CompareAndSwap(last, now) {
		db.pool.Reset()
	}
}

// readOnly is the error for a connection that says it is, and the end of all.
func (db *DB) readOnly() error {
	db.renew()
	return &webhook.Error{Code: webhook.CodeUnavailable, Detail: "Postgres is read-only", RetryAfter: time.Second}
}

// Ping asks Postgres for a sign of life, and whether it takes what is written.
func (db *DB) Ping(ctx context.Context) error {
	readOnly, err := db.q.ReadOnly(ctx)
	if err != nil {
		return fmt.Errorf("ask postgres for a sign of life: %w", available(err))
	}
	if readOnly {
		return db.readOnly()
	}
	return nil
}
