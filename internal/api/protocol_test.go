package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/postrider/postrider/internal/pgtest"
	"github.com/postrider/postrider/internal/webhook"
)

func TestProtocol(t *testing.T) {
	t.Parallel()
	b := setup(t)
	key := b.workspace("w")

	t.Run("UnknownRouteIsAProblem", func(_ *testing.T) {
		for _, path := range []string{
			"/", "//", "/v1", "/v1/", "/v2/events", "/v1/events/", "/v1//events", "/v1/./events", "/v1/events/../endpoints", "/v1/endpoints/x/rotate",
			"/v1/nothing", "/docs/", "/favicon.ico", "/v1/workspaces/w/keys/x/y",
		} {
			b.call(key, "GET", path, "").problem(http.StatusNotFound, webhook.CodeNotFound)
			b.call("", "POST", path, "{}").problem(http.StatusNotFound, webhook.CodeNotFound)
		}
	})
	t.Run("WrongMethodSaysWhatIsAllowed", func(t *testing.T) {
		for path, want := range map[string]string{
			"/v1/events": "GET, HEAD, POST", "/v1/events/batch": "GET, HEAD, POST", "/v1/endpoints/x": "GET, HEAD, PATCH, DELETE",
			"/v1/deliveries/x/retry": "POST", "/openapi.json": "GET, HEAD", "/healthz": "GET, HEAD",
		} {
			for _, method := range []string{"PUT", "OPTIONS", "BREW"} {
				a := b.call(key, method, path, "").problem(http.StatusMethodNotAllowed, webhook.CodeMethod)
				if got := a.header.Get("Allow"); got != want {
					t.Errorf("%s %s allows %q, want %q", method, path, got, want)
				}
			}
		}
		b.call(key, "DELETE", "/v1/deliveries/x", "").problem(http.StatusMethodNotAllowed, webhook.CodeMethod)
	})
	t.Run("RequestIDIsTakenOverWhenSane", func(t *testing.T) {
		if got := b.call(key, "GET", "/v1/events", "", "X-Request-ID", "abc-1").header.Get("X-Request-ID"); got != "abc-1" {
			t.Errorf("got %q", got)
		}
		for _, bad := range []string{"", "a b", strings.Repeat("x", 129), `a"b`, "<a>", "ä"} {
			got := b.call(key, "GET", "/v1/events", "", "X-Request-ID", bad).header.Get("X-Request-ID")
			if !strings.HasPrefix(got, "req_") {
				t.Errorf("%q became %q", bad, got)
			}
		}
	})
	t.Run("PublicPagesNeedNoKey", func(t *testing.T) {
		if a := b.call("", "GET", "/healthz", "").want(http.StatusOK); a.text("status") != "ok" {
			t.Errorf("got %s", a.raw)
		}
		if a := b.call("", "GET", "/openapi.json", "").want(http.StatusOK); a.text("openapi") != "3.1.0" {
			t.Errorf("got %.100s", a.raw)
		}
		a := b.call("", "GET", "/docs", "").want(http.StatusOK)
		for _, foreign := range []string{"<script", "src=", `href="http`, "url(", "@import", "<link", "onclick"} {
			if strings.Contains(string(a.raw), foreign) {
				t.Errorf("the page has %q", foreign)
			}
		}
		if !strings.Contains(string(a.raw), "/v1/events/batch") || !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
			t.Errorf("got %.200s", a.raw)
		}
	})
	t.Run("AuthorizationIsReadLeniently", func(t *testing.T) {
		for value, want := range map[string]int{
			"Bearer " + key: 200, "bearer " + key: 200, "BEARER  " + key: 200, "Basic " + key: 401, key: 401, "Bearer": 401,
			"Bearer" + " ": 401, "Bearer " + key + " x": 401, "Bearer\t" + key: 401,
		} {
			req, err := http.NewRequestWithContext(t.Context(), "GET", b.url+"/v1/events", http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", value)
			b.do(req).want(want)
		}
	})
	t.Run("RefusedBodyIsReadSoThatTheAnswerArrives", func(t *testing.T) {
		// A client that is still sending when its connection is closed may never
		// see why.
		for range 3 {
			req, err := http.NewRequestWithContext(t.Context(), "POST", b.url+"/v1/events", io.LimitReader(endless{}, 12<<20))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer wrong")
			b.do(req).problem(http.StatusUnauthorized, webhook.CodeUnauthorized)
		}
	})
	t.Run("HeadIsLikeGet", func(t *testing.T) {
		if a := b.call(key, "HEAD", "/v1/events", "").want(http.StatusOK); len(a.raw) != 0 || a.header.Get("Content-Type") != "application/json" {
			t.Errorf("got %q %v", a.raw, a.header)
		}
	})
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

// brokenEvents fails in the manner of its choice.
type brokenEvents struct {
	Events
	err   error
	panic any
	wait  bool
}

func (e brokenEvents) Get(ctx context.Context, _ webhook.WorkspaceID, _ string) (webhook.Event, error) {
	if e.panic != nil {
		panic(e.panic)
	}
	if e.wait {
		<-ctx.Done()
		return webhook.Event{}, ctx.Err()
	}
	return webhook.Event{}, e.err
}

func TestFailures(t *testing.T) {
	t.Parallel()
	get := func(broken brokenEvents) *answer {
		b := setup(t, func(d *Deps, c *Config) {
			d.Events, c.Timeout = broken, time.Second/2
		})
		return b.call(b.workspace("w"), "GET", "/v1/events/x", "")
	}
	t.Run("PanicIsA500WithoutDetails", func(t *testing.T) {
		a := get(brokenEvents{panic: "secret words"}).problem(http.StatusInternalServerError, webhook.CodeInternal)
		if strings.Contains(string(a.raw), "secret words") {
			t.Errorf("got %s", a.raw)
		}
	})
	t.Run("UnknownErrorIsA500WithoutDetails", func(t *testing.T) {
		a := get(brokenEvents{err: errors.New("secret words")}).problem(http.StatusInternalServerError, webhook.CodeInternal)
		if strings.Contains(string(a.raw), "secret words") {
			t.Errorf("got %s", a.raw)
		}
	})
	t.Run("UnavailableSaysWhenToTryAgain", func(t *testing.T) {
		a := get(brokenEvents{err: &webhook.Error{Code: webhook.CodeUnavailable, Detail: "away", RetryAfter: 1500 * time.Millisecond}})
		if a.problem(http.StatusServiceUnavailable, webhook.CodeUnavailable); a.header.Get("Retry-After") != "2" {
			t.Errorf("got %v", a.header)
		}
	})
	t.Run("SlowIsUnavailable", func(t *testing.T) {
		a := get(brokenEvents{wait: true}).problem(http.StatusServiceUnavailable, webhook.CodeUnavailable)
		if a.header.Get("Retry-After") == "" {
			t.Errorf("got %v", a.header)
		}
	})
}

func TestDatabaseAway(t *testing.T) {
	t.Parallel()
	server := pgtest.NewServer(t)
	b := setupOn(t, server.DSN())
	key := b.workspace("w")
	endpoint := b.endpoint(key)
	b.call(key, "GET", "/v1/endpoints", "").want(http.StatusOK)
	if err := server.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/v1/endpoints", "/v1/endpoints/" + endpoint, "/v1/events", "/v1/deliveries"} {
		a := b.call(key, "GET", path, "")
		if a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" {
			t.Errorf("%s: got %d %s", path, a.status, a.raw)
		}
	}
	b.admin("w", "POST", "/v1/endpoints", `{"url":"https://example.com/","events":["a"]}`).problem(503, webhook.CodeUnavailable)
	b.call(adminKey, "POST", "/v1/workspaces", `{"name":"n"}`).problem(503, webhook.CodeUnavailable)
	b.admin("w", "POST", "/v1/events", `{"type":"a","data":{}}`).problem(503, webhook.CodeUnavailable)
	b.call("", "GET", "/healthz", "").want(http.StatusOK)
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { return b.call(key, "GET", "/v1/endpoints/"+endpoint, "").status == http.StatusOK })
}

