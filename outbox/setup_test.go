package outbox

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/postrider/postrider/client"
	"github.com/postrider/postrider/internal/pgtest"
	"github.com/postrider/postrider/test/e2e/stack"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// open is a pool on a database.
func open(t testing.TB, dsn string) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(context.Background(), dsn)
	must(t, err)
	t.Cleanup(pool.Close)
	return pool
}

// setup is a database with an outbox.
func setup(t testing.TB) *pgxpool.Pool {
	t.Helper()
	pool := open(t, pgtest.Empty(t))
	must(t, Migrate(t.Context(), pool))
	return pool
}

type payload struct {
	N int `json:"n"`
}

// begin begins a transaction that ends with the test, if not before.
func begin(t testing.TB, pool *pgxpool.Pool) pgx.Tx {
	t.Helper()
	tx, err := pool.Begin(t.Context())
	must(t, err)
	t.Cleanup(func() { _ = tx.Rollback(context.Background()) })
	return tx
}

// dispatch adds an event with this id to a transaction.
func dispatch(t testing.TB, tx Tx, id string, options ...client.DispatchOption) string {
	t.Helper()
	got, err := Dispatch(t.Context(), tx, "post.created", payload{1}, append(options, client.WithID(id))...)
	must(t, err)
	if got != id {
		t.Fatalf("the id is %q, want %q", got, id)
	}
	return id
}

// commit dispatches events in one transaction.
func commit(t testing.TB, pool *pgxpool.Pool, ids ...string) {
	t.Helper()
	tx := begin(t, pool)
	for _, id := range ids {
		dispatch(t, tx, id)
	}
	must(t, tx.Commit(t.Context()))
}

func waitingIDs(t testing.TB, pool *pgxpool.Pool) []string {
	t.Helper()
	rows, err := pool.Query(t.Context(), "SELECT id FROM postrider_outbox WHERE failed_at IS NULL ORDER BY seq")
	must(t, err)
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	must(t, err)
	return ids
}

func waitEmpty(t testing.TB, pool *pgxpool.Pool) {
	t.Helper()
	stack.Eventually(t, "nothing waits in the outbox", func() bool {
		b, err := Measure(t.Context(), pool)
		return err == nil && b.Waiting == 0
	})
}

// api is a Postrider that is told what to answer: it takes a batch as a whole, and each
// id once.
type api struct {
	mu       sync.Mutex
	accepted []client.NewEvent
	batches  [][]string
	answer   func(batch []client.NewEvent) error
	arrived  chan struct{} // something did
}

func newAPI() *api { return &api{arrived: make(chan struct{}, 1)} }

func (a *api) DispatchBatch(_ context.Context, events []client.NewEvent) ([]client.Accepted, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var ids []string
	for _, e := range events {
		ids = append(ids, e.ID)
	}
	a.batches = append(a.batches, ids)
	select {
	case a.arrived <- struct{}{}:
	default:
	}
	if a.answer != nil {
		if err := a.answer(events); err != nil {
			return nil, err
		}
	}
	for _, e := range events {
		if !slices.ContainsFunc(a.accepted, func(before client.NewEvent) bool { return before.ID == e.ID }) {
			a.accepted = append(a.accepted, e)
		}
	}
	return make([]client.Accepted, len(events)), nil
}

func (a *api) answers(answer func([]client.NewEvent) error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.answer = answer
}

func (a *api) requests() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.batches)
}

func (a *api) ids() (ids []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, e := range a.accepted {
		ids = append(ids, e.ID)
	}
	return ids
}

func (a *api) wantIDs(t testing.TB, want ...string) {
	t.Helper()
	if got := a.ids(); !slices.Equal(got, want) {
		t.Errorf("accepted %v, want %v", got, want)
	}
}

// refusal is the API's answer to a batch with events that it does not take.
func refusal(pointers ...string) error {
	e := &client.Error{Status: 422, Code: client.CodeInvalid, Detail: "the request has invalid fields"}
	for _, p := range pointers {
		e.Errors = append(e.Errors, client.FieldError{Pointer: p, Detail: "is wrong"})
	}
	return e
}

// run runs a relay until the test ends, or stop is called.
func run(t testing.TB, pool *pgxpool.Pool, to Sender, cfg Config) (stop func()) {
	t.Helper()
	if cfg.Poll == 0 {
		cfg.Poll = 10 * time.Millisecond
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	var group sync.WaitGroup
	group.Go(func() {
		if err := NewRelay(pool, to, cfg).Run(ctx); err != nil {
			t.Errorf("the relay ended: %v", err)
		}
	})
	stop = func() {
		cancel(errors.New("the test is over"))
		group.Wait()
	}
	t.Cleanup(stop)
	return stop
}

// data is an event's payload as the API got it.
func data(t testing.TB, e client.NewEvent) string {
	t.Helper()
	raw, ok := e.Data.(json.RawMessage)
	if !ok {
		t.Fatalf("the payload is a %T", e.Data)
	}
	return string(raw)
}
