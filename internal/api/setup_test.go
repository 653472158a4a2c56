package api

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/postrider/postrider/internal/await"
	"github.com/postrider/postrider/internal/ingest"
	"github.com/postrider/postrider/internal/pgtest"
	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/schema"
	"github.com/postrider/postrider/internal/webhook"
)

const adminKey = "admin-key-of-the-tests"

// bundle is an API on a database of its own.
type bundle struct {
	t       testing.TB
	db      *postgres.DB
	dsn     string
	handler http.Handler
	url     string
	urls    *urlPolicy
	tester  *tester
	// lines counts what would go to Redis.
	queue *discardQueue
	// attempts are told to streams.
	attempts attempts
	// stopping is closed by tests whose process is about to stop.
	stopping chan struct{}
}

func setup(t testing.TB, change ...func(*Deps, *Config)) *bundle {
	t.Helper()
	return setupOn(t, pgtest.New(t), change...)
}

func setupOn(t testing.TB, dsn string, change ...func(*Deps, *Config)) *bundle {
	t.Helper()
	db, err := postgres.Open(t.Context(), postgres.Config{URL: dsn, Keys: [][]byte{bytes.Repeat([]byte{7}, 32)}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	if err := db.EnsurePartitions(t.Context(), time.Now().Add(-24*time.Hour), 3); err != nil {
		t.Fatal(err)
	}
	b := &bundle{
		t: t, db: db, dsn: dsn, urls: &urlPolicy{}, tester: &tester{diagnosis: webhook.Diagnosis{Verdict: webhook.VerdictOK}},
		queue: &discardQueue{}, stopping: make(chan struct{}),
	}
	store := postgres.NewIngest(db)
	ingester := ingest.New(store, store, b.queue, ingest.Config{Logger: discardLogger(), Types: &ingest.Types{
		Store: store, Compile: func(raw json.RawMessage) (ingest.Schema, error) {
			s, bad := schema.Compile(raw)
			if bad != nil {
				return nil, webhook.Invalid(bad...)
			}
			return s, nil
		},
	}})
	ingester.Start()
	t.Cleanup(func() { ingester.Stop(context.Background()) })
	waits := await.New(postgres.NewOutcomes(db), await.Config{Stopping: b.stopping})
	waits.Start()
	t.Cleanup(waits.Stop)
	deps := Deps{
		Workspaces: postgres.NewWorkspaces(db), Keys: postgres.NewKeys(db), PortalLinks: postgres.NewPortalLinks(db), Endpoints: postgres.NewEndpoints(db),
		Events: postgres.NewEvents(db), Deliveries: postgres.NewDeliveries(db), Replays: postgres.NewReplays(db), Stats: postgres.NewStats(db), CatchUp: postgres.NewCatchUp(db),
		EventTypes: postgres.NewEventTypes(db), Schemas: schema.Checker{}, Explainer: postgres.NewExplain(db), Idempotency: postgres.NewIdempotency(db), AuditLog: postgres.NewAuditLog(db),
		Accepter: ingester, Waits: waits, Streams: b.streams(db), Tester: b.tester, URLs: b.urls, Queues: b.queue,
	}
	cfg := Config{AdminKey: adminKey}
	for _, c := range change {
		c(&deps, &cfg)
	}
	reg := prometheus.NewRegistry()
	if cfg.Registerer == nil {
		cfg.Registerer = reg
	}
	if b.handler, err = New(deps, cfg); err != nil {
		t.Fatal(err)
	}
	keepsItsSeries(t, reg)
	srv := httptest.NewServer(b.handler)
	t.Cleanup(srv.Close)
	b.url = srv.URL
	return b
}

// urlPolicy refuses every URL with "blocked" in it.
type urlPolicy struct {
	mu     sync.Mutex
	asked  []string
	during func()
}

func (p *urlPolicy) CheckURL(_ context.Context, raw string) *webhook.FieldError {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, raw)
	if p.during != nil {
		p.during()
	}
	if strings.Contains(raw, "blocked") {
		return &webhook.FieldError{Pointer: "/url", Detail: "is blocked"}
	}
	return nil
}

// tester answers every test with its response.
type tester struct {
	response  webhook.Response
	diagnosis webhook.Diagnosis
	eventType string
	data      string
}

func (t *tester) Test(_ context.Context, _ webhook.WorkspaceID, _ webhook.ID, eventType string, data json.RawMessage) (webhook.Response, error) {
	t.eventType, t.data = eventType, string(data)
	return t.response, nil
}

func (t *tester) Diagnose(context.Context, webhook.WorkspaceID, webhook.ID) (webhook.Diagnosis, error) {
	return t.diagnosis, nil
}

type discardQueue struct {
	state webhook.Queues
	err   error
}

func (q *discardQueue) State(context.Context) (webhook.Queues, error) { return q.state, q.err }

func (*discardQueue) Enqueue(context.Context, []webhook.Chunk) ([]webhook.Chunk, error) {
	return nil, nil
}
func (*discardQueue) Waiting(context.Context) (map[webhook.Lane]int, error) {
	return nil, nil
}

// answer is what came back.
type answer struct {
	t      testing.TB
	status int
	header http.Header
	raw    []byte
}

// call makes one request. Headers come in pairs; body is sent as it is.
func (b *bundle) call(key, method, path, body string, headers ...string) *answer {
	b.t.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, reader)
	if err != nil {
		b.t.Fatal(err)
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return b.do(req)
}

func (b *bundle) do(req *http.Request) *answer {
	b.t.Helper()
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	conforms(b.t, req, resp.StatusCode, resp.Header, raw)
	return &answer{b.t, resp.StatusCode, resp.Header, raw}
}

// number is what a query counts.
func (b *bundle) number(sql string, args ...any) (n int) {
	b.t.Helper()
	conn, err := pgx.Connect(b.t.Context(), b.dsn)
	if err != nil {
		b.t.Fatal(err)
	}
	defer conn.Close(b.t.Context())
	if err := conn.QueryRow(b.t.Context(), sql, args...).Scan(&n); err != nil {
		b.t.Fatal(err)
	}
	return n
}

func (b *bundle) idempotency() *postgres.Idempotency { return postgres.NewIdempotency(b.db) }

// admin calls as the admin in a workspace.
func (b *bundle) admin(ws, method, path, body string) *answer {
	b.t.Helper()
	return b.call(adminKey, method, path, body, "X-Workspace-ID", ws)
}

// workspace creates one and returns a key of it.
func (b *bundle) workspace(id string, scopes ...string) (key string) {
	b.t.Helper()
	b.call(adminKey, "POST", "/v1/workspaces", `{"id":"`+id+`","name":"Test"}`).want(http.StatusCreated)
	return b.key(id, scopes...)
}

func (b *bundle) key(ws string, scopes ...string) string {
	b.t.Helper()
	in := map[string]any{"name": "test"}
	if scopes != nil {
		in["scopes"] = scopes
	}
	a := b.call(adminKey, "POST", "/v1/workspaces/"+ws+"/keys", string(encodeJSON(in))).want(http.StatusCreated)
	return a.text("key")
}

// endpoint creates one that wants everything.
func (b *bundle) endpoint(key string) string {
	b.t.Helper()
	return b.call(key, "POST", "/v1/endpoints", `{"url":"https://example.com/hook","events":["*"]}`).want(http.StatusCreated).text("id")
}

func (b *bundle) publish(key, body string) string {
	b.t.Helper()
	return b.call(key, "POST", "/v1/events", body).want(http.StatusAccepted).text("id")
}

func (a *answer) want(status int) *answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("got status %d, want %d: %s", a.status, status, a.raw)
	}
	return a
}

