package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postrider/postrider/test/e2e/stack"
)

// ledger publishes at a steady rate through a balancer, and keeps what was
// accepted by type. A request that failed twice fails the test.
type ledger struct {
	b    *stack.Balancer
	c    stack.Client
	quit chan struct{}
	once sync.Once
	all  sync.WaitGroup

	mu       sync.Mutex
	accepted map[string][]string
	failed   []string
	sent     int
}

func newLedger(t *testing.T, b *stack.Balancer, c stack.Client) *ledger {
	l := &ledger{b: b, c: c, quit: make(chan struct{}), accepted: make(map[string][]string)}
	t.Cleanup(l.stop)
	return l
}

func (l *ledger) stop() {
	l.once.Do(func() { close(l.quit) })
	l.all.Wait()
}

// publish publishes an event of a type again and again.
func (l *ledger) publish(t *testing.T, eventType string, every time.Duration) {
	l.all.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		var group sync.WaitGroup
		defer group.Wait()
		for {
			select {
			case <-l.quit:
				return
			case <-tick.C:
				group.Go(func() { l.one(t, eventType) })
			}
		}
	})
}

func (l *ledger) one(t *testing.T, eventType string) {
	l.mu.Lock()
	l.sent++
	id := fmt.Sprintf("%s-%d", eventType, l.sent)
	l.mu.Unlock()
	// The id makes a request that is made twice one event.
	in := map[string]any{"id": id, "type": eventType, "data": map[string]any{}}
	a, err := l.b.Try(t.Context(), l.c, http.MethodPost, "/v1/events", in)
	var e stack.Event
	if err == nil && a.Status/100 == 2 {
		err = json.Unmarshal(a.Body, &e)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil || a.Status != http.StatusAccepted && a.Status != http.StatusOK {
		l.failed = append(l.failed, fmt.Sprintf("%s: %s: %v", id, a, err))
		return
	}
	l.accepted[eventType] = append(l.accepted[eventType], e.ID)
}

// count is how many were accepted until now.
func (l *ledger) count() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, ids := range l.accepted {
		n += len(ids)
	}
	return n
}

// goesOn waits until so many more were accepted.
func (l *ledger) goesOn(t *testing.T, more int) {
	t.Helper()
	before := l.count()
	stack.Eventually(t, "publishing goes on", func() bool {
		l.check(t)
		return l.count() >= before+more
	})
}

// check ends the test when something was refused twice.
func (l *ledger) check(t *testing.T) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.failed) > 0 {
		t.Fatalf("%d of %d requests failed twice: %v", len(l.failed), l.sent, l.failed[:min(len(l.failed), 5)])
	}
}

// close ends the publishing. It fails the test for what was refused twice.
func (l *ledger) close(t *testing.T) {
	t.Helper()
	l.stop()
	l.check(t)
	t.Logf("%d events accepted, %d requests made twice", l.count(), l.b.Again())
}

// misnumbered are deliveries of whose attempts one is missing or there twice.
const misnumbered = `
	SELECT concat_ws(' ', d::text, a.numbers)
	FROM deliveries d, LATERAL (
		SELECT array_agg(number::bigint ORDER BY number) FROM attempts WHERE workspace_id = d.workspace_id AND delivery_id = d.id
	) a (numbers)
	WHERE coalesce(a.numbers, '{}') <> ARRAY(SELECT generate_series(1, d.attempts::bigint))`

// wantNumbered fails the test unless every delivery's attempts are numbered from 1
// on, and as many as it says.
func wantNumbered(t *testing.T, postgresURL string) {
	t.Helper()
	rows := ask[string](t, postgresURL, misnumbered)
	if len(rows) > 0 {
		t.Errorf("%d deliveries have attempts that are not numbered from 1 on: %v", len(rows), rows[:min(len(rows), 3)])
	}
}

// ask asks the database itself.
func ask[T any](t *testing.T, postgresURL, sql string, args ...any) []T {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), postgresURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	rows, err := conn.Query(t.Context(), sql, args...)
	if err != nil {
		t.Fatal(err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowTo[T])
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// setting is one of the stack's variables.
func setting(s *stack.Stack, name string) (value string) {
	for _, pair := range s.Env {
		if key, v, _ := strings.Cut(pair, "="); key == name {
			value = v
		}
	}
	return value
}
