package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
)

// listen wakes the relay when Postgres says that something committed. That is a hint:
// without it, or while the connection is away, the relay polls.
func (r *Relay) listen(ctx context.Context) {
	said := false
	for ctx.Err() == nil {
		if err := r.listenOnce(ctx); err != nil && ctx.Err() == nil {
			level := slog.LevelDebug
			if errors.Is(err, errPooler) && !said { // it does not go by itself
				level, said = slog.LevelWarn, true
			}
			r.cfg.Logger.Log(ctx, level, "outbox: no notifications come, polling", "error", err)
			r.rest(ctx, max(r.cfg.Poll, time.Second), nil)
		}
	}
}

// listenOnce listens until its connection fails. It is one beside the pool, which may
// be small and has others' connections to give.
func (r *Relay) listenOnce(ctx context.Context) error {
	cfg, err := r.listenConfig()
	if err != nil {
		return err
	}
	if before := r.pool.Config().BeforeConnect; before != nil { // as where a password is fetched for each connection
		if err := before(ctx, cfg); err != nil {
			return err
		}
	}
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(ctx) // nothing is lost with it
	}()
	var channel string
	var session uint32
	if err := conn.QueryRow(ctx, r.table.sql("SELECT 'postrider_outbox_' || {oid}, pg_catalog.pg_backend_pid()")).Scan(&channel, &session); err != nil {
		return r.table.explained(err)
	}
	// A pooler tells a process id of its own making. What is listened for in the session
	// of the moment would be told to whoever has that next.
	if session != conn.PgConn().PID() {
		return errPooler
	}
	if _, err := conn.Exec(ctx, "LISTEN "+pgx.Identifier{channel}.Sanitize()); err != nil {
		return err
	}
	for {
		r.poke() // also at first: something may have committed before
		if _, err := conn.WaitForNotification(ctx); err != nil {
			return err
		}
	}
}

var errPooler = errors.New("a pooler answers, and gives each transaction another session: set ListenURL or PollOnly")

// listenConfig is how to get a session that stays.
func (r *Relay) listenConfig() (*pgx.ConnConfig, error) {
	if r.cfg.ListenURL == "" {
		return r.pool.Config().ConnConfig, nil
	}
	cfg, err := pgx.ParseConfig(r.cfg.ListenURL)
	if err != nil {
		return nil, fmt.Errorf("outbox: ListenURL: %w", err)
	}
	return cfg, nil
}

// poke tells the relay to look again.
func (r *Relay) poke() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}
