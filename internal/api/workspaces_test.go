package api

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/postrider/postrider/internal/webhook"
)

func TestWorkspaces(t *testing.T) {
	t.Parallel()
	b := setup(t)
	post := func(body string) *answer { return b.call(adminKey, "POST", "/v1/workspaces", body) }

	t.Run("IDOfDigitsIsANumber", func(t *testing.T) {
		for _, in := range []string{`{"id":456,"name":"n"}`, `{"id":"457","name":"n"}`} {
			a := post(in).want(http.StatusCreated)
			if !strings.Contains(string(a.raw), `{"id":45`) {
				t.Errorf("id is no number: %s", a.raw)
			}
		}
		post(`{"id":"456","name":"n"}`).problem(http.StatusConflict, webhook.CodeConflict)
		a := b.call(adminKey, "GET", "/v1/workspaces/456", "").want(http.StatusOK)
		if !strings.HasPrefix(string(a.raw), `{"id":456,`) {
			t.Errorf("got %s", a.raw)
		}
	})
	t.Run("IDThatIsNoPlainNumberStaysAString", func(t *testing.T) {
		for _, id := range []string{"0123", "1234567890123456", "12-3", "1e3"} {
			a := post(`{"id":"` + id + `","name":"n"}`).want(http.StatusCreated)
			if a.text("id") != id {
				t.Errorf("got %s", a.raw)
			}
		}
	})
	t.Run("IDIsGeneratedWhenLeftOut", func(t *testing.T) {
		for _, in := range []string{`{"name":"n"}`, `{"id":null,"name":"n"}`} {
			if id := post(in).want(http.StatusCreated).text("id"); !strings.HasPrefix(id, "ws_") {
				t.Errorf("got id %q", id)
			}
		}
	})
	t.Run("BadInput", func(_ *testing.T) {
		for in, pointer := range map[string]string{
			`{}`:                      "/name",
			`{"name":null}`:           "/name",
			`{"name":""}`:             "/name",
			`{"name":5}`:              "/name",
			`{"name":"a\u0000b"}`:     "/name",
			`{"name":"n","id":""}`:    "/id",
			`{"name":"n","id":"a b"}`: "/id",
			`{"name":"n","id":1.5}`:   "/id",
			`{"name":"n","id":1e3}`:   "/id",
			`{"name":"n","id":-4}`:    "/id",
			`{"name":"n","id":[]}`:    "/id",
			`{"name":"n","nam":1}`:    "/nam",
			`{"name":"n","a/b~":1}`:   "/a~1b~0",
			`{"name":"n","name":"m"}`: "/name",
			`{"name":"\ud800"}`:       "/name",
			`[]`:                      "",
			`"x"`:                     "",
			`{"name":"n","id":"` + strings.Repeat("x", 65) + `"}`: "/id",
		} {
			post(in).problem(http.StatusUnprocessableEntity, webhook.CodeInvalid, pointer)
		}
	})
	t.Run("PatchRenames", func(t *testing.T) {
		post(`{"id":"p","name":"n"}`).want(http.StatusCreated)
		patch := func(body string) *answer {
			return b.call(adminKey, "PATCH", "/v1/workspaces/p", body, "Content-Type", "application/merge-patch+json")
		}
		if patch(`{"name":"other"}`).want(http.StatusOK).text("name") != "other" {
			t.Error("not renamed")
		}
		if patch(`{}`).want(http.StatusOK).text("name") != "other" {
			t.Error("an empty patch changed something")
		}
		patch(`{"name":null}`).problem(http.StatusUnprocessableEntity, webhook.CodeInvalid, "/name")
		patch(`{"id":"q"}`).problem(http.StatusUnprocessableEntity, webhook.CodeInvalid, "/id")
		patch(``).problem(http.StatusBadRequest, webhook.CodeMalformed)
	})
	t.Run("DeletedIsGoneWithKeysAndEndpointsAndItsIDIsNotGivenAgain", func(t *testing.T) {
		key := b.workspace("gone")
		b.endpoint(key)
		a := b.call(adminKey, "DELETE", "/v1/workspaces/gone", "").want(http.StatusNoContent)
		if len(a.raw) > 0 {
			t.Errorf("204 with body %q", a.raw)
		}
		for _, method := range []string{"GET", "DELETE"} {
			b.call(adminKey, method, "/v1/workspaces/gone", "").problem(http.StatusNotFound, webhook.CodeNotFound)
		}
		b.call(adminKey, "PATCH", "/v1/workspaces/gone", `{"name":"x"}`).problem(http.StatusNotFound, webhook.CodeNotFound)
		b.admin("gone", "GET", "/v1/endpoints", "").problem(http.StatusNotFound, webhook.CodeNotFound)
		b.admin("gone", "POST", "/v1/events", `{"type":"a","data":{}}`).problem(http.StatusNotFound, webhook.CodeNotFound)
		post(`{"id":"gone","name":"n"}`).problem(http.StatusConflict, webhook.CodeConflict)
		eventually(t, func() bool { return b.call(key, "GET", "/v1/endpoints", "").status == http.StatusUnauthorized })
	})
	t.Run("ListIsNewestFirstInPages", func(t *testing.T) {
		b := setup(t)
		var want []string
		for i := range 7 {
			id := fmt.Sprintf("list-%d", i)
			b.workspace(id)
			want = append(want, id)
		}
		slices.Reverse(want)
		if got := b.all(adminKey, "/v1/workspaces?limit=3", "id"); !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

func TestKeys(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.workspace("1")
	b.workspace("2")
	post := func(body string) *answer { return b.call(adminKey, "POST", "/v1/workspaces/1/keys", body) }

	t.Run("KeyIsShownOnce", func(t *testing.T) {
		a := post(`{"name":"ci","scopes":["events:write","events:write"]}`).want(http.StatusCreated)
		key := a.text("key")
		if !strings.HasPrefix(key, "pr_") || !strings.HasPrefix(a.text("id"), "key_") {
			t.Errorf("got %s", a.raw)
		}
		if !strings.Contains(string(a.raw), `"scopes":["events:write"]`) || !strings.Contains(string(a.raw), `"workspace_id":1,`) {
			t.Errorf("got %s", a.raw)
		}
		l := b.call(adminKey, "GET", "/v1/workspaces/1/keys", "").want(http.StatusOK)
		if strings.Contains(string(l.raw), key) || len(l.data()) != 2 {
			t.Errorf("got %s", l.raw)
		}
	})
	t.Run("BadInput", func(_ *testing.T) {
		for in, pointer := range map[string]string{
			`{}`:                               "/name",
			`{"name":"n","scopes":[]}`:         "/scopes",
			`{"name":"n","scopes":"all"}`:      "/scopes",
			`{"name":"n","scopes":["events"]}`: "/scopes/0",
			`{"name":"n","scopes":["events:write","events:write,events:read"]}`: "/scopes/1",
			`{"name":"n","scopes":[null]}`:                                      "/scopes/0",
			`{"name":"n","scope":["x"]}`:                                        "/scope",
		} {
			post(in).problem(http.StatusUnprocessableEntity, webhook.CodeInvalid, pointer)
		}
		b.call(adminKey, "POST", "/v1/workspaces/nobody/keys", `{"name":"n"}`).problem(http.StatusNotFound, webhook.CodeNotFound)
	})
	t.Run("RevokedKeyFailsSoonAndIsGone", func(t *testing.T) {
		a := post(`{"name":"r"}`).want(http.StatusCreated)
		path := "/v1/workspaces/1/keys/" + a.text("id")
		b.call(a.text("key"), "GET", "/v1/endpoints", "").want(http.StatusOK)
		b.call(adminKey, "DELETE", "/v1/workspaces/2/keys/"+a.text("id"), "").problem(http.StatusNotFound, webhook.CodeNotFound)
		b.call(adminKey, "DELETE", path, "").want(http.StatusNoContent)
		b.call(adminKey, "DELETE", path, "").problem(http.StatusNotFound, webhook.CodeNotFound)
		eventually(t, func() bool {
			return b.call(a.text("key"), "GET", "/v1/endpoints", "").status == http.StatusUnauthorized
		})
	})
}
