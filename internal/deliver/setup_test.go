package deliver

import (
	"bytes"
	"context"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/postrider/postrider/internal/pgtest"
	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
)

// stage is a Runner on a database of its own, and what tests do to both.
type stage struct {
	t          *testing.T
	raw        *pgxpool.Pool
	endpoints  *postgres.Endpoints
	deliveries *postgres.Deliveries
	store      *store
	sender     *fakeSender
	retries    *fakeRetries
	rates      *fakeRates
	cfg        Config
	runner     *Runner
}

func stageKey() []byte { return bytes.Repeat([]byte{7}, 32) }

// setup makes a started Runner with the default schedule and no jitter; change
// may alter the stage before.
func setup(t *testing.T, change ...func(*stage)) *stage {
	t.Helper()
	url := pgtest.New(t)
	raw, err := pgxpool.New(t.Context(), url)
	must(t, err)
	t.Cleanup(raw.Close)
	db, err := postgres.Open(t.Context(), postgres.Config{URL: url, Keys: [][]byte{stageKey()}})
	must(t, err)
	t.Cleanup(db.Close)
	s := &stage{
		t: t, raw: raw, endpoints: postgres.NewEndpoints(db), deliveries: postgres.NewDeliveries(db),
		store:  &store{Deliver: postgres.NewDeliver(db, postgres.Breaker{Failures: 20, Window: time.Minute, DisableAfter: 5 * 24 * time.Hour})},
		sender: &fakeSender{}, retries: &fakeRetries{}, rates: &fakeRates{},
		cfg: Config{
			WorkerID: "me", UserAgent: "Postrider/test", Random: func() float64 { return 0 },
			RetrySchedule: []time.Duration{time.Minute, 5 * time.Minute, 30 * time.Minute},
		},
	}
	must(t, db.EnsurePartitions(t.Context(), time.Now().AddDate(0, 0, -3), 5))
	s.exec("INSERT INTO workspaces (id, name) VALUES ('w', 'W')")
	for _, c := range change {
		c(s)
	}
	s.start(s.sender)
	return s
}

// attempt is the only one of a delivery.
func (s *stage) attempt(m webhook.Member) webhook.Attempt {
	s.t.Helper()
	all, _, err := s.deliveries.Attempts(s.t.Context(), m.WorkspaceID, m.DeliveryID, 1, webhook.Page{Limit: 2})
	must(s.t, err)
	if len(all) != 1 {
		s.t.Fatalf("%d attempts", len(all))
	}
	return all[0]
}

// start makes the stage's runner, which ends with the test, or with the next one.
func (s *stage) start(sender Sender) {
	if s.runner != nil {
		s.stop()
	}
	s.runner = New(Deps{
		Rows: s.store, Sources: s.store, Outcomes: s.store, Sender: sender, Retries: s.retries, Rates: s.rates,
	}, func() int { return 1 }, s.cfg)
	s.runner.Start()
	s.t.Cleanup(s.stop)
}

// stop ends the runner, with all that it still does.
func (s *stage) stop() {
	s.sender.letAllGo()
	s.runner.Stop(context.Background())
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (s *stage) exec(sql string, args ...any) {
	s.t.Helper()
	_, err := s.raw.Exec(context.Background(), sql, args...)
	must(s.t, err)
}

func query[T any](s *stage, sql string, args ...any) T {
	s.t.Helper()
	rows, err := s.raw.Query(context.Background(), sql, args...)
	must(s.t, err)
	v, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[T])
	must(s.t, err)
	return v
}

// endpoint creates an active one, as changed.
func (s *stage) endpoint(change ...func(*webhook.Endpoint)) webhook.Endpoint {
	s.t.Helper()
	e := webhook.Endpoint{
		ID: webhook.NewID(time.Now()), WorkspaceID: "w", URL: "https://example.com/hook", Events: []string{"*"},
		Secret: webhook.NewSecret(), IsActive: true,
	}
	for _, c := range change {
		c(&e)
	}
	e, err := s.endpoints.Create(s.t.Context(), e)
	must(s.t, err)
	return e
}

// delivery inserts a due one of today that the task holds, with its event.
func (s *stage) delivery(e webhook.Endpoint, task string) webhook.Member {
	s.t.Helper()
	return s.deliveryOf(time.Now(), e, task)
}

