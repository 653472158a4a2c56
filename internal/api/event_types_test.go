package api

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/schema"
	"github.com/postrider/postrider/internal/webhook"
)

const postSchema = `{"type":"object","required":["id"],"properties":{"id":{"type":"integer"},"tags":{"items":{"type":"string"}}}}`

// putType stores an event type with the schema.
func (b *bundle) putType(key, name, validation, schema string) *answer {
	b.t.Helper()
	return b.call(key, "PUT", "/v1/event-types/"+name, fmt.Sprintf(`{"description":"d","validation":%q,"schema":%s}`, validation, schema))
}

func TestEventTypes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	key := b.workspace("456")

	t.Run("PutCreatesAndThenReplaces", func(t *testing.T) {
		body := `{ "description": "A post", "schema": {"type": "object", "maxProperties": 5.0}, "validation": "warn", "example": {"z": 1.0, "a": "<b>"} }`
		created := b.call(key, "PUT", "/v1/event-types/post.created", body).want(http.StatusCreated)
		if got := created.header.Get("Location"); got != "/v1/event-types/post.created" {
			t.Errorf("location is %q", got)
		}
		for _, part := range []string{`"schema":{"type":"object","maxProperties":5.0}`, `"example":{"z":1.0,"a":"<b>"}`, `"workspace_id":456`} {
			if !strings.Contains(string(created.raw), part) {
				t.Errorf("no %s in %s", part, created.raw)
			}
		}
		wantFields(t, created.object(), map[string]string{"name": "post.created", "description": "A post", "validation": "warn"})
		got := b.call(key, "GET", "/v1/event-types/post.created", "").want(http.StatusOK)
		if string(got.raw) != string(created.raw) {
			t.Errorf("got %s, created %s", got.raw, created.raw)
		}
		replaced := b.call(key, "PUT", "/v1/event-types/post.created", `{"description":"Another"}`).want(http.StatusOK)
		wantFields(t, replaced.object(), map[string]string{
			"description": "Another", "validation": "off", "schema": "<nil>", "example": "<nil>", "created_at": created.text("created_at"),
		})
	})
	t.Run("ListIsNewestFirst", func(t *testing.T) {
		key := b.workspace("list")
		var names []string
		for i := range 5 {
			names = append(names, fmt.Sprintf("t.%d", i))
			b.call(key, "PUT", "/v1/event-types/"+names[i], `{}`).want(http.StatusCreated)
			<-time.After(2 * time.Millisecond) // ids of one millisecond have no order
		}
		b.call(key, "PUT", "/v1/event-types/t.0", `{}`).want(http.StatusOK)
		slices.Reverse(names)
		for _, limit := range []int{1, 2, 250} {
			if got := b.all(key, fmt.Sprintf("/v1/event-types?limit=%d", limit), "name"); !slices.Equal(got, names) {
				t.Errorf("limit %d: got %v", limit, got)
			}
		}
		if got := b.all(b.workspace("stranger"), "/v1/event-types", "name"); len(got) != 0 {
			t.Errorf("a stranger sees %v", got)
		}
	})
	t.Run("PageOfLargeOnesEndsEarly", func(t *testing.T) {
		key := b.workspace("large")
		large := `{"description":"` + strings.Repeat("x", schema.MaxBytes-100) + `"}`
		for i := range 140 {
			b.putType(key, fmt.Sprintf("t.%d", i), "off", large).want(http.StatusCreated)
		}
		first := b.call(key, "GET", "/v1/event-types?limit=250", "").want(http.StatusOK)
		if n := len(first.data()); n < 100 || n >= 140 || first.object()["next_cursor"] == nil {
			t.Errorf("%d in a page of %d bytes", n, len(first.raw))
		}
		if got := b.all(key, "/v1/event-types?limit=250", "name"); len(got) != 140 {
			t.Errorf("got %d of 140", len(got))
		}
	})
	t.Run("DeleteEndsIt", func(_ *testing.T) {
		b.call(key, "PUT", "/v1/event-types/gone", `{}`).want(http.StatusCreated)
		b.call(key, "DELETE", "/v1/event-types/gone", "").want(http.StatusNoContent)
		b.call(key, "DELETE", "/v1/event-types/gone", "").problem(http.StatusNotFound, webhook.CodeNotFound)
		b.call(key, "GET", "/v1/event-types/gone", "").problem(http.StatusNotFound, webhook.CodeNotFound)
	})
	t.Run("OneThousandAtMost", func(_ *testing.T) {
		b.workspace("full")
		b.exec(`INSERT INTO event_types (workspace_id, name, id, description, validation, version)
			SELECT 'full', 't' || i, ('01a217ad-9d28-0000-0000-' || lpad(to_hex(i), 12, '0'))::uuid, '', 'off', 1
			FROM generate_series(1, $1::int) i`, webhook.MaxEventTypes)
		b.admin("full", "PUT", "/v1/event-types/t1", `{}`).want(http.StatusOK)
		b.admin("full", "PUT", "/v1/event-types/one.more", `{}`).problem(http.StatusConflict, webhook.CodeConflict)
		b.admin("full", "GET", "/v1/event-types/one.more", "").problem(http.StatusNotFound, webhook.CodeNotFound)
	})
	t.Run("BadInput", func(_ *testing.T) {
		for in, pointer := range map[string]string{
			`[]`: "", `{"x":1}`: "/x", `{"description":5}`: "/description", `{"validation":"maybe"}`: "/validation",
			`{"validation":"reject"}`: "/schema", `{"validation":"warn","schema":null}`: "/schema", `{"schema":[]}`: "/schema", `{"example":[]}`: "/example",
			`{"schema":{"properties":{"a":{"type":"text"}}}}`:                               "/schema/properties/a/type",
			`{"schema":{"items":{"$ref":"https://example.com/x"}}}`:                         "/schema/items/$ref",
			`{"schema":{"pattern":"("}}`:                                                    "/schema/pattern",
			`{"schema":` + postSchema + `,"example":{"id":"x"}}`:                            "/example/id",
			`{"example":{"a":` + strings.Repeat("[", 500) + strings.Repeat("]", 500) + `}}`: "/example/a" + strings.Repeat("/0", 128),
			`{"example":{"a":"` + strings.Repeat("x", 64<<10) + `"}}`:                       "/example",
		} {
			b.call(key, "PUT", "/v1/event-types/bad", in).problem(http.StatusUnprocessableEntity, webhook.CodeInvalid, pointer)
		}
		for _, name := range []string{"a.*", "*", "a b", "%C3%A4", strings.Repeat("x", 257)} {
			path := "/v1/event-types/" + strings.ReplaceAll(name, " ", "%20")
			b.call(key, "PUT", path, `{}`).problem(http.StatusUnprocessableEntity, webhook.CodeInvalid, "name")
			b.call(key, "GET", path, "").problem(http.StatusNotFound, webhook.CodeNotFound)
			b.call(key, "DELETE", path, "").problem(http.StatusNotFound, webhook.CodeNotFound)
		}
		b.call(key, "GET", "/v1/event-types/bad", "").problem(http.StatusNotFound, webhook.CodeNotFound)
	})
	t.Run("TemplatesCanBePutAsTheyAre", func(t *testing.T) {
		all := b.call(key, "GET", "/v1/event-type-templates?resource=blog.post", "").want(http.StatusOK)
		var names []string
		for _, tmpl := range all.data() {
			name := fmt.Sprint(tmpl["name"])
			names = append(names, name)
			delete(tmpl, "name")
			tmpl["validation"] = "reject"
			b.call(key, "PUT", "/v1/event-types/"+name, string(encodeJSON(tmpl))).want(http.StatusCreated)
			b.publish(key, fmt.Sprintf(`{"type":%q,"data":%s}`, name, encodeJSON(tmpl["example"])))
		}
		want := []string{"blog.post.created", "blog.post.updated", "blog.post.deleted", "blog.post.published", "blog.post.archived"}
		if !slices.Equal(names, want) {
			t.Errorf("got %v", names)
		}
		for _, resource := range []string{"", "a%20b", ".", strings.Repeat("x", 250)} {
			b.call(key, "GET", "/v1/event-type-templates?resource="+resource, "").problem(http.StatusUnprocessableEntity, webhook.CodeInvalid, "resource")
		}
	})
}

