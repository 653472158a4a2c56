// Package pgstore is an idempotency.Store in Postgres, for receivers of several
// processes. with [Store.OnceTx] the mark is in the receiver's own transaction: effect
// and mark are committed together, or neither is, so that no crash lies between.
//
// It needs a table: [Schema] for migrations, or [Store.Create]; and somebody who
// calls [Store.Prune] now and then.
package pgstore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/postrider/postrider/idempotency"
)

// DefaultTable is where keys are.
const DefaultTable = "postrider_received"

// DB runs statements: a *pgxpool.Pool, or a *pgx.Conn that nobody else uses.
type DB interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Config says where keys are kept; its zero value is ready.
type Config struct {
	// Table is the table's name, with its schema's before a dot where it has one;
	// "" means DefaultTable.
	Table string
}

// Store is an idempotency.Store in Postgres. It goes by Postgres's clock, and is
// safe for many goroutines if its DB is.
type Store struct {
	db    DB
	table string
}

var _ idempotency.Store = (*Store)(nil)

// New makes a Store on a database, which stays the caller's to close.
func New(db DB, cfg Config) *Store {
	if cfg.Table == "" {
		cfg.Table = DefaultTable
	}
	return &Store{db: db, table: cfg.Table}
}

func (s *Store) sql(statement string) string {
	return strings.ReplaceAll(statement, "{table}", quoted(s.table))
}

// claim takes a key that is free or has expired, by the primary key. It returns
// no row if the key is taken.
const claim = `
	INSERT INTO {table} AS r (key, token, done, expires_at)
	VALUES ($1, $2, $3, clock_timestamp() + make_interval(secs => $4))
	ON CONFLICT (key) DO UPDATE SET token = excluded.token, done = excluded.done, expires_at = excluded.expires_at
	WHERE r.expires_at <= clock_timestamp()
	RETURNING true`

// Begin implements idempotency.Store.
func (s *Store) Begin(ctx context.Context, key string, hold time.Duration) (string, idempotency.State, error) {
	token := rand.Text()
	claimed, err := one(s.db.QueryRow(ctx, s.sql(claim), key, token, false, hold.Seconds()))
	if err != nil {
		return "", 0, fmt.Errorf("claim %s in postgres: %w", key, err)
	}
	if claimed {
		return token, idempotency.Claimed, nil
	}
	// A row that is gone meanwhile was given back: it was held.
	done, err := one(s.db.QueryRow(ctx, s.sql(`SELECT done FROM {table} WHERE key = $1`), key))
	switch {
	case err != nil:
		return "", 0, fmt.Errorf("look up %s in postgres: %w", key, err)
	case done:
		return "", idempotency.Done, nil
	default:
		return "", idempotency.Held, nil
	}
}

// Commit implements idempotency.Store.
func (s *Store) Commit(ctx context.Context, key string, keep time.Duration) error {
	_, err := s.db.Exec(ctx, s.sql(`
		INSERT INTO {table} (key, token, done, expires_at)
		VALUES ($1, '', true, clock_timestamp() + make_interval(secs => $2))
		ON CONFLICT (key) DO UPDATE SET token = '', done = true, expires_at = excluded.expires_at`), key, keep.Seconds())
	if err != nil {
		return fmt.Errorf("mark %s as done in postgres: %w", key, err)
	}
	return nil
}

// Release implements idempotency.Store.
func (s *Store) Release(ctx context.Context, key, token string) error {
	_, err := s.db.Exec(ctx, s.sql(`DELETE FROM {table} WHERE key = $1 AND token = $2 AND NOT done`), key, token)
	if err != nil {
		return fmt.Errorf("release %s in postgres: %w", key, err)
	}
	return nil
}

// Claim implements idempotency.Store.
func (s *Store) Claim(ctx context.Context, key string, ttl time.Duration) (bool, error) {
	_, state, err := s.Begin(ctx, key, ttl)
	return state == idempotency.Claimed, err
}

// one scans one bool; false if there is no row.
func one(row pgx.Row) (value bool, err error) {
	if err := row.Scan(&value); err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return false, err
	}
	return value, nil
}
