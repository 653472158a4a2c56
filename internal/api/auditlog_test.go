package api

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// unaudited are the operations that change nothing, or events only.
var unaudited = []string{"publishEvent", "publishEvents", "explainDryRun", "checkEndpoint"}

// stepsOf makes every request that the audit log is about once, each under the
// operation's id.
func (w *world) stepsOf() []step {
	b, key := w.bundle, w.key
	end := "/v1/endpoints/" + w.ids["endpoints"]
	failed := b.delivery(key, `{"id":"failed","type":"a","data":{}}`)
	b.exec("UPDATE deliveries SET status = 'failed', task = NULL, next_attempt_at = NULL, completed_at = now() WHERE id = $1", uuidOf(b.t, webhook.DeliveryPrefix, failed))
	extra := b.call(adminKey, "POST", "/v1/workspaces/mine/keys", `{"name":"extra"}`).want(http.StatusCreated).text("id")
	return []step{
		{"createWorkspace", adminKey, "POST", "/v1/workspaces", `{"id":"new","name":"New"}`, "workspace", "new", "name"},
		{"updateWorkspace", adminKey, "PATCH", "/v1/workspaces/new", `{"name":"Newer"}`, "workspace", "new", "name"},
		{"deleteWorkspace", adminKey, "DELETE", "/v1/workspaces/new", "", "workspace", "new", ""},
		{"createKey", adminKey, "POST", "/v1/workspaces/mine/keys", `{"name":"k"}`, "key", "", "name scopes"},
		{"revokeKey", adminKey, "DELETE", "/v1/workspaces/mine/keys/" + extra, "", "key", extra, ""},
		{"createPortalLink", adminKey, "POST", "/v1/workspaces/mine/portal-links", "", "portal_link", "", "abilities expires_at"},
		{"createEndpoint", key, "POST", "/v1/endpoints", `{"url":"https://example.com/?token=t0ps3cret","events":["a"],"headers":{"X-A":"t0ps3cret"},"secret":"whsec_dDBwczNjcmV0dDBwczNjcmV0dDBwczNjcmV0"}`, "endpoint", "", "url events is_active secret headers format"},
		{"updateEndpoint", key, "PATCH", end, `{"description":"<D>","headers":{"X-B":"t0ps3cret"},"metadata":{"a":"\u0000"}}`, "endpoint", w.ids["endpoints"], "description headers metadata"},
		{"getEndpointSecret", key, "GET", end + "/secret", "", "endpoint", w.ids["endpoints"], ""},
		{"rotateEndpointSecret", key, "POST", end + "/secret/rotate", `{"secret":"whsec_dDBwczNjcmV0dDBwczNjcmV0dDBwczNjcmV0"}`, "endpoint", w.ids["endpoints"], "next_secret"},
		{"promoteEndpointSecret", key, "POST", end + "/secret/promote", "", "endpoint", w.ids["endpoints"], "secret next_secret"},
		{"testEndpoint", key, "POST", end + "/test", "", "endpoint", w.ids["endpoints"], ""},
		{"diagnoseEndpoint", key, "POST", end + "/diagnose", "", "endpoint", w.ids["endpoints"], ""},
		{"replayEndpoint", key, "POST", end + "/replay", `{"since":"2020-01-01T00:00:00Z"}`, "replay", "", "endpoint_id since until statuses"},
		{"replayEvent", key, "POST", "/v1/events/own-id/replay", "", "replay", "", "event_id since until"},
		{"replayDeliveries", key, "POST", "/v1/replays", `{"delivery_ids":["` + failed + `"]}`, "replay", "", "delivery_ids since until"},
		{"cancelReplay", key, "POST", "/v1/replays/" + w.ids["replays"] + "/cancel", "", "replay", w.ids["replays"], "status"},
		{"retryDelivery", key, "POST", "/v1/deliveries/" + failed + "/retry", "", "delivery", failed, "status"},
		{"cancelDelivery", key, "POST", "/v1/deliveries/" + w.ids["deliveries"] + "/cancel", "", "delivery", w.ids["deliveries"], "status"},
		{"verifyDelivery", key, "POST", "/v1/deliveries/" + failed + "/verify", `{"headers":{"X-Webhook-Signature":"sha256=00"}}`, "endpoint", w.ids["endpoints"], ""},
		{"putEventType", key, "PUT", "/v1/event-types/post.created", `{"description":"D"}`, "event_type", "post.created", "description"},
		{"deleteEventType", key, "DELETE", "/v1/event-types/post.created", "", "event_type", "post.created", ""},
		{"deleteEndpoint", key, "DELETE", end, "", "endpoint", w.ids["endpoints"], ""},
	}
}

