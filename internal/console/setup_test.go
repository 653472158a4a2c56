package console_test

import (
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/api"
	"github.com/postrider/postrider/internal/console"
	"github.com/postrider/postrider/internal/ingest"
	"github.com/postrider/postrider/internal/pgtest"
	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/schema"
	"github.com/postrider/postrider/internal/webhook"
)

const adminKey = "admin-key-of-the-tests"

// bundle is a console on a database of its own, with a workspace acme and no worker:
// for one see running.
type bundle struct {
	t     *testing.T
	db    *postgres.DB
	url   string
	ahead time.Duration // of the console's clock; changed between requests
	key   string        // of acme
	keyID webhook.ID
	// queues is what Redis would say.
	queues queues
}

// queues is told what to say.
type queues struct {
	now webhook.Queues
	err error
}

func (q *queues) State(context.Context) (webhook.Queues, error) { return q.now, q.err }

type anyURL struct{}

func (anyURL) CheckURL(_ context.Context, raw string) *webhook.FieldError {
	if strings.Contains(raw, "blocked") {
		return &webhook.FieldError{Pointer: "/url", Detail: "is blocked"}
	}
	return nil
}

// idle is a Redis that nobody takes anything from.
type idle struct{}

func (idle) Enqueue(context.Context, []webhook.Chunk) ([]webhook.Chunk, error) { return nil, nil }

func (idle) Waiting(context.Context) (map[webhook.Lane]int, error) { return nil, nil }

func setup(t *testing.T, change ...func(*console.Config)) *bundle {
	t.Helper()
	db, err := postgres.Open(t.Context(), postgres.Config{URL: pgtest.New(t), Keys: [][]byte{[]byte("0123456789abcdef0123456789abcdef")}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	if err := db.EnsurePartitions(t.Context(), time.Now().Add(-24*time.Hour), 3); err != nil {
		t.Fatal(err)
	}
	b := &bundle{t: t, db: db}
	b.serve(change...)
	b.workspace("acme", "https://app.example.com")
	b.makeKey()
	return b
}

// again is another process on the same database.
func (b *bundle) again(change ...func(*console.Config)) *bundle {
	other := &bundle{t: b.t, db: b.db, key: b.key, keyID: b.keyID}
	other.serve(change...)
	return other
}

func (b *bundle) serve(change ...func(*console.Config)) {
	b.t.Helper()
	db := b.db
	clock := func() time.Time { return time.Now().Add(b.ahead) }
	cfg := console.Config{AdminKey: adminKey, Now: clock}
	for _, c := range change {
		c(&cfg)
	}
	store := postgres.NewIngest(db)
	ingester := ingest.New(store, store, idle{}, ingest.Config{})
	ingester.Start()
	b.t.Cleanup(func() { ingester.Stop(context.Background()) })
	handler, err := api.New(api.Deps{
		Workspaces: postgres.NewWorkspaces(db), Keys: postgres.NewKeys(db), PortalLinks: postgres.NewPortalLinks(db), Endpoints: postgres.NewEndpoints(db), Stats: postgres.NewStats(db),
		Events: postgres.NewEvents(db), Deliveries: postgres.NewDeliveries(db), Replays: postgres.NewReplays(db), EventTypes: postgres.NewEventTypes(db), Schemas: schema.Checker{},
		Explainer: postgres.NewExplain(db), AuditLog: postgres.NewAuditLog(db), Idempotency: postgres.NewIdempotency(db), URLs: anyURL{},
		Queues: &b.queues, Accepter: ingester,
	}, api.Config{AdminKey: cfg.AdminKey, BaseURL: console.BaseURL(cfg)})
	if err != nil {
		b.t.Fatal(err)
	}
	c, err := console.New(console.Deps{API: handler, CheckKey: handler.CheckKey, As: api.As, Sessions: postgres.NewSessions(db)}, cfg)
	if err != nil {
		b.t.Fatal(err)
	}
	srv := httptest.NewServer(c.Beside(handler))
	b.t.Cleanup(srv.Close)
	b.url = srv.URL
}

func (b *bundle) workspace(id webhook.WorkspaceID, origins ...string) {
	b.t.Helper()
	if _, err := postgres.NewWorkspaces(b.db).Create(b.t.Context(), webhook.Workspace{ID: id, Name: "Workspace " + string(id), PortalOrigins: origins}); err != nil {
		b.t.Fatal(err)
	}
}

// link makes one into acme's portal.
func (b *bundle) link(manage bool) string {
	b.t.Helper()
	token := webhook.NewToken()
	err := postgres.NewPortalLinks(b.db).Create(b.t.Context(), webhook.PortalLink{
		ID: webhook.NewID(time.Now()), WorkspaceID: "acme", Manage: manage, ExpiresAt: time.Now().Add(time.Minute),
	}, webhook.HashToken(token), time.Now())
	if err != nil {
		b.t.Fatal(err)
	}
	return api.PortalPath + token
}

// browser keeps cookies and follows nothing.
type browser struct {
	*bundle
	http    *http.Client
	headers map[string]string
}

func (b *bundle) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return &browser{bundle: b, headers: map[string]string{}, http: &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

type page struct {
	t      *testing.T
	status int
	header http.Header
	text   string
}

func (w *browser) do(method, path string, form url.Values) page {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range w.headers {
		req.Header.Set(name, value)
	}
	resp, err := w.http.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return page{w.t, resp.StatusCode, resp.Header, string(raw)}
}

func (w *browser) get(path string) page { w.t.Helper(); return w.do(http.MethodGet, path, nil) }

func (w *browser) signIn(key string) page {
	w.t.Helper()
	return w.do(http.MethodPost, "/console/sign-in", url.Values{"key": {key}})
}

func (p page) want(status int, texts ...string) page {
	p.t.Helper()
	if p.status != status {
		p.t.Fatalf("got %d, want %d: %.800s", p.status, status, p.text)
	}
	for _, text := range texts {
		if !strings.Contains(p.text, text) {
			p.t.Errorf("%q is not in %s", text, p.text)
		}
	}
	return p
}

// lacks wants none of the texts.
func (p page) lacks(texts ...string) page {
	p.t.Helper()
	for _, text := range texts {
		if strings.Contains(p.text, text) {
			p.t.Errorf("%q is in %s", text, p.text)
		}
	}
	return p
}

func (p page) leads(to string) page {
	p.t.Helper()
	if p.status != http.StatusSeeOther || p.header.Get("Location") != to {
		p.t.Fatalf("got %d to %q, want %q", p.status, p.header.Get("Location"), to)
	}
	return p
}

var inline = regexp.MustCompile(`(?i)<script[^>]*>[^<]|<[a-z][^>]*\s(?:style|on[a-z]+)=|<style`)

func prefix(s string) []netip.Prefix { return []netip.Prefix{netip.MustParsePrefix(s)} }

// keyOf makes a key of acme's with these scopes.
func (b *bundle) keyOf(scopes ...webhook.Scope) string {
	b.t.Helper()
	key := webhook.NewAPIKey()
	if err := postgres.NewKeys(b.db).Create(b.t.Context(), webhook.Key{ID: webhook.NewID(time.Now()), WorkspaceID: "acme", Name: "some", Scopes: scopes}, webhook.HashAPIKey(key)); err != nil {
		b.t.Fatal(err)
	}
	return key
}