// deliveryOf is delivery of an event that was accepted at a time.
func (s *stage) deliveryOf(now time.Time, e webhook.Endpoint, task string) webhook.Member {
	s.t.Helper()
	m := webhook.Member{DeliveryID: webhook.NewID(now), EndpointID: e.ID, EventID: webhook.NewID(now), WorkspaceID: "w"}
	s.exec(`INSERT INTO events (id, workspace_id, type, created_at, body, deliveries) VALUES ($1, 'w', 'a.b', now(), $2, 1)`,
		uuid(m.EventID), []byte(`{"id":"`+m.EventID.Format(webhook.EventPrefix)+`"}`))
	s.exec(`INSERT INTO deliveries (id, workspace_id, event_id, endpoint_id, event_type, task, next_attempt_at)
		VALUES ($1, 'w', $2, $3, 'a.b', $4, now())`, uuid(m.DeliveryID), uuid(m.EventID), uuid(e.ID), task)
	return m
}

// change alters a delivery's row by an SQL list of assignments.
func (s *stage) change(m webhook.Member, set string) {
	s.t.Helper()
	s.exec("UPDATE deliveries SET "+set+" WHERE id = $1", uuid(m.DeliveryID))
}

// wants fails the test for a delivery that is not as the claim says.
func (s *stage) wants(m webhook.Member, condition string) {
	s.t.Helper()
	if !query[bool](s, "SELECT ("+condition+") IS TRUE FROM deliveries WHERE id = $1", uuid(m.DeliveryID)) {
		s.t.Errorf("not so: %s; the row is %s", condition,
			query[string](s, "SELECT to_jsonb(d)::text FROM deliveries d WHERE id = $1", uuid(m.DeliveryID)))
	}
}

// wantsAttempt fails the test unless there is exactly one such attempt.
func (s *stage) wantsAttempt(m webhook.Member, number int, condition string) {
	s.t.Helper()
	if query[int](s, "SELECT count(*) FROM attempts WHERE delivery_id = $1 AND number = $2 AND ("+condition+")", uuid(m.DeliveryID), number) != 1 {
		s.t.Errorf("no attempt %d with %s; there are %s", number, condition,
			query[string](s, "SELECT coalesce(jsonb_agg(a)::text, 'none') FROM attempts a WHERE delivery_id = $1", uuid(m.DeliveryID)))
	}
}

func (s *stage) is(m webhook.Member, condition string) bool {
	s.t.Helper()
	return query[bool](s, "SELECT ("+condition+") IS TRUE FROM deliveries WHERE id = $1", uuid(m.DeliveryID))
}

func chunk(task string, members ...webhook.Member) webhook.Chunk {
	return webhook.Chunk{Task: task, Members: members}
}

// process runs a chunk to its end, which must be nil.
func (s *stage) process(c webhook.Chunk) {
	s.t.Helper()
	must(s.t, s.runner.Process(s.t.Context(), c))
}

// begin runs a chunk and returns where its end will be told.
func (s *stage) begin(c webhook.Chunk) <-chan error {
	done := make(chan error, 1)
	go func() { done <- s.runner.Process(context.Background(), c) }()
	return done
}

// receive waits for something that is to happen soon.
func receive[T any](t testing.TB, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(30 * time.Second):
		t.Fatal("did not happen in time")
	}
	return v
}

// eventually waits for what another goroutine does.
func eventually(t testing.TB, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatal("did not happen in time")
		}
		<-tick.C
	}
}

func uuid(id webhook.ID) string {
	const hex = "0123456789abcdef"
	var out []byte
	for i, b := range id {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			out = append(out, '-')
		}
		out = append(out, hex[b>>4], hex[b&15])
	}
	return string(out)
}

// store is Postgres, with what a test does at the moment of a call.
type store struct {
	*postgres.Deliver
	mu       sync.Mutex
	handOver func(do func() ([]webhook.ID, error)) ([]webhook.ID, error)
	record   func(do func() ([]bool, error)) ([]bool, error)
}

func (s *store) onHandOver(f func(do func() ([]webhook.ID, error)) ([]webhook.ID, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handOver = f
}

func (s *store) onRecord(f func(do func() ([]bool, error)) ([]bool, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.record = f
}

func (s *store) HandOver(ctx context.Context, members []webhook.Member, from, to string) ([]webhook.ID, error) {
	s.mu.Lock()
	hook := s.handOver
	s.mu.Unlock()
	do := func() ([]webhook.ID, error) { return s.Deliver.HandOver(ctx, members, from, to) }
	if hook != nil {
		return hook(do)
	}
	return do()
}

func (s *store) Record(ctx context.Context, outcomes []webhook.Outcome) ([]bool, error) {
	s.mu.Lock()
	hook := s.record
	s.mu.Unlock()
	do := func() ([]bool, error) { return s.Deliver.Record(ctx, outcomes) }
	if hook != nil {
		return hook(do)
	}
	return do()
}
