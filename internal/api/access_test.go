package api

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/postrider/postrider/internal/pgtest"
	"github.com/postrider/postrider/internal/webhook"
)

// world has a workspace with one of everything, and another with nothing.
type world struct {
	*bundle
	key, strangerKey string
	ids              map[string]string // by path parameter's owner
}

func newWorld(t *testing.T, change ...func(*Deps, *Config)) *world {
	t.Helper()
	return newWorldOn(t, pgtest.New(t), change...)
}

func newWorldOn(t *testing.T, dsn string, change ...func(*Deps, *Config)) *world {
	t.Helper()
	b := setupOn(t, dsn, change...)
	w := &world{bundle: b, key: b.workspace("mine"), strangerKey: b.workspace("other"), ids: map[string]string{}}
	w.ids["endpoints"] = b.endpoint(w.key)
	w.ids["deliveries"] = b.delivery(w.key, `{"id":"own-id","type":"a","data":{}}`)
	w.ids["events"] = "own-id"
	w.ids["replays"] = b.call(w.key, "POST", "/v1/endpoints/"+w.ids["endpoints"]+"/replay", `{"since":"2020-01-01T00:00:00Z"}`).
		want(http.StatusAccepted).text("id")
	w.ids["event-types"] = "post.created"
	b.call(w.key, "PUT", "/v1/event-types/post.created", `{}`).want(http.StatusCreated)
	return w
}

// path fills a route's {id} in.
func (w *world) path(rt *route, id func(kind string) string) string {
	return strings.NewReplacer("{id}", id(strings.Split(rt.path, "/")[2]), "{name}", id(strings.Split(rt.path, "/")[2]), "{key_id}", id("keys")).Replace(rt.path)
}

// body is one that gets past validation.
func body(rt *route) string {
	switch rt.id {
	case "createEndpoint", "checkEndpoint":
		return `{"url":"https://example.com/","events":["a"]}`
	case "replayEndpoint":
		return `{"since":"2020-01-01T00:00:00Z"}`
	case "publishEvent":
		return `{"type":"nobody.wants.this","data":{}}`
	case "publishEvents":
		return `{"events":[{"type":"nobody.wants.this","data":{}}]}`
	case "explainDryRun":
		return `{"type":"a","data":{}}`
	case "createWorkspace", "createKey", "updateWorkspace":
		return `{"name":"n"}`
	}
	if rt.body != nil {
		return `{}`
	}
	return ""
}

