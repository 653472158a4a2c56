package main

import (
	"context"
	_ "embed"
	"errors"

	"github.com/jackc/pgx/v5"
)

var (
	//go:embed sql/retries_due.sql
	retriesDueSQL string
	//go:embed sql/retries_done.sql
	retriesDoneSQL string
)

// exec runs statements one after the other.
func (s *stack) exec(ctx context.Context, statements ...string) error {
	return s.withPostgres(ctx, func(conn *pgx.Conn) error {
		for _, statement := range statements {
			if _, err := conn.Exec(ctx, statement); err != nil {
				return err
			}
		}
		return nil
	})
}

// withPostgres hands do a connection of its own.
func (s *stack) withPostgres(ctx context.Context, do func(*pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, s.postgres.DSN(""))
	if err != nil {
		return err
	}
	return errors.Join(do(conn), conn.Close(ctx))
}