// step is a request, and what of it is to be in the audit log; an id that only the
// answer tells is left out.
type step struct {
	id                            string
	key, method, path, body       string
	targetKind, target, changedIn string
}

func TestAuditLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	newest := func() map[string]any {
		return w.call(adminKey, "GET", "/v1/audit-log?limit=1", "").want(http.StatusOK).data()[0]
	}
	routes := map[string]route{}
	for _, rt := range (&server{}).routes() {
		routes[rt.id] = rt
	}

	t.Run("HasEveryChange", func(t *testing.T) {
		for _, c := range w.stepsOf() {
			before := w.number("SELECT count(*) FROM audit_log")
			a := w.call(c.key, c.method, c.path, c.body, requestIDHeader, "req-of-"+c.id)
			if a.status >= 300 {
				t.Fatalf("%s: %d %s", c.id, a.status, a.raw)
			}
			if n := w.number("SELECT count(*) FROM audit_log") - before; n != 1 {
				t.Fatalf("%s wrote %d entries", c.id, n)
			}
			e := newest()
			if c.target == "" {
				c.target = a.text("id")
			}
			ws, actor := "mine", "key_"
			if c.targetKind == "workspace" {
				ws = "new"
			}
			if c.key == adminKey {
				actor = "admin"
			}
			if e["request_id"] != "req-of-"+c.id || e["action"] != c.id || e["target_kind"] != c.targetKind || e["target"] != c.target || e["remote_addr"] != "127.0.0.1" || e["workspace_id"] != ws || !strings.HasPrefix(fmt.Sprint(e["actor"]), actor) || !strings.HasPrefix(fmt.Sprint(e["id"]), "aud_") {
				t.Errorf("%s: got %v", c.id, e)
			}
			if got := changedFields(e); got != c.changedIn {
				t.Errorf("%s changed %q, want %q", c.id, got, c.changedIn)
			}
			if !slices.Contains(auditedActions, c.id) {
				t.Errorf("%s can't be asked for", c.id)
			}
			delete(routes, c.id)
		}
		for id, rt := range routes {
			if (rt.method != http.MethodGet || slices.Contains(auditedActions, id)) && !slices.Contains(unaudited, id) {
				t.Errorf("%s is not tried here: does it write an entry?", id)
			}
		}
	})
	t.Run("HoldsNoSecret", func(t *testing.T) {
		for _, secret := range []string{"t0ps3cret", "dDBwczNjcmV0", w.key} {
			if n := w.number("SELECT count(*) FROM audit_log WHERE position($1 IN audit_log::text) > 0", secret); n != 0 {
				t.Errorf("%s is in %d entries", secret, n)
			}
		}
	})
	t.Run("ShowsValuesBeforeAndAfter", func(t *testing.T) {
		end := w.endpoint(w.key)
		w.call(w.key, "PATCH", "/v1/endpoints/"+end, `{"events":["b.*"],"description":"<D>","timeout":7}`).want(http.StatusOK)
		a := w.call(w.key, "GET", "/v1/audit-log?limit=1", "").want(http.StatusOK)
		want := `"changes":[{"field":"events","before":["*"],"after":["b.*"]},{"field":"description","before":"","after":"<D>"},{"field":"timeout","before":null,"after":7}]`
		if !strings.Contains(string(a.raw), want) {
			t.Errorf("got %s", a.raw)
		}
	})
}

func changedFields(entry map[string]any) string {
	var names []string
	changes, _ := entry["changes"].([]any)
	for _, c := range changes {
		change, _ := c.(map[string]any)
		names = append(names, fmt.Sprint(change["field"]))
	}
	return strings.Join(names, " ")
}

