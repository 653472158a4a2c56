package api

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
)

func TestPortalLinks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.workspace("acme")
	post := func(body string) *answer { return b.call(adminKey, "POST", "/v1/workspaces/acme/portal-links", body) }
	sessions := postgres.NewSessions(b.db)
	enter := func(url string) (webhook.Session, error) {
		_, token, _ := strings.Cut(url, PortalPath)
		return sessions.Enter(t.Context(), webhook.HashToken(token), webhook.HashToken(webhook.NewToken()), webhook.Session{ExpiresAt: time.Now().Add(time.Hour)}, time.Now())
	}

	t.Run("LinkIsShownOnceAndOnlyItsHashIsKept", func(t *testing.T) {
		a := post("").want(http.StatusCreated)
		url := a.text("url")
		if !strings.HasPrefix(url, b.url+PortalPath) || !strings.Contains(string(a.raw), `"abilities":["view","manage"]`) {
			t.Errorf("got %s", a.raw)
		}
		token := strings.TrimPrefix(url, b.url+PortalPath)
		if n := b.number("SELECT count(*) FROM portal_links l, audit_log a WHERE position($1 IN l::text) > 0 OR position($1 IN a::text) > 0", token); n != 0 {
			t.Error("the token itself is stored")
		}
	})
	t.Run("SaysWhatItAllows", func(t *testing.T) {
		for in, want := range map[string][]webhook.Scope{
			`{"abilities":["view"]}`:          webhook.PortalScopes(false),
			`{"abilities":["manage"]}`:        webhook.PortalScopes(true),
			`{"abilities":["manage","view"]}`: webhook.PortalScopes(true),
			`{}`:                              webhook.PortalScopes(true),
		} {
			s, err := enter(post(in).want(http.StatusCreated).text("url"))
			if err != nil || len(s.Key.Scopes) != len(want) || s.Workspace.ID != "acme" || s.Kind != webhook.SessionPortal {
				t.Errorf("%s: got %+v, %v", in, s, err)
			}
		}
	})
	t.Run("BadInput", func(_ *testing.T) {
		for in, pointer := range map[string]string{
			`{"abilities":[]}`:         "/abilities",
			`{"abilities":["own"]}`:    "/abilities/0",
			`{"expires_in":9}`:         "/expires_in",
			`{"expires_in":3601}`:      "/expires_in",
			`{"workspace_id":"other"}`: "/workspace_id",
		} {
			post(in).problem(http.StatusUnprocessableEntity, webhook.CodeInvalid, pointer)
		}
		b.call(adminKey, "POST", "/v1/workspaces/nobody/portal-links", "").problem(http.StatusNotFound, webhook.CodeNotFound)
	})
}

func TestPortalOrigins(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.call(adminKey, "POST", "/v1/workspaces", `{"id":"a","name":"A","portal_origins":["https://app.example.com","http://localhost:3000"]}`).want(http.StatusCreated)
	patch := func(body string) *answer { return b.call(adminKey, "PATCH", "/v1/workspaces/a", body) }

	t.Run("AreKeptAndReplacedWhole", func(t *testing.T) {
		if a := patch(`{"name":"B"}`).want(http.StatusOK); !strings.Contains(string(a.raw), `"portal_origins":["https://app.example.com","http://localhost:3000"]`) {
			t.Errorf("got %s", a.raw)
		}
		if a := patch(`{"portal_origins":["https://other.example"]}`).want(http.StatusOK); !strings.Contains(string(a.raw), `"name":"B","portal_origins":["https://other.example"]`) {
			t.Errorf("got %s", a.raw)
		}
		if a := patch(`{"portal_origins":null}`).want(http.StatusOK); !strings.Contains(string(a.raw), `"portal_origins":[]`) {
			t.Errorf("got %s", a.raw)
		}
	})
	t.Run("AreOriginsAndNothingElse", func(_ *testing.T) {
		for _, bad := range []string{
			"", "*", "https://*.example.com", "https://a.example/", "https://a.example:443", "http://a.example:80", "https://A.example", "javascript:alert(1)",
			"https://a.example; script-src *", "https://u@a.example", "https://a.example?x", "https://a.example#x", "a.example", "'self'", "https://", "https://a.example:", "file://x",
		} {
			patch(`{"portal_origins":["https://ok.example",`+string(encodeJSON(bad))+`]}`).problem(http.StatusUnprocessableEntity, webhook.CodeInvalid, "/portal_origins/1")
		}
	})
}

func TestAs(t *testing.T) {
	t.Parallel()
	b := setup(t, func(_ *Deps, c *Config) { c.RateLimits = noRequests{} })
	b.exec("INSERT INTO workspaces (id, name) VALUES ('mine', 'M'), ('other', 'O')")
	link := webhook.NewID(time.Now())
	call := func(s *webhook.Session, method, path, body, ws string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(As(t.Context(), s), method, path, bytes.NewReader([]byte(body)))
		r.Header.Set(workspaceHeader, ws)
		r.Header.Set("Content-Type", "application/json")
		b.handler.ServeHTTP(w, r)
		return w
	}
	portal := func(manage bool) *webhook.Session {
		return &webhook.Session{Kind: webhook.SessionPortal, Key: webhook.Key{ID: link, Scopes: webhook.PortalScopes(manage)}, Workspace: webhook.Workspace{ID: "mine"}}
	}
	const endpoint = `{"url":"https://example.com/","events":["a"]}`

	t.Run("HasTheSessionsScopesAndNoRateLimitOfAKey", func(t *testing.T) {
		for _, c := range []struct {
			who          *webhook.Session
			method, path string
			ws           string
			want         int
		}{
			{portal(false), "GET", "/v1/endpoints", "mine", 200},
			{portal(false), "POST", "/v1/endpoints", "mine", 403},
			{portal(true), "POST", "/v1/endpoints", "mine", 201},
			{portal(true), "POST", "/v1/endpoints", "other", 404},
			{portal(true), "POST", "/v1/events", "mine", 403},
			{portal(true), "GET", "/v1/workspaces", "", 403},
			{portal(true), "GET", "/v1/audit-log", "mine", 403},
			{portal(true), "POST", "/v1/workspaces/mine/portal-links", "", 403},
			{&webhook.Session{Kind: webhook.SessionAdmin}, "GET", "/v1/workspaces", "", 200},
			{&webhook.Session{Kind: webhook.SessionAdmin}, "GET", "/v1/endpoints", "other", 200},
		} {
			if w := call(c.who, c.method, c.path, endpoint, c.ws); w.Code != c.want {
				t.Errorf("%s %s in %q: got %d, want %d: %s", c.method, c.path, c.ws, w.Code, c.want, w.Body)
			}
		}
	})
	t.Run("IsInTheAuditLogByThePortalLink", func(t *testing.T) {
		w := call(&webhook.Session{Kind: webhook.SessionAdmin}, "GET", "/v1/audit-log?actor="+link.Format(webhook.PortalLinkPrefix), "", "mine")
		if !strings.Contains(w.Body.String(), `"actor":"`+link.Format(webhook.PortalLinkPrefix)+`","action":"createEndpoint"`) {
			t.Errorf("got %s", w.Body)
		}
	})
}

// noRequests lets no key make any.
type noRequests struct{}

func (noRequests) Take(context.Context, webhook.ID) webhook.Quota {
	return webhook.Quota{PerSecond: 1, Wait: time.Second}
}
