package outbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/postrider/postrider/client"
	"github.com/postrider/postrider/test/e2e/stack"
)

// TestMain runs the tests, or is one of the programs that they kill.
func TestMain(m *testing.M) {
	programs := map[string]func(context.Context, *pgxpool.Pool) error{"relay": relayProgram, "producer": producerProgram}
	if program := programs[os.Getenv("OUTBOX_PROGRAM")]; program != nil {
		if err := inDatabase(program); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	stack.Main(m)
}

func inDatabase(program func(context.Context, *pgxpool.Pool) error) error {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, os.Getenv("OUTBOX_POSTGRES"))
	if err != nil {
		return err
	}
	defer pool.Close()
	return program(ctx, pool)
}

// halt says where the program is, and stays there until it is killed.
func halt(at string) {
	fmt.Println("halted:", at)
	select {}
}

// relayProgram is a relay that halts when it comes to a step for the given time.
func relayProgram(ctx context.Context, pool *pgxpool.Pool) error {
	// One try: the outage is the relay's to see.
	c := client.NewWith(os.Getenv("OUTBOX_API"), os.Getenv("OUTBOX_KEY"), client.Config{MaxRetries: -1})
	r := NewRelay(pool, c, Config{BatchSize: batchSize, Lease: 500 * time.Millisecond, Poll: 50 * time.Millisecond})
	at, times := step(os.Getenv("OUTBOX_STEP")), atomic.Int64{}
	nth, err := strconv.ParseInt(os.Getenv("OUTBOX_NTH"), 10, 64)
	if err != nil && at != "" {
		return err
	}
	r.at = func(s step) {
		if s == at && times.Add(1) == nth {
			halt(string(s))
		}
	}
	return r.Run(ctx)
}

// producerProgram dispatches an event and halts before or after it commits.
func producerProgram(ctx context.Context, pool *pgxpool.Pool) error {
	tx, err := pool.Begin(ctx)
	if err != nil {
		return err
	}
	id := os.Getenv("OUTBOX_EVENT")
	_, err = tx.Exec(ctx, "INSERT INTO posts (id) VALUES ($1)", id)
	if _, more := Dispatch(ctx, tx, "post.created", payload{}, client.WithID(id)); err != nil || more != nil {
		return errors.Join(err, more)
	}
	if os.Getenv("OUTBOX_STEP") == "committed" {
		if err := tx.Commit(ctx); err != nil {
			return err
		}
	}
	halt(id)
	return nil
}