func TestValidationAtPublish(t *testing.T) {
	t.Parallel()
	b := setup(t)
	key := b.workspace("w")
	b.endpoint(key)
	b.putType(key, "strict", "reject", postSchema).want(http.StatusCreated)
	b.putType(key, "lax", "warn", postSchema).want(http.StatusCreated)
	b.putType(key, "off", "off", postSchema).want(http.StatusCreated)
	publish := func(body string) *answer { return b.call(key, "POST", "/v1/events", body) }
	stored := func() int { return len(b.all(key, "/v1/events?limit=250", "id")) }

	t.Run("RejectRefusesWithPointers", func(t *testing.T) {
		before := stored()
		publish(`{"type":"strict","data":{"id":"1","tags":["a",5]}}`).
			problem(http.StatusUnprocessableEntity, webhook.CodeInvalid, "/data/id", "/data/tags/1")
		publish(`{"type":"strict","data":{}}`).problem(http.StatusUnprocessableEntity, webhook.CodeInvalid, "/data/id")
		if got := stored(); got != before {
			t.Errorf("%d events were stored", got-before)
		}
		a := publish(`{"type":"strict","data":{"id":1}}`).want(http.StatusAccepted)
		if _, ok := a.object()["warnings"]; ok {
			t.Errorf("got %s", a.raw)
		}
	})
	t.Run("WarnAcceptsAndSays", func(t *testing.T) {
		a := publish(`{"type":"lax","data":{"id":"1"}}`).want(http.StatusAccepted)
		warnings, _ := a.object()["warnings"].([]any)
		if len(warnings) != 1 || fmt.Sprint(warnings[0]) != "map[detail:must be integer, not string pointer:/data/id]" {
			t.Errorf("got %s", a.raw)
		}
		wantFields(t, a.object(), map[string]string{"deliveries": "1"})
		if a = publish(`{"type":"lax","data":{"id":1}}`).want(http.StatusAccepted); strings.Contains(string(a.raw), "warnings") {
			t.Errorf("got %s", a.raw)
		}
	})
	t.Run("OffAndUnknownTypesAreHeldAgainstNothing", func(t *testing.T) {
		for _, name := range []string{"off", "nobody.knows"} {
			if a := publish(`{"type":"` + name + `","data":{"id":"1"}}`).want(http.StatusAccepted); strings.Contains(string(a.raw), "warnings") {
				t.Errorf("got %s", a.raw)
			}
		}
	})
	t.Run("BatchIsAllOrNone", func(t *testing.T) {
		before := stored()
		b.call(key, "POST", "/v1/events/batch", `{"events":[{"type":"strict","data":{"id":1}},{"type":"lax","data":{}},{"type":"off","data":{}},{"type":"strict","data":{"tags":[1],"id":2}}]}`).
			problem(http.StatusUnprocessableEntity, webhook.CodeInvalid, "/events/3/data/tags/0")
		if got := stored(); got != before {
			t.Errorf("%d events were stored", got-before)
		}
		a := b.call(key, "POST", "/v1/events/batch", `{"events":[{"type":"strict","data":{"id":1}},{"type":"lax","data":{}}]}`).want(http.StatusAccepted)
		if all := a.data(); all[0]["warnings"] != nil || !strings.Contains(fmt.Sprint(all[1]["warnings"]), "/events/1/data/id") {
			t.Errorf("got %s", a.raw)
		}
	})
	t.Run("BytesStayAsTheyAre", func(t *testing.T) {
		id := publish(`{"type":"strict","data":{"z":1.0, "id":1e0,"a":"<é\u00e9>","id":2.0}}`).want(http.StatusAccepted).text("id")
		if got := b.call(key, "GET", "/v1/events/"+id, "").want(http.StatusOK); !strings.Contains(string(got.raw), `"data":{"z":1.0,"id":1e0,"a":"<é\u00e9>","id":2.0}`) {
			t.Errorf("got %s", got.raw)
		}
	})
	t.Run("AcceptedBeforeIsTheSameEvent", func(t *testing.T) {
		first := publish(`{"id":"own","type":"later","data":{"n":"x"}}`).want(http.StatusAccepted)
		generated := first.text("id")
		ours := publish(`{"type":"later","data":{"n":"x"}}`).want(http.StatusAccepted).text("id")
		b.putType(key, "later", "reject", `{"properties":{"n":{"type":"integer"}}}`).want(http.StatusCreated)
		again := publish(`{"id":"own","type":"later","data":{"n":"x"}}`).want(http.StatusOK)
		if string(again.raw) != string(first.raw) || generated != "own" {
			t.Errorf("got %s, then %s", first.raw, again.raw)
		}
		publish(`{"id":"` + ours + `","type":"later","data":{"n":"x"}}`).want(http.StatusOK)
		publish(`{"id":"new","type":"later","data":{"n":"x"}}`).problem(http.StatusUnprocessableEntity, webhook.CodeInvalid, "/data/n")
		b.call(key, "POST", "/v1/events/batch", `{"events":[{"id":"own","type":"later","data":{"n":"x"}},{"id":"new","type":"later","data":{"n":1}}]}`).want(http.StatusAccepted)
	})
	t.Run("AnotherWorkspaceHasNoneOfIt", func(_ *testing.T) {
		b.call(b.workspace("other"), "POST", "/v1/events", `{"type":"strict","data":{}}`).want(http.StatusAccepted)
	})
}

