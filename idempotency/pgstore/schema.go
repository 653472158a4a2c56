package pgstore

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// schema makes the table. What has expired is found by its index.
const schema = `
CREATE TABLE IF NOT EXISTS {table} (
	key text COLLATE "C" PRIMARY KEY,
	token text NOT NULL,
	done boolean NOT NULL,
	expires_at timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS {index} ON {table} (expires_at)`

// Schema returns the statements that make a table, for migrations; "" means
// DefaultTable. Where it exists they change nothing.
func Schema(table string) string {
	if table == "" {
		table = DefaultTable
	}
	parts := strings.Split(table, ".")
	index := pgx.Identifier{parts[len(parts)-1] + "_expires_at"}.Sanitize()
	return strings.NewReplacer("{table}", quoted(table), "{index}", index).Replace(schema)
}

// quoted is the name of a table, which may have a schema's before it.
func quoted(table string) string { return pgx.Identifier(strings.Split(table, ".")).Sanitize() }

// Create makes the table if it is missing, for who has no migrations.
func (s *Store) Create(ctx context.Context) error {
	if _, err := s.db.Exec(ctx, Schema(s.table)); err != nil {
		return fmt.Errorf("create table %s: %w", s.table, err)
	}
	return nil
}

// pruneBatch bounds one DELETE, and the locks that it holds.
const pruneBatch = 5000

// Prune deletes what has expired and returns how much that was. Call it now and
// then, about once an hour: nobody else does, though expired keys count as free.
func (s *Store) Prune(ctx context.Context) (deleted int64, err error) {
	for {
		tag, err := s.db.Exec(ctx, s.sql(`
			DELETE FROM {table} WHERE key IN (
				SELECT key FROM {table} WHERE expires_at <= clock_timestamp() LIMIT $1 FOR UPDATE SKIP LOCKED
			) AND expires_at <= clock_timestamp()`), pruneBatch)
		if err != nil {
			return deleted, fmt.Errorf("prune table %s: %w", s.table, err)
		}
		if deleted += tag.RowsAffected(); tag.RowsAffected() < pruneBatch {
			return deleted, nil
		}
	}
}