func TestEveryRoute(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	own := func(kind string) string { return w.ids[kind] }
	everything := (&server{}).routes()

	t.Run("NeedsAKey", func(t *testing.T) {
		for _, rt := range everything {
			path := w.path(&rt, func(string) string { return "x" })
			for _, key := range []string{"", "wrong", "pr_" + strings.Repeat("x", 32), adminKey + "x"} {
				a := w.call(key, rt.method, path, body(&rt)).problem(http.StatusUnauthorized, webhook.CodeUnauthorized)
				if !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer") {
					t.Errorf("%s: no WWW-Authenticate", path)
				}
			}
		}
	})
	t.Run("AdminRoutesRefuseWorkspaceKeys", func(_ *testing.T) {
		for _, rt := range everything {
			if rt.access == adminOnly {
				path := w.path(&rt, func(string) string { return "mine" })
				w.call(w.key, rt.method, path, body(&rt)).problem(http.StatusForbidden, webhook.CodeForbidden)
			}
		}
	})
	t.Run("NeedsItsScopeAndNoOther", func(t *testing.T) {
		only, without := map[webhook.Scope]string{}, map[webhook.Scope]string{}
		for _, s := range webhook.Scopes() {
			var others []string
			for _, other := range webhook.Scopes() {
				if other != s {
					others = append(others, string(other))
				}
			}
			only[s], without[s] = w.bundle.key("mine", string(s)), w.bundle.key("mine", others...)
		}
		for _, rt := range everything {
			if rt.access != scoped {
				continue
			}
			path := w.path(&rt, own)
			w.call(without[rt.scope], rt.method, path, body(&rt)).problem(http.StatusForbidden, webhook.CodeForbidden)
			method := rt.method
			switch {
			case rt.id == "deleteEndpoint":
				continue
			case rt.stream != nil:
				method = http.MethodHead // else its answer has no end
			}
			if a := w.call(only[rt.scope], method, path, body(&rt)); a.status == http.StatusForbidden || a.status >= 500 {
				t.Errorf("%s %s with its scope: %s", rt.method, path, a.raw)
			}
		}
	})
	t.Run("AnotherWorkspacesThingsAreNotFound", func(t *testing.T) {
		for _, rt := range everything {
			if rt.access != scoped || !strings.Contains(rt.path, "{") || rt.id == "putEventType" {
				continue
			}
			path := w.path(&rt, own)
			w.call(w.strangerKey, rt.method, path, body(&rt)).problem(http.StatusNotFound, webhook.CodeNotFound)
			w.admin("other", rt.method, path, body(&rt)).problem(http.StatusNotFound, webhook.CodeNotFound)
		}
		for _, path := range []string{
			"/v1/deliveries", "/v1/events", "/v1/endpoints", "/v1/deliveries?event_id=own-id",
			"/v1/deliveries?endpoint_id=" + w.ids["endpoints"], "/v1/deliveries?status=pending",
		} {
			if got := w.call(w.strangerKey, "GET", path, "").want(http.StatusOK).data(); len(got) != 0 {
				t.Errorf("%s shows %v", path, got)
			}
		}
	})
	t.Run("KeyDoesNotCross", func(_ *testing.T) {
		for _, rt := range everything {
			if rt.access != adminOnly {
				w.call(w.key, rt.method, w.path(&rt, own), body(&rt), "X-Workspace-ID", "other").problem(http.StatusNotFound, webhook.CodeNotFound)
			}
		}
		w.call(w.key, "GET", "/v1/events", "", "X-Workspace-ID", "mine").want(http.StatusOK)
	})
	t.Run("AdminNamesAWorkspaceThatExists", func(_ *testing.T) {
		for _, rt := range everything {
			if rt.access == scoped {
				path := w.path(&rt, own)
				w.call(adminKey, rt.method, path, body(&rt)).problem(http.StatusUnprocessableEntity, webhook.CodeInvalid, "X-Workspace-ID")
				for _, ws := range []string{"nobody", "a b", "x.y"} {
					w.admin(ws, rt.method, path, body(&rt)).problem(http.StatusNotFound, webhook.CodeNotFound)
				}
			}
		}
	})
	t.Run("IDOfAnyShapeIsNotFound", func(_ *testing.T) {
		valid := webhook.NewID(webhook.ID{}.Time())
		for _, rt := range everything {
			for _, id := range []string{
				"x", "0", "-", "%20", "%00", "%2F", "%2e%2e", "a%2Fb", "ä", "%FF", strings.Repeat("x", 2000), valid.Format("ep_"),
				valid.Format("evt_"), valid.Format("dlv_"), valid.Format("att_"), valid.Format("key_"), "EP_" + valid.String(), "ep_" + strings.ToUpper(w.ids["endpoints"][3:]),
				"ep_zzzzzzzzzzzzzzzzzzzzzzzzzz", "' OR 1=1",
			} {
				if !strings.Contains(rt.path, "{") || rt.id == "putEventType" {
					continue
				}
				path := w.path(&rt, func(string) string { return strings.ReplaceAll(id, " ", "%20") })
				if rt.access == adminOnly {
					w.call(adminKey, rt.method, path, body(&rt)).problem(http.StatusNotFound, webhook.CodeNotFound)
				} else {
					w.call(w.key, rt.method, path, body(&rt)).problem(http.StatusNotFound, webhook.CodeNotFound)
				}
			}
		}
	})
	t.Run("UnknownQueryParameterIsRefused", func(_ *testing.T) {
		for _, rt := range everything {
			if rt.access != adminOnly && rt.method == http.MethodGet {
				w.call(w.key, rt.method, w.path(&rt, own)+"?nope=1", "").problem(http.StatusUnprocessableEntity, webhook.CodeInvalid, "nope")
			}
		}
	})
	t.Run("ContentTypeOfABody", func(t *testing.T) {
		for _, rt := range everything {
			if rt.body == nil || rt.access != scoped || rt.id == "deleteEndpoint" {
				continue
			}
			path := w.path(&rt, own)
			for _, ct := range []string{"text/xml", "multipart/form-data; boundary=x", "application/json; charset=latin1", "nonsense;;"} {
				w.call(w.key, rt.method, path, body(&rt), "Content-Type", ct).problem(http.StatusUnsupportedMediaType, webhook.CodeUnsupported)
			}
			for _, broken := range []string{"{", "{} {}", "{}x", "\xff", "{\"a\":\"\xff\"}"} {
				w.call(w.key, rt.method, path, broken).problem(http.StatusBadRequest, webhook.CodeMalformed)
			}
			if rt.body.required {
				w.call(w.key, rt.method, path, "").problem(http.StatusBadRequest, webhook.CodeMalformed)
			}
			for _, ct := range []string{"application/json;charset=UTF-8", "APPLICATION/JSON", "text/plain", "application/x-www-form-urlencoded", "application/cloudevents+json"} {
				if a := w.call(w.key, rt.method, path, body(&rt), "Content-Type", ct); a.status == http.StatusUnsupportedMediaType {
					t.Errorf("%s with %s: %s", rt.id, ct, a.raw)
				}
			}
			if rt.body.limit == defaultBodyLimit {
				big := `{"description":"` + strings.Repeat("x", defaultBodyLimit) + `"}`
				w.call(w.key, rt.method, path, big).problem(http.StatusRequestEntityTooLarge, webhook.CodeTooLarge)
			}
		}
	})
	t.Run("HasAnOperationID", func(t *testing.T) {
		seen := map[string]bool{}
		for _, rt := range everything {
			if rt.id == "" || seen[rt.id] || rt.summary == "" || rt.tag == "" || rt.status == 0 {
				t.Errorf("%s %s lacks something: %+v", rt.method, rt.path, fmt.Sprint(rt.id))
			}
			seen[rt.id] = true
		}
	})
}