func (a *answer) object() map[string]any {
	a.t.Helper()
	var out map[string]any
	dec := json.NewDecoder(bytes.NewReader(a.raw))
	dec.UseNumber()
	if err := dec.Decode(&out); err != nil {
		a.t.Fatalf("answer is no JSON object: %v: %s", err, a.raw)
	}
	return out
}

func (a *answer) text(field string) string {
	a.t.Helper()
	s, ok := a.object()[field].(string)
	if !ok {
		a.t.Fatalf("%s is no string in %s", field, a.raw)
	}
	return s
}

func (a *answer) data() []map[string]any {
	a.t.Helper()
	list, ok := a.object()["data"].([]any)
	if !ok {
		a.t.Fatalf("no data in %s", a.raw)
	}
	out := make([]map[string]any, len(list))
	for i := range list {
		out[i], _ = list[i].(map[string]any)
	}
	return out
}

// problem checks that the answer is a problem to the letter, with this status,
// code and, for each pointer, an entry in errors.
func (a *answer) problem(status int, code webhook.Code, pointers ...string) *answer {
	a.t.Helper()
	a.want(status)
	if ct := a.header.Get("Content-Type"); ct != "application/problem+json" {
		a.t.Errorf("got content type %q", ct)
	}
	var p problem
	dec := json.NewDecoder(bytes.NewReader(a.raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&p); err != nil {
		a.t.Fatalf("no problem: %v: %s", err, a.raw)
	}
	if p.Status != status || p.Code != string(code) || p.Type == "" || p.Title == "" || p.Detail == "" {
		a.t.Errorf("got problem %s, want status %d and code %s", a.raw, status, code)
	}
	if p.RequestID == "" || p.RequestID != a.header.Get("X-Request-ID") {
		a.t.Errorf("request_id %q is not the header's %q", p.RequestID, a.header.Get("X-Request-ID"))
	}
	for _, pointer := range pointers {
		found := false
		for _, f := range p.Errors {
			found = found || f.Pointer == pointer && f.Detail != ""
		}
		if !found {
			a.t.Errorf("no error points to %q in %s", pointer, a.raw)
		}
	}
	return a
}

// exec changes rows behind the API's back.
func (b *bundle) exec(sql string, args ...any) {
	b.t.Helper()
	conn, err := pgx.Connect(b.t.Context(), b.dsn)
	if err != nil {
		b.t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(b.t.Context(), sql, args...); err != nil {
		b.t.Fatal(err)
	}
}

func uuidOf(t testing.TB, prefix, text string) [16]byte {
	t.Helper()
	id, ok := webhook.ParseID(prefix, text)
	if !ok {
		t.Fatalf("no id: %s", text)
	}
	return id
}

// newEndpoints is the store below the API.
func newEndpoints(b *bundle) *postgres.Endpoints { return postgres.NewEndpoints(b.db) }
