package years

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/postrider/postrider/internal/local"
	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
	"github.com/postrider/postrider/test/e2e/stack"
)

// side is a database with the programs that work on it.
type side struct {
	*stack.Stack
	name       string
	deliveries int // to load
	url        string
	server     *local.Postgres
	// conn is a test's own, and db what the scheduler's stores ask by.
	conn *pgx.Conn
	db   *postgres.DB

	api, worker, scheduler *stack.Process
	receiver               *stack.Receiver
	// c publishes in, and reads, the workspace big.
	c   stack.Client
	ids samples
}

// big is the workspace with half of the deliveries, endpointsOf how many endpoints
// each has.
const big = "big"

var endpointsOf = map[string]int{
	big: 100, "other-0": 20, "other-1": 20, "other-2": 20, "other-3": 20, "other-4": 20, "other-5": 20, "other-6": 20,
}

// settings are Postgres's besides initdb's: what a server of this size would have, and
// for the loading what a database has that may be made again.
var (
	settings = map[string]string{"shared_buffers": "1GB", "max_wal_size": "8GB"}
	loading  = map[string]string{
		"shared_buffers": "1GB", "max_wal_size": "16GB", "fsync": "off", "full_page_writes": "off", "synchronous_commit": "off",
		"autovacuum": "off", "maintenance_work_mem": "256MB", "wal_level": "minimal", "max_wal_senders": "0",
	}
)

// newSide loads a database in dir and starts the programs on it.
func newSide(t *testing.T, name, dir string, deliveries int) *side {
	t.Helper()
	s := &side{name: name, deliveries: deliveries}
	data := filepath.Join(dir, name)
	s.start(t, data, loading)
	s.Stack = stack.On(t, s.url)
	migrate := stack.Spawn(t, "migrate", s.Dir, s.Env, s.Program(t, "postrider"), "migrate", "up")
	if code := migrate.ExitCode(t); code != 0 {
		t.Fatalf("migrate up: exit code %d: %s", code, migrate.Said(t))
	}
	s.connect(t)
	_, err := s.conn.Exec(t.Context(), schemaSQL)
	must(t, err)
	s.people(t)
	s.load(t)
	s.disconnect(t)
	must(t, s.server.Stop(context.Background()))

	s.start(t, data, settings)
	s.connect(t)
	s.receiver = stack.NewReceiver(t)
	s.receiver.CountOnly()
	s.api, s.worker, s.scheduler = s.API(t), s.Worker(t), s.Scheduler(t, longRetention)
	s.c = s.Client(s.api, s.NewKey(t, s.api, big).Key)
	s.ids = s.sample(t)
	return s
}

// longRetention keeps the day that is there to be dropped.
const longRetention = "POSTRIDER_RETENTION_DELIVERIES=60d"

// start starts the server. Its directory has one owner at a time, its URL stays.
func (s *side) start(t *testing.T, data string, with map[string]string) {
	t.Helper()
	bin, err := local.FindPostgres(t.Context(), local.Options{})
	must(t, err)
	server, err := local.StartPostgres(t.Context(), bin, local.PostgresConfig{DataDir: data, Settings: maps.Clone(with)})
	must(t, err)
	s.server, s.url = server, server.DSN("")
	t.Cleanup(func() {
		if err := server.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

func (s *side) connect(t *testing.T) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.url)
	must(t, err)
	db, err := postgres.Open(t.Context(), postgres.Config{URL: s.url, ApplicationName: "years"})
	must(t, err)
	s.conn, s.db = conn, db
	t.Cleanup(func() { s.disconnect(t) })
}

// disconnect can be called again.
func (s *side) disconnect(t *testing.T) {
	if s.conn == nil {
		return
	}
	if err := s.conn.Close(context.Background()); err != nil {
		t.Error(err)
	}
	s.db.Close()
	s.conn = nil
}

// people makes the workspaces and their endpoints, by the API, unless they are there.
func (s *side) people(t *testing.T) {
	t.Helper()
	if ask[int](t, s, "SELECT count(*)::int FROM years.endpoints") > 0 {
		return
	}
	api := s.API(t)
	defer api.Terminate(t)
	for ws, n := range endpointsOf {
		s.Admin(api).Call(t, http.MethodPost, "/v1/workspaces", map[string]any{"id": ws, "name": ws}, http.StatusCreated, nil)
		c := s.Client(api, s.NewKey(t, api, ws).Key)
		for i := range n {
			in := map[string]any{"url": "http://127.0.0.1:9/" + ws + "/" + strconv.Itoa(i), "events": []string{"order.*"}, "description": fmt.Sprintf("Customer %d", i)}
			var e stack.Endpoint
			c.Call(t, http.MethodPost, "/v1/endpoints", in, http.StatusCreated, &e)
			id, _ := webhook.ParseID(webhook.EndpointPrefix, e.ID)
			_, err := s.conn.Exec(t.Context(), "INSERT INTO years.endpoints VALUES ($1, $2, $3)", ws, i, id)
			must(t, err)
		}
	}
}

// ask is the one value that a query returns.
func ask[T any](t *testing.T, s *side, query string, args ...any) T {
	t.Helper()
	rows, err := s.conn.Query(t.Context(), query, args...)
	must(t, err)
	v, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[T])
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return v
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// place is where the databases are.
func place(t *testing.T) string {
	t.Helper()
	if *dir == "" {
		return stack.Dir(t)
	}
	must(t, os.MkdirAll(*dir, 0o755))
	abs, err := filepath.Abs(*dir)
	must(t, err)
	return abs
}

// sizes are the tables' with their indexes, in words.
func (s *side) sizes(t *testing.T) string {
	t.Helper()
	var words []string
	for _, table := range []string{"events", "deliveries", "attempts", "event_ids", "stats_tallies"} {
		words = append(words, ask[string](t, s, `SELECT $1::text || ' ' || pg_size_pretty(sum(pg_relation_size(relid))) || ' + ' || pg_size_pretty(sum(pg_indexes_size(relid)))
			FROM (SELECT relid FROM pg_partition_tree($1::text::regclass) WHERE isleaf UNION SELECT oid FROM pg_class WHERE oid = $1::text::regclass AND relkind = 'r') x`, table))
	}
	return strings.Join(words, ", ") + " (table + indexes), the database " + ask[string](t, s, "SELECT pg_size_pretty(pg_database_size(current_database()))")
}