// quotas answer each Take with the next of them.
type quotas struct {
	answers []webhook.Quota
	keys    []webhook.ID
}

func (q *quotas) Take(_ context.Context, key webhook.ID) webhook.Quota {
	a := q.answers[len(q.keys)]
	q.keys = append(q.keys, key)
	return a
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	q := &quotas{answers: []webhook.Quota{
		{Allowed: true, PerSecond: 5, Left: 4}, {PerSecond: 5, Wait: 1200 * time.Millisecond}, {Allowed: true, PerSecond: 5, Left: 5}, {Allowed: true, PerSecond: 5, Left: 0},
	}}
	b := setup(t, func(_ *Deps, c *Config) { c.RateLimits = q })
	wantHeaders := func(a *answer, limit, remaining, reset string) {
		t.Helper()
		for name, want := range map[string]string{"Limit": limit, "Remaining": remaining, "Reset": reset} {
			if got := a.header.Get("X-RateLimit-" + name); got != want {
				t.Errorf("X-RateLimit-%s is %q, want %q", name, got, want)
			}
		}
	}
	wantHeaders(b.call(adminKey, "GET", "/v1/workspaces", "").want(http.StatusOK), "5", "4", "1")
	a := b.call(adminKey, "POST", "/v1/workspaces", `{"id":"w","name":"W"}`).problem(http.StatusTooManyRequests, webhook.CodeRateLimited)
	wantHeaders(a, "5", "0", "1")
	if got := a.header.Get("Retry-After"); got != "2" {
		t.Errorf("Retry-After is %q", got)
	}
	wantHeaders(b.call(adminKey, "GET", "/v1/workspaces/w", "").problem(http.StatusNotFound, webhook.CodeNotFound), "5", "5", "0")
	b.call("wrong", "GET", "/v1/workspaces", "").want(http.StatusUnauthorized) // is nobody's request
	b.call(adminKey, "GET", "/healthz", "").want(http.StatusOK)
	wantHeaders(b.call(adminKey, "GET", "/v1/workspaces", "").want(http.StatusOK), "5", "0", "1")
	for _, id := range q.keys {
		if id != (webhook.ID{}) {
			t.Errorf("the admin's key is %v", id)
		}
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	b := setup(t, func(_ *Deps, c *Config) { c.Registerer = reg })
	b.call("", "GET", "/v1/events/some-id", "").want(http.StatusUnauthorized)
	b.call("", "GET", "/nowhere", "").want(http.StatusNotFound)
	// The figure is taken after the answer: the client may be faster.
	eventually(t, func() bool {
		return counted(t, reg, "GET /v1/events/{id}", "401") == 1 && counted(t, reg, "none", "404") == 1
	})
}

// counted is how many requests a route has answered with a status.
func counted(t testing.TB, reg *prometheus.Registry, route, code string) (n float64) {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			labels := map[string]string{}
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = l.GetValue()
			}
			if f.GetName() == "postrider_api_requests_total" && labels["route"] == route && labels["code"] == code {
				n += m.GetCounter().GetValue()
			}
		}
	}
	return n
}
