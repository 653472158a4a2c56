package operations_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/postrider/postrider/internal/ingest"
	"github.com/postrider/postrider/internal/operations"
	"github.com/postrider/postrider/internal/pgtest"
	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
)

func TestMain(m *testing.M) {
	// pgtest's server, if this process had to start one, ends with the process.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/postrider/postrider/internal/local.(*Child).run"))
}

// stage is a database and what accepts events into it, with a Redis that is away.
type stage struct {
	t        *testing.T
	raw      *pgxpool.Pool
	outbox   *postgres.Operations
	ingester *ingest.Ingester
}

// away is a Redis.
type away struct{}

func (away) Enqueue(_ context.Context, chunks []webhook.Chunk) ([]webhook.Chunk, error) {
	return chunks, context.DeadlineExceeded
}
func (away) Waiting(context.Context) (map[webhook.Lane]int, error) {
	return nil, context.DeadlineExceeded
}

func setup(t *testing.T) *stage {
	t.Helper()
	url := pgtest.New(t)
	raw, err := pgxpool.New(t.Context(), url)
	must(t, err)
	t.Cleanup(raw.Close)
	db, err := postgres.Open(context.Background(), postgres.Config{URL: url})
	must(t, err)
	t.Cleanup(db.Close)
	must(t, db.EnsurePartitions(t.Context(), time.Now(), 2))
	store := postgres.NewIngest(db)
	s := &stage{t: t, raw: raw, outbox: postgres.NewOperations(db), ingester: ingest.New(store, store, away{}, ingest.Config{})}
	s.ingester.Start()
	t.Cleanup(func() { s.ingester.Stop(context.Background()) })
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (s *stage) publisher(ws webhook.WorkspaceID) *operations.Publisher {
	return operations.New(s.outbox, s.ingester, ws, operations.Config{})
}

func (s *stage) exec(sql string, args ...any) {
	s.t.Helper()
	_, err := s.raw.Exec(context.Background(), sql, args...)
	must(s.t, err)
}

// holds fails the test where a query does not say true.
func (s *stage) holds(sql string, args ...any) {
	s.t.Helper()
	var so bool
	must(s.t, s.raw.QueryRow(context.Background(), "SELECT coalesce(("+sql+"), false)", args...).Scan(&so))
	if !so {
		s.t.Errorf("not so: %s %v", sql, args)
	}
}

func uuid(id webhook.ID) pgtype.UUID { return pgtype.UUID{Bytes: id, Valid: true} }

func (s *stage) workspace(id string) {
	s.t.Helper()
	s.exec("INSERT INTO workspaces (id, name) VALUES ($1, $1)", id)
}

func (s *stage) endpoint(ws string) {
	s.t.Helper()
	s.exec(`INSERT INTO endpoints (id, workspace_id, url, events, secret, version)
		VALUES ($1, $2, 'https://example.com', '{endpoint.*}', 'x', 1)`, uuid(webhook.NewID(time.Now())), ws)
}

// waits puts something to tell into the outbox.
func (s *stage) waits(at time.Time) webhook.ID {
	s.t.Helper()
	id := webhook.NewID(at)
	s.exec(`INSERT INTO operational_events (id, kind, workspace_id, endpoint_id, detail)
		VALUES ($1, 'endpoint.failing', 'acme', $1, '{}')`, uuid(id))
	return id
}

// counted is a counter's value.
func counted(t *testing.T, registry *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := registry.Gather()
	must(t, err)
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	t.Fatalf("there is no metric %s", name)
	return 0
}