// Two processes on one database: what was acknowledged by one is held against by
// the other's next event, with nothing in between.
func TestEventTypeIsReadAsWritten(t *testing.T) {
	t.Parallel()
	one := setup(t)
	key := one.workspace("w")
	two := setupOn(t, one.dsn)
	want := map[string]int{"off": http.StatusAccepted, "warn": http.StatusAccepted, "reject": http.StatusUnprocessableEntity}
	publish := func(b *bundle) *answer { return b.call(key, "POST", "/v1/events", `{"type":"t","data":{"id":"x"}}`) }
	for range 5 {
		for _, validation := range []string{"reject", "off", "warn", "reject", "warn", "off"} {
			one.putType(key, "t", validation, postSchema)
			for _, b := range []*bundle{two, one} {
				a := publish(b).want(want[validation])
				if warned := strings.Contains(string(a.raw), `"warnings"`); warned != (validation == "warn") {
					t.Fatalf("%s: %s", validation, a.raw)
				}
			}
		}
		one.putType(key, "t", "reject", postSchema).want(http.StatusOK)
		publish(two).want(http.StatusUnprocessableEntity)
		one.putType(key, "t", "reject", `{"properties":{"id":{"type":"string"}}}`).want(http.StatusOK)
		publish(two).want(http.StatusAccepted)
		one.putType(key, "t", "reject", postSchema).want(http.StatusOK)
		publish(two).want(http.StatusUnprocessableEntity)
		two.call(key, "DELETE", "/v1/event-types/t", "").want(http.StatusNoContent)
		publish(one).want(http.StatusAccepted)
		one.putType(key, "t", "off", postSchema).want(http.StatusCreated)
	}
}
