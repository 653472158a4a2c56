package ingest

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/postrider/postrider/internal/pgtest"
	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
)

// stage is a Postgres of the test's own with a workspace "w", and an Ingester on it.
type stage struct {
	*Ingester
	t     *testing.T
	url   string
	raw   *pgxpool.Pool
	queue *fakeQueue
}

func newStage(t *testing.T) *stage {
	t.Helper()
	dsn := pgtest.New(t)
	raw, err := pgxpool.New(t.Context(), dsn)
	must(t, err)
	t.Cleanup(raw.Close)
	s := &stage{t: t, url: dsn, raw: raw, queue: &fakeQueue{}}
	must(t, s.open(dsn).EnsurePartitions(t.Context(), time.Now().AddDate(0, 0, -1), 3))
	s.workspace("w")
	s.Ingester = s.another(dsn)
	return s
}

func (s *stage) open(dsn string) *postgres.DB {
	s.t.Helper()
	db, err := postgres.Open(context.Background(), postgres.Config{URL: dsn, Keys: [][]byte{bytes.Repeat([]byte{7}, 32)}})
	must(s.t, err)
	s.t.Cleanup(db.Close)
	return db
}

// another is what another API process has: an Ingester with a pool of its own.
func (s *stage) another(dsn string) *Ingester {
	s.t.Helper()
	store := postgres.NewIngest(s.open(dsn))
	i := New(store, store, s.queue, Config{})
	i.Start()
	s.t.Cleanup(func() { i.Stop(context.Background()) })
	return i
}

func (s *stage) workspace(id string) {
	s.t.Helper()
	s.exec("INSERT INTO workspaces (id, name) VALUES ($1, $1)", id)
}

// endpoints inserts n that want everything.
func (s *stage) endpoints(ws string, n int) {
	s.t.Helper()
	s.exec(`INSERT INTO endpoints (id, workspace_id, url, events, secret, version)
		SELECT gen_random_uuid(), $1, 'https://example.com', '{*}', 'x', 1 FROM generate_series(1, $2::int)`, ws, n)
	s.exec("UPDATE workspaces SET endpoints_version = endpoints_version + 1 WHERE id = $1", ws)
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

// wants fails the test where a query's number is another.
func (s *stage) wants(want int, sql string, args ...any) {
	s.t.Helper()
	if got := query[int](s, sql, args...); got != want {
		s.t.Errorf("got %d, want %d: %s", got, want, sql)
	}
}

// eventually polls.
func (s *stage) eventually(what string, so func() bool) {
	s.t.Helper()
	deadline := time.Now().Add(time.Minute)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !so() {
		if time.Now().After(deadline) {
			s.t.Fatalf("not so after a minute: %s", what)
		}
		<-tick.C
	}
}

func one(id, eventType string) []webhook.NewEvent {
	return []webhook.NewEvent{{ID: id, Type: eventType, Data: []byte(`{"a":1}`)}}
}

// accept publishes one event.
func (s *stage) accept(ws webhook.WorkspaceID, id, eventType string) webhook.Accepted {
	s.t.Helper()
	out, err := s.Accept(s.t.Context(), ws, one(id, eventType))
	must(s.t, err)
	return out[0]
}
