package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// startLimit bounds a start; recovery of a large data directory takes the most.
const startLimit = 2 * time.Minute

// launch starts the server and waits until the database is there. Processes of
// a server that was killed keep its shared memory for a moment longer; a start
// that fails because of that is repeated.
func (p *Postgres) launch(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startLimit, fmt.Errorf("not ready after %s", startLimit))
	defer cancel()
	for {
		err := p.launchOnce(ctx)
		if err == nil {
			return nil
		}
		if !p.stillInUse() {
			return err
		}
		poll(ctx, 200*time.Millisecond, func() bool { return false })
	}
}

func (p *Postgres) launchOnce(ctx context.Context) error {
	// Appending: the children of a server that was killed may still write, and
	// would else do so far behind the end of the new one's words.
	log, err := os.OpenFile(p.cluster.layout.log(), os.O_WRONLY|os.O_CREATE|os.O_TRUNC|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("open Postgres's log: %w", err)
	}
	child, err := StartChild(p.command(log))
	closeErr := log.Close() // the child has its own copy
	if err != nil {
		return err
	}
	if err := errors.Join(closeErr, p.ready(ctx, child)); err != nil {
		child.Stop(ctx, 10*time.Second, syscall.SIGINT)
		return fmt.Errorf("%w: %s", err, p.logTail())
	}
	p.child = child
	return nil
}

// ready connects until the server answers, and makes the database.
func (p *Postgres) ready(ctx context.Context, child *Child) error {
	var lastErr error
	for {
		select {
		case <-child.Done():
			return fmt.Errorf("it ended at once: %w", child.Err())
		default:
		}
		if ctx.Err() != nil {
			return errors.Join(context.Cause(ctx), lastErr)
		}
		if lastErr = p.makeDatabase(ctx); lastErr == nil {
			return nil
		}
		poll(ctx, 10*time.Millisecond, func() bool { return false })
	}
}

func (p *Postgres) makeDatabase(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, p.DSN("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx) // nothing is lost with it
	var exists bool
	const query = "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)"
	if err := conn.QueryRow(ctx, query, p.cfg.Database).Scan(&exists); err != nil || exists {
		return err
	}
	_, err = conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{p.cfg.Database}.Sanitize())
	return err
}

// stillInUse reports whether the server said that its predecessor's children hold
// its memory. All of the log is looked at: their last words may stand behind it.
func (p *Postgres) stillInUse() bool {
	said, err := os.ReadFile(p.cluster.layout.log())
	return err == nil && strings.Contains(string(said), "is still in use")
}