func TestAuditLogIsRead(t *testing.T) {
	t.Parallel()
	b := setup(t)
	key, other := b.workspace("456"), b.workspace("other")
	b.endpoint(key)
	b.endpoint(other)
	list := func(key, query string, headers ...string) *answer {
		return b.call(key, "GET", "/v1/audit-log"+query, "", headers...)
	}
	workspaces := func(a *answer) string {
		seen := map[string]bool{}
		for _, e := range a.want(http.StatusOK).data() {
			seen[fmt.Sprint(e["workspace_id"])] = true
		}
		return fmt.Sprint(seen)
	}

	t.Run("ByAKeyOfAllScopesForItsWorkspace", func(t *testing.T) {
		if got := workspaces(list(key, "")); got != "map[456:true]" {
			t.Errorf("got %s", got)
		}
		list(key, "", workspaceHeader, "other").problem(http.StatusNotFound, webhook.CodeNotFound)
	})
	t.Run("ByNoKeyThatLacksAScope", func(_ *testing.T) {
		for _, missing := range webhook.Scopes() {
			var scopes []string
			for _, s := range webhook.Scopes() {
				if s != missing {
					scopes = append(scopes, string(s))
				}
			}
			list(b.key("456", scopes...), "").problem(http.StatusForbidden, webhook.CodeForbidden)
		}
	})
	t.Run("ByTheAdminForOneOrAll", func(t *testing.T) {
		if got := workspaces(list(adminKey, "")); got != "map[456:true other:true]" {
			t.Errorf("got %s", got)
		}
		if got := workspaces(list(adminKey, "", workspaceHeader, "other")); got != "map[other:true]" {
			t.Errorf("got %s", got)
		}
		for _, nobody := range []string{"nobody", "a b"} {
			list(adminKey, "", workspaceHeader, nobody).problem(http.StatusNotFound, webhook.CodeNotFound)
		}
	})
	t.Run("AlsoOfADeletedWorkspace", func(t *testing.T) {
		b.workspace("gone")
		b.call(adminKey, "DELETE", "/v1/workspaces/gone", "").want(http.StatusNoContent)
		if got := list(adminKey, "", workspaceHeader, "gone").want(http.StatusOK).data(); len(got) != 3 || got[0]["action"] != "deleteWorkspace" {
			t.Errorf("got %v", got)
		}
	})
	t.Run("InPagesAndByTime", func(t *testing.T) {
		all := list(adminKey, "?limit=250").want(http.StatusOK).data()
		var paged []map[string]any
		for cursor := ""; ; {
			a := list(adminKey, "?limit=2"+cursor).want(http.StatusOK)
			paged = append(paged, a.data()...)
			next, more := a.object()["next_cursor"].(string)
			if !more {
				break
			}
			cursor = "&cursor=" + next
		}
		if fmt.Sprint(paged) != fmt.Sprint(all) {
			t.Errorf("in pages %v\nat once %v", paged, all)
		}
		past, future := time.Now().Add(-time.Hour).UTC().Format(time.RFC3339), time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
		for query, want := range map[string]int{"since=" + past: len(all), "until=" + past: 0, "since=" + future: 0, "since=" + past + "&until=" + future: len(all)} {
			if got := list(adminKey, "?limit=250&"+query).want(http.StatusOK).data(); len(got) != want {
				t.Errorf("%s: %d entries, want %d", query, len(got), want)
			}
		}
		list(adminKey, "?since=yesterday").problem(http.StatusUnprocessableEntity, webhook.CodeInvalid, "since")
		list(adminKey, "?limit=251").problem(http.StatusUnprocessableEntity, webhook.CodeInvalid, "limit")
	})
	t.Run("ByActorActionAndTarget", func(t *testing.T) {
		b := setup(t)
		key := b.workspace("mine")
		keyID := auditOf(b, "mine", "?action=createKey")[0]["target"].(string)
		end := b.endpoint(key)
		b.call(key, "GET", "/v1/endpoints/"+end+"/secret", "").want(http.StatusOK)
		b.admin("mine", "GET", "/v1/endpoints/"+end+"/secret", "").want(http.StatusOK)
		b.workspace("other")
		for query, want := range map[string]string{
			"?actor=admin":    "getEndpointSecret createKey createWorkspace",
			"?actor=" + keyID: "getEndpointSecret createEndpoint",
			"?actor=key_" + webhook.NewID(time.Now()).String(): "",
			"?action=getEndpointSecret":                        "getEndpointSecret getEndpointSecret",
			"?action=deleteEndpoint":                           "",
			"?target=" + end:                                   "getEndpointSecret getEndpointSecret createEndpoint",
			"?target=" + keyID:                                 "createKey",
			"?target=nothing":                                  "",
			"?target=mine":                                     "createWorkspace",
			"?target=other":                                    "",
			"?target=" + end + "&actor=admin&action=getEndpointSecret": "getEndpointSecret",
			"?actor=&action=&target=&limit=1":                          "getEndpointSecret",
		} {
			if got := actions(auditOf(b, "mine", query)); got != want {
				t.Errorf("%s: got %q, want %q", query, got, want)
			}
		}
		if got := actions(b.call(adminKey, "GET", "/v1/audit-log?target="+end, "").want(http.StatusOK).data()); got != "getEndpointSecret getEndpointSecret createEndpoint" {
			t.Errorf("everybody's of a target: %q", got)
		}
		for query, pointer := range map[string]string{
			"?actor=nobody": "actor", "?actor=ep_x": "actor", "?action=createEndpoints": "action", "?action=publishEvent": "action",
			"?target=a%00b": "target", "?target=a%20b": "target",
		} {
			b.admin("mine", "GET", "/v1/audit-log"+query, "").problem(http.StatusUnprocessableEntity, webhook.CodeInvalid, pointer)
		}
		for _, query := range []string{"?actor=admin", "?action=createKey"} {
			b.call(adminKey, "GET", "/v1/audit-log"+query, "").problem(http.StatusUnprocessableEntity, webhook.CodeInvalid, workspaceHeader)
		}
	})
	t.Run("ByNameOfAnEventTypeOfAnyLength", func(t *testing.T) {
		name := strings.Repeat("x", 256)
		b.call(key, "PUT", "/v1/event-types/"+name, `{}`).want(http.StatusCreated)
		if got := actions(list(key, "?target="+name).want(http.StatusOK).data()); got != "putEventType" {
			t.Errorf("got %q", got)
		}
	})
	t.Run("WithoutWhatWasRefused", func(t *testing.T) {
		before := b.number("SELECT count(*) FROM audit_log")
		end := b.endpoint(key)
		b.call(key, "POST", "/v1/endpoints", `{"url":"https://blocked/","events":["a"]}`).want(http.StatusUnprocessableEntity)
		b.call(key, "PATCH", "/v1/endpoints/"+end, `{"timeout":0}`).want(http.StatusUnprocessableEntity)
		b.call(key, "POST", "/v1/endpoints/"+end+"/secret/promote", "").want(http.StatusConflict)
		b.call(key, "POST", "/v1/endpoints/"+end+"/test", `{"type":"?"}`).want(http.StatusUnprocessableEntity)
		b.call(other, "GET", "/v1/endpoints/"+end+"/secret", "").want(http.StatusNotFound)
		b.call(other, "DELETE", "/v1/endpoints/"+end, "").want(http.StatusNotFound)
		b.call(b.key("456", "endpoints:read"), "DELETE", "/v1/endpoints/"+end, "").want(http.StatusForbidden)
		b.call(adminKey, "POST", "/v1/workspaces", `{"id":"456","name":"again"}`).want(http.StatusConflict)
		if n := b.number("SELECT count(*) FROM audit_log") - before; n != 2 { // the endpoint and the key
			t.Errorf("%d entries", n)
		}
	})
	t.Run("OnceForARequestThatIsRepeated", func(t *testing.T) {
		before := b.number("SELECT count(*) FROM audit_log")
		for range 3 {
			b.keyed(key, "POST", "/v1/endpoints", `{"url":"https://example.com/","events":["a"]}`, "once").want(http.StatusCreated)
		}
		if n := b.number("SELECT count(*) FROM audit_log") - before; n != 1 {
			t.Errorf("%d entries", n)
		}
	})
	t.Run("NoSecretIsShownThatIsNotNoted", func(_ *testing.T) {
		end := b.endpoint(key)
		b.exec("ALTER TABLE audit_log RENAME TO away")
		defer b.exec("ALTER TABLE away RENAME TO audit_log")
		b.call(key, "GET", "/v1/endpoints/"+end+"/secret", "").problem(http.StatusServiceUnavailable, webhook.CodeUnavailable)
	})
}

func actions(entries []map[string]any) string {
	var all []string
	for _, e := range entries {
		all = append(all, fmt.Sprint(e["action"]))
	}
	return strings.Join(all, " ")
}

// auditOf lists a workspace's entries as the admin.
func auditOf(b *bundle, ws, query string) []map[string]any {
	b.t.Helper()
	return b.admin(ws, "GET", "/v1/audit-log"+query, "").want(http.StatusOK).data()
}
