package console_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/client"
	"github.com/postrider/postrider/internal/app"
	"github.com/postrider/postrider/internal/config"
	"github.com/postrider/postrider/internal/pgtest"
	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/redistest"
	"github.com/postrider/postrider/internal/webhook"
)

// whole is a Postrider of all roles, as in one process of dev, for pages that show
// what it does.
type whole struct {
	*bundle
	// client has acme's key.
	client  *client.Client
	metrics string // where they are
}

func running(t *testing.T) *whole {
	t.Helper()
	url := pgtest.New(t)
	cfg, _, err := config.Load(nil, []string{
		"POSTRIDER_POSTGRES_URL=" + url, "POSTRIDER_REDIS_URL=redis://" + redistest.Mini(t) + "/0",
		"POSTRIDER_API_ADMIN_KEY=" + adminKey, "POSTRIDER_SECRETS_KEY=" + strings.Repeat("A", 43) + "=", "POSTRIDER_EGRESS_ALLOW=127.0.0.0/8",
		"POSTRIDER_API_LISTEN=127.0.0.1:0", "POSTRIDER_METRICS_LISTEN=127.0.0.1:0",
	}, config.RoleDev)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background() // the test's own ends before its clean-up
	a, err := app.New(ctx, cfg, slog.New(slog.DiscardHandler), config.RoleAPI, config.RoleWorker, config.RoleScheduler)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Stop(ctx) })
	db, err := postgres.Open(ctx, postgres.Config{URL: url, Keys: cfg.Secrets.Keys})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	b := &bundle{t: t, db: db, url: "http://" + a.APIAddr()}
	b.workspace("acme")
	b.makeKey()
	return &whole{b, client.New(b.url, b.key), "http://" + a.MetricsAddr() + "/metrics"}
}

// endpoint makes one of acme's that gets everything.
func (w *whole) endpoint(url string, change ...func(*client.EndpointInput)) client.Endpoint {
	w.t.Helper()
	in := client.EndpointInput{URL: url, Events: []string{"*"}}
	for _, c := range change {
		c(&in)
	}
	e, err := w.client.Endpoints.Create(w.t.Context(), in)
	if err != nil {
		w.t.Fatal(err)
	}
	return e
}

// publish publishes an event and waits for what its first attempts came to.
func (w *whole) publish(eventType string, data any) client.Accepted {
	w.t.Helper()
	e, err := w.client.Events.Publish(w.t.Context(), client.NewEvent{Type: eventType, Data: data, Wait: 10})
	if err != nil {
		w.t.Fatal(err)
	}
	return e
}

// eventually asks until it is so.
func (w *whole) eventually(claim string, done func() bool) {
	w.t.Helper()
	for end := time.Now().Add(20 * time.Second); !done(); <-time.After(20 * time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatalf("not within 20 s: %s", claim)
		}
	}
}

// receiver is somebody's, which answers as it is told.
type receiver struct {
	URL    string
	mu     sync.Mutex
	status int
	body   string
	got    []*http.Request
	bodies []string
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{status: http.StatusNoContent}
	s := httptest.NewServer(r)
	t.Cleanup(s.Close)
	r.URL = s.URL
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	var body strings.Builder
	_ = req.Write(&body)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got, r.bodies = append(r.got, req), append(r.bodies, body.String())
	w.WriteHeader(r.status)
	_, _ = w.Write([]byte(r.body))
}

// last is what came last, whole.
func (r *receiver) last() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.bodies) == 0 {
		return ""
	}
	return r.bodies[len(r.bodies)-1]
}

// answers changes what it says from now on.
func (r *receiver) answers(status int, body string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status, r.body = status, body
}

func TestAPageShowsWhatARunningPostriderDid(t *testing.T) {
	t.Parallel()
	w, r := running(t), newReceiver(t)
	w.endpoint(r.URL)
	w.publish("post.created", map[string]any{"id": 1})
	b := w.browser()
	b.signIn(w.key)
	w.eventually("the overview counts the delivery", func() bool { return strings.Contains(b.get("/console/w/acme/overview").text, `title="1">1</p>`) })
}

// makeKey gives acme a key.
func (b *bundle) makeKey() {
	b.t.Helper()
	b.key = webhook.NewAPIKey()
	b.keyID = webhook.NewID(time.Now())
	if err := postgres.NewKeys(b.db).Create(b.t.Context(), webhook.Key{ID: b.keyID, WorkspaceID: "acme", Name: "dev", Scopes: webhook.Scopes()}, webhook.HashAPIKey(b.key)); err != nil {
		b.t.Fatal(err)
	}
}

// liveStreams is how many of the API's streams are open.
func (w *whole) liveStreams() string {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.metrics, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	resp, err := w.browser().http.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		if n, found := strings.CutPrefix(line, "postrider_live_streams "); found {
			return strings.TrimSpace(n)
		}
	}
	return ""
}
