package console_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/postrider/postrider/client"
)

const acmeTypes = "/console/w/acme/event-types"

func jsonOf(text string) json.RawMessage { return json.RawMessage(text) }

func TestEventTypes(t *testing.T) {
	t.Parallel()
	w, r := running(t), newReceiver(t)
	w.endpoint(r.URL, func(in *client.EndpointInput) { in.Events = []string{"post.*"} })
	b := w.browser()
	b.signIn(w.key)
	form := func(pairs ...string) url.Values {
		f := url.Values{"name": {"post.created"}, "description": {"A <b>new</b> post"}, "schema": {`{"required":["id"]}`}, "validation": {"warn"}, "example": {`{"id":1}`}}
		for i := 0; i < len(pairs); i += 2 {
			f.Set(pairs[i], pairs[i+1])
		}
		return f
	}
	b.get(acmeTypes).want(200, "No event types yet", "curl -X PUT $URL/v1/event-types/post.created", "New event type")

	t.Run("RefusesBesideTheFieldAndKeepsWhatWasTyped", func(*testing.T) {
		for field, f := range map[string]url.Values{
			"name": form("name", "a b"), "schema": form("schema", `{"pattern":"(?=x)"}`), "validation": form("schema", "", "validation", "reject"), "example": form("example", `{"id"`),
			"description": form("description", "A <b>new</b> post"+strings.Repeat("x", 1000)),
		} {
			if field == "validation" {
				b.do("POST", acmeTypes, f).want(422, `id="schema-error" aria-live="polite"><p>This is required where validation is reject`)
				continue
			}
			b.do("POST", acmeTypes, f).want(422, "Not saved.", `id="`+field+`-error" aria-live="polite">`, `aria-invalid="true"`, "A &lt;b&gt;new&lt;/b&gt; post")
		}
		b.do("POST", acmeTypes, form("schema", `{"$ref":"https://example.com/x.json"}`)).want(422, "refers to another document")
		b.do("POST", acmeTypes, form("example", `{}`)).want(422, "is required")
		for _, name := range []string{"", "..", "../endpoints", "a/b"} {
			b.do("POST", acmeTypes, form("name", name)).want(422, "Not saved.")
		}
		b.get(acmeTypes).want(200, "No event types yet")
	})
	t.Run("IsCreatedOnceEditedAndDeleted", func(t *testing.T) {
		b.do("POST", acmeTypes, form()).leads(acmeTypes + "/post.created?done=type-saved")
		b.do("POST", acmeTypes, form("description", "other")).want(422, "is in the catalogue already")
		b.get(acmeTypes).want(200, "post.created", "A &lt;b&gt;new&lt;/b&gt; post", "Warns")
		b.get(acmeTypes+"/post.created?done=type-saved").want(200, "Event type saved.", "&#34;required&#34;: [", "1 of 1 endpoint would get it", "/events/-/new?type=post.created", "/events?type=post.created")
		b.get(acmeTypes+"/post.created/edit").want(200, "A &lt;b&gt;new", `value="warn" checked`)
		version := b.get(acmeTypes + "/post.created/edit").hidden("version")
		b.do("POST", acmeTypes+"/post.created/edit", form("validation", "reject", "name", "not.this", "version", version)).leads(acmeTypes + "/post.created?done=type-saved")
		b.get(acmeTypes).want(200, "Rejects").lacks("not.this")
		stale := form("validation", "off", "description", "mine", "version", version)
		p := b.do("POST", acmeTypes+"/post.created/edit", stale).want(409, "was changed since you opened this form", `value="mine"`)
		if is, err := w.client.EventTypes.Get(t.Context(), "post.created"); err != nil || is.Validation != client.ValidationReject {
			t.Errorf("saved nevertheless: %+v, %v", is, err)
		}
		stale.Set("version", p.hidden("version"))
		b.do("POST", acmeTypes+"/post.created/edit", stale).leads(acmeTypes + "/post.created?done=type-saved")
		if _, err := w.client.EventTypes.Put(t.Context(), "post.created", client.EventTypeInput{Description: "two\nlines"}); err != nil {
			t.Fatal(err)
		}
		version = b.get(acmeTypes + "/post.created/edit").hidden("version")
		b.do("POST", acmeTypes+"/post.created/edit", form("description", "twolines", "version", version)).leads(acmeTypes + "/post.created?done=type-saved")
		if is, err := w.client.EventTypes.Get(t.Context(), "post.created"); err != nil || is.Description != "two\nlines" {
			t.Errorf("a description that nobody touched is %q, %v", is.Description, err)
		}
		b.do("POST", acmeTypes+"/post.created/delete", nil).leads(acmeTypes + "?done=type-deleted")
		b.get(acmeTypes+"/post.created").want(404, "There is nothing here")
		b.do("POST", acmeTypes+"/post.created/edit", form()).want(404, "There is nothing here")
		b.get(acmeTypes).want(200, "No event types yet")
	})
	t.Run("BeginsWithATemplate", func(*testing.T) {
		b.get(acmeTypes+"/-/new?resource=post").want(200, "from=post.archived", "A post became public.")
		b.get(acmeTypes+"/-/new?resource=post&from=post.archived").want(200, `value="post.archived"`, "archived_at")
		b.get(acmeTypes+"/-/new?resource=a..b").want(200, `id="resource-error"`, "must be dot-separated")
		b.do("POST", acmeTypes, form("name", "new")).leads(acmeTypes + "/new?done=type-saved")
		b.get(acmeTypes+"/new").want(200, "A &lt;b&gt;new&lt;/b&gt; post")
	})
}

func TestThePortalLooksAtEventsAndTypesAndPublishesNone(t *testing.T) {
	t.Parallel()
	w := running(t)
	w.endpoint(newReceiver(t).URL)
	e := w.publish("post.created", map[string]any{"id": 1})
	if _, err := w.client.EventTypes.Put(t.Context(), "post.created", client.EventTypeInput{}); err != nil {
		t.Fatal(err)
	}
	for _, manage := range []bool{true, false} {
		b := w.browser()
		b.get(w.link(manage))
		const home = "/portal/w/acme"
		b.get(home+"/events").want(200, e.ID).lacks("/events/-/new")
		p := b.get(home+"/events/"+e.ID).want(200, "Delivered")
		if strings.Contains(p.text, "/replay\"") != manage {
			t.Errorf("manage %v: a replay is offered %v", manage, !manage)
		}
		b.get(home+"/events/"+e.ID+"/explain").want(200, "The receiver took it")
		b.get(home+"/event-types/post.created").want(200, "would get").lacks("/edit", "/delete", "Publish one")
		for _, path := range []string{"/events/check", "/events", "/event-types", "/event-types/post.created/edit", "/event-types/post.created/delete"} {
			if p := b.do("POST", home+path, url.Values{"type": {"a"}, "data": {"{}"}, "name": {"a"}}); p.status != 404 && p.status != 405 {
				t.Errorf("POST %s is %d", path, p.status)
			}
		}
		b.get(home+"/event-types/-/new").want(404, "There is nothing here")
	}
	if got := w.events(); len(got) != 1 {
		t.Errorf("there are %d events", len(got))
	}
}
