package outbox

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// listen wakes the relay when Postgres says that something committed. That is a hint:
// without it, or while the connection is away, the relay polls.
func (r *Relay) listen(ctx context.Context) {
	for ctx.Err() == nil {
		if err := r.listenOnce(ctx); err != nil && ctx.Err() == nil {
			r.cfg.Logger.DebugContext(ctx, "outbox: no notifications come, polling", "error", err)
			r.rest(ctx, max(r.cfg.Poll, time.Second), nil)
		}
	}
}

// listenOnce listens until its connection fails. It is one beside the pool, which may
// be small and has others' connections to give.
func (r *Relay) listenOnce(ctx context.Context) error {
	cfg := r.pool.Config()
	if cfg.BeforeConnect != nil { // as where a password is fetched for each connection
		if err := cfg.BeforeConnect(ctx, cfg.ConnConfig); err != nil {
			return err
		}
	}
	conn, err := pgx.ConnectConfig(ctx, cfg.ConnConfig)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(ctx) // nothing is lost with it
	}()
	var channel string
	if err := conn.QueryRow(ctx, r.table.sql("SELECT 'postrider_outbox_' || {oid}")).Scan(&channel); err != nil {
		return r.table.explained(err)
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

// poke tells the relay to look again.
func (r *Relay) poke() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}
