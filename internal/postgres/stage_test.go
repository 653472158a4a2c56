package postgres_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/postrider/postrider/internal/pgtest"
	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
)

// stage is a database of the test's own with the workspace "w" and one endpoint.
type stage struct {
	t   testing.TB
	url string
	db  *postgres.DB
	raw *pgxpool.Pool
	end webhook.ID // the endpoint
}

var oneKey = bytes.Repeat([]byte{7}, 32)

func setup(t testing.TB) *stage {
	t.Helper()
	return setupOn(t, pgtest.New(t))
}

func setupOn(t testing.TB, url string) *stage {
	t.Helper()
	raw, err := pgxpool.New(t.Context(), url)
	must(t, err)
	t.Cleanup(raw.Close)
	s := &stage{t: t, url: url, raw: raw}
	s.db = s.open(oneKey)
	must(t, s.db.EnsurePartitions(t.Context(), time.Now().AddDate(0, 0, -4), 6))
	s.exec("INSERT INTO workspaces (id, name) VALUES ('w', 'W')")
	s.end = s.endpoint("w").ID
	return s
}

func (s *stage) open(keys ...[]byte) *postgres.DB {
	s.t.Helper()
	db, err := postgres.Open(context.Background(), postgres.Config{URL: s.url, Keys: keys})
	must(s.t, err)
	s.t.Cleanup(db.Close)
	return db
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantCode fails the test for an error with another code.
func wantCode(t testing.TB, err error, code webhook.Code) {
	t.Helper()
	if err == nil || webhook.CodeOf(err) != code {
		t.Errorf("got %v, want the code %s", err, code)
	}
}

func (s *stage) exec(sql string, args ...any) {
	s.t.Helper()
	_, err := s.raw.Exec(context.Background(), sql, args...)
	must(s.t, err)
}

// refuses fails the test for a statement that Postgres takes.
func (s *stage) refuses(sql string, args ...any) {
	s.t.Helper()
	if tag, err := s.raw.Exec(context.Background(), sql, args...); err == nil {
		s.t.Errorf("Postgres takes it (%s): %s", tag, sql)
	}
}

func query[T any](s *stage, sql string, args ...any) T {
	s.t.Helper()
	rows, err := s.raw.Query(context.Background(), sql, args...)
	must(s.t, err)
	v, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[T])
	must(s.t, err)
	return v
}

// holds fails the test where a query does not say true.
func (s *stage) holds(sql string, args ...any) {
	s.t.Helper()
	if !query[bool](s, "SELECT coalesce(("+sql+"), false)", args...) {
		s.t.Errorf("not so: %s %v", sql, args)
	}
}

// eventually polls until a query says true.
func (s *stage) eventually(sql string, args ...any) {
	s.t.Helper()
	deadline := time.Now().Add(time.Minute)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !query[bool](s, sql, args...) {
		if time.Now().After(deadline) {
			s.t.Fatalf("not so after a minute: %s", sql)
		}
		<-tick.C
	}
}

// blocked is true while somebody waits for a lock in this database.
const blocked = `SELECT count(*) > 0 FROM pg_locks l JOIN pg_stat_activity a USING (pid)
	WHERE NOT l.granted AND a.datname = current_database()`

// endpoint stores an active one.
func (s *stage) endpoint(ws webhook.WorkspaceID) webhook.Endpoint {
	s.t.Helper()
	e, err := postgres.NewEndpoints(s.db).Create(context.Background(), webhook.Endpoint{
		ID: webhook.NewID(time.Now()), WorkspaceID: ws, URL: "https://example.com", Events: []string{"*"},
		IsActive: true, Secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
	})
	must(s.t, err)
	return e
}

// pending inserts a due delivery of a day ago days ago that task holds; "" is nobody.
func (s *stage) pending(daysAgo int, task string) webhook.Member {
	s.t.Helper()
	return s.pendingAt(time.Now().AddDate(0, 0, -daysAgo), task)
}

// pendingAt is pending of a time.
func (s *stage) pendingAt(at time.Time, task string) webhook.Member {
	s.t.Helper()
	m := webhook.Member{DeliveryID: webhook.NewID(at), EventID: webhook.NewID(at), EndpointID: s.end, WorkspaceID: "w"}
	s.exec(`INSERT INTO deliveries (id, workspace_id, event_id, endpoint_id, event_type, task, next_attempt_at)
		VALUES ($1, 'w', $2, $3, 'a.b', nullif($4, ''), now() - interval '1 second')`, pg(m.DeliveryID), pg(m.EventID), pg(m.EndpointID), task)
	return m
}

// set changes a delivery's row by hand.
func (s *stage) set(m webhook.Member, assignments string) webhook.Member {
	s.t.Helper()
	s.exec("UPDATE deliveries SET "+assignments+" WHERE id = $1", pg(m.DeliveryID))
	return m
}

// wants fails the test for a delivery that is not as the condition says.
func (s *stage) wants(m webhook.Member, condition string) {
	s.t.Helper()
	if !query[bool](s, "SELECT ("+condition+") IS TRUE FROM deliveries WHERE id = $1", pg(m.DeliveryID)) {
		s.t.Errorf("not so: %s; the row is %s", condition, s.row(m))
	}
}

// row is all of a delivery's row, to be compared.
func (s *stage) row(m webhook.Member) string {
	s.t.Helper()
	return query[string](s, "SELECT to_jsonb(d)::text FROM deliveries d WHERE id = $1", pg(m.DeliveryID))
}

func pg(id webhook.ID) pgtype.UUID { return pgtype.UUID{Bytes: id, Valid: true} }

// settings of rows that have ended, or are parked.
const (
	isSuccess  = "status = 'success', task = NULL, next_attempt_at = NULL, completed_at = now()"
	isFailed   = "status = 'failed', task = NULL, next_attempt_at = NULL, completed_at = now()"
	isCanceled = "status = 'canceled', task = NULL, next_attempt_at = NULL, completed_at = now(), reason = 'canceled'"
	isParked   = "parked = true, task = NULL, held_reason = 'max_in_flight', held_until = now()"
)
