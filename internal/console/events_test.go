package console_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/client"
)

const acmeEvents = "/console/w/acme/events"

func TestEvents(t *testing.T) {
	t.Parallel()
	w, r := running(t), newReceiver(t)
	b := w.browser()
	b.signIn(w.key)
	b.get(acmeEvents).want(200, "No events yet", "curl $URL/v1/events", "postrider send post.created", "Publish an event")
	e := w.endpoint(r.URL)
	own, err := w.client.Events.Publish(t.Context(), client.NewEvent{Type: "post.created", Data: map[string]any{"n": 1}, ID: "order-7", OrderingKey: "o7", Wait: 10})
	if err != nil {
		t.Fatal(err)
	}
	ours := w.publish("comment.created", map[string]any{"n": 2})

	t.Run("ListsWhatMatchesTheAddress", func(*testing.T) {
		b.get(acmeEvents).want(200, own.ID, ours.ID, "in order with <code>o7</code>")
		b.get(acmeEvents+"?type=post.created").want(200, own.ID, `value="post.created"`).lacks(ours.ID)
		b.get(acmeEvents+"?since=2031-01-01T00:00").want(200, "No such events", `value="2031-01-01T00:00"`).lacks(own.ID)
		b.get(acmeEvents+"?until=2031-01-01T00:00").want(200, own.ID)
	})
	t.Run("SaysBesideTheFilterWhatIsWrongWithIt", func(*testing.T) {
		b.get(acmeEvents+"?type=a..b").want(422, `id="type-error">This must be an event type`)
		b.get(acmeEvents+"?since=soon").want(422, `id="since-error">This must be a time`)
	})
	t.Run("AnIdLeadsToTheEvent", func(*testing.T) {
		for _, id := range []string{own.ID, ours.ID} {
			b.get(acmeEvents + "?id=" + id).leads(acmeEvents + "/" + id)
		}
		for _, id := range []string{"nobodys", "..", "a/b"} {
			b.get(acmeEvents+"?id="+id).want(404, `id="id-error">This is no event`)
		}
	})
	t.Run("AnEventHasItsPayloadAndDeliveries", func(*testing.T) {
		b.get(acmeEvents+"/"+own.ID).want(200, "{\n  &#34;n&#34;: 1\n}", "The publisher's own", "1 of 1 delivered", "Delivered", r.URL, "/endpoints/"+e.ID, "o7").lacks("sse-connect")
		b.get(acmeEvents+"/"+ours.ID).want(200, "Generated", `class="summary"`)
		b.get(acmeEvents+"/nobodys").want(404, "There is nothing here")
	})
	t.Run("ThePayloadIsAFile", func(t *testing.T) {
		p := b.get(acmeEvents+"/"+own.ID+"/payload").want(200, `{"n":1}`)
		if d := p.header.Get("Content-Disposition"); d != `attachment; filename="order-7.json"` {
			t.Errorf("a browser would show it: %q", d)
		}
	})
	t.Run("IsReplayedToAllOrToOneAndOnceForOneForm", func(t *testing.T) {
		at := acmeEvents + "/" + own.ID + "/replay"
		form := url.Values{"once": {"the-same"}}
		first := b.do("POST", at, form)
		if to := first.header.Get("Location"); first.status != 303 || !strings.HasPrefix(to, "/console/w/acme/replays/rpl_") {
			t.Fatalf("got %d to %q: %s", first.status, to, first.text)
		}
		b.do("POST", at, form).leads(first.header.Get("Location"))
		b.do("POST", at, url.Values{"endpoint_id": {e.ID}})
		w.eventually("the replays' deliveries are made", func() bool { return strings.Contains(b.get(acmeEvents+"/"+own.ID).text, "3 of 3 delivered") })
		b.get(acmeEvents+"/"+own.ID).want(200, "by <a href=\"/console/w/acme/replays/rpl_")
		b.do("POST", at, url.Values{"endpoint_id": {"ep_0"}}).want(422, "It can&#39;t be replayed there")
	})
}

func TestAHostilePayloadIsText(t *testing.T) {
	t.Parallel()
	w := running(t)
	w.endpoint(newReceiver(t).URL, func(in *client.EndpointInput) { in.Filters = map[string]any{"evil": "<b>x"} })
	b := w.browser()
	b.signIn(w.key)
	const evil = `</pre></code><script>alert(1)</script>"' onload=x`
	e := w.publish("post.created", map[string]any{"evil": evil})
	for _, path := range []string{"", "/explain"} {
		if found := inline.FindString(b.get(acmeEvents+"/"+e.ID+path).want(200, "&lt;script&gt;alert(1)").text); found != "" {
			t.Errorf("%s has %q", path, found)
		}
	}
	deep := w.publish("post.created", map[string]any{"deep": jsonOf(strings.Repeat("[", 90) + strings.Repeat("]", 90))})
	b.get(acmeEvents+"/"+deep.ID).want(200, "[[[[").lacks("Raw</summary>")
	large := w.publish("post.created", map[string]any{"large": strings.Repeat("ä<", 50_000)})
	if p := b.get(acmeEvents+"/"+large.ID).want(200, "This is its beginning", "Download all of it"); len(p.text) > 1<<20 {
		t.Errorf("the page has %d bytes", len(p.text))
	}
	if got := b.get(acmeEvents + "/" + large.ID + "/payload").text; !strings.Contains(got, strings.Repeat("ä<", 50_000)) {
		t.Error("the download is not all of it")
	}
}

func TestAnEventSaysWhyAnEndpointDidNotGetIt(t *testing.T) {
	t.Parallel()
	w, r := running(t), newReceiver(t)
	w.endpoint(r.URL+"/filtered", func(in *client.EndpointInput) {
		in.Filters = jsonOf(`{"status":{"$in":["published"]},"lang":"en"}`)
	})
	w.endpoint(r.URL+"/missing", func(in *client.EndpointInput) { in.Filters = map[string]any{"author.id": 7} })
	w.endpoint(r.URL+"/other", func(in *client.EndpointInput) { in.Events = []string{"posts.created"} })
	gets := w.endpoint(r.URL + "/gets")
	b := w.browser()
	b.signIn(w.key)
	e := w.publish("post.created", map[string]any{"status": "draft"})
	at := acmeEvents + "/" + e.ID + "/explain"
	b.get(at).want(200, "The payload&#39;s &#34;status&#34; is not what the filter wants.", "{&#34;$in&#34;:[&#34;published&#34;]}", "&#34;draft&#34;", "<code>lang</code>", "&#34;en&#34;",
		"<code>author.id</code>", "<dd>nothing</dd>", "did you mean posts.created?", "The receiver took it with a 204", "Not sent").lacks("If it were published now")
	if _, err := w.client.Endpoints.Update(t.Context(), gets.ID, client.EndpointPatch{IsActive: client.Set(false)}); err != nil {
		t.Fatal(err)
	}
	b.get(at).want(200, "If it were published now", "The endpoint is disabled: disabled by user.")
	b.get(acmeEvents+"/nobodys/explain").want(404, "There is nothing here")
}

func TestAnEventsPageFollowsItsDeliveriesAndThenLetsGo(t *testing.T) {
	t.Parallel()
	w, r := running(t), newReceiver(t)
	r.answers(http.StatusInternalServerError, "")
	w.endpoint(r.URL, func(in *client.EndpointInput) { in.RetrySchedule = []int{2} })
	e := w.publish("post.created", map[string]any{})
	b := w.browser()
	b.signIn(w.key)
	b.get(acmeEvents+"/"+e.ID).want(200, "1 on the way", "sse-connect", `sse-close="settled"`)
	r.answers(http.StatusNoContent, "")
	began := time.Now()
	live := b.get(acmeEvents+"/"+e.ID+"/live").want(200, "event: deliveries", "Pending", "Delivered", "event: settled\n")
	if took := time.Since(began); took > 30*time.Second || strings.Index(live.text, "Delivered") > strings.Index(live.text, "event: settled") {
		t.Errorf("took %s: %s", took, live.text)
	}
}

func TestPublish(t *testing.T) {
	t.Parallel()
	w, r := running(t), newReceiver(t)
	e := w.endpoint(r.URL, func(in *client.EndpointInput) {
		in.Events, in.Filters = []string{"post.*"}, map[string]any{"status": "published"}
	})
	b := w.browser()
	b.signIn(w.key)
	form := func(pairs ...string) url.Values {
		f := url.Values{"type": {"post.created"}, "data": {`{"status":"published"}`}}
		for i := 0; i < len(pairs); i += 2 {
			f.Set(pairs[i], pairs[i+1])
		}
		return f
	}
	t.Run("LeadsToItsPageHoweverOftenTheFormIsSent", func(t *testing.T) {
		f := form("once", "the-same", "ordering_key", "k")
		first := b.do("POST", acmeEvents, f)
		to := first.header.Get("Location")
		if first.status != 303 || !strings.HasPrefix(to, acmeEvents+"/evt_") {
			t.Fatalf("got %d to %q: %s", first.status, to, first.text)
		}
		b.do("POST", acmeEvents, f).leads(to)
		b.get(to).want(200, "Event published.", "<code class=\"url\">k</code>", r.URL)
		b.do("POST", acmeEvents, form("id", "mine", "endpoint_ids", e.ID)).leads(acmeEvents + "/mine?done=published")
		b.get(acmeEvents+"/mine").want(200, "Only to", e.ID)
		b.do("POST", acmeEvents, form("id", "mine")).leads(acmeEvents + "/mine?done=known")
		b.get(acmeEvents+"/mine?done=known").want(200, "There was an event with this id already; nothing was sent.")
		b.do("POST", acmeEvents, form("id", "later", "deliver_at", time.Now().Add(time.Hour).UTC().Format("2006-01-02T15:04"))).leads(acmeEvents + "/later?done=published")
		b.get(acmeEvents+"/later").want(200, "Not before", "1 on the way")
	})
	t.Run("SaysBesideTheFieldWhatIsWrong", func(*testing.T) {
		for field, f := range map[string]url.Values{
			"type": form("type", "a..b"), "data": form("data", "{\n \"a\": }"), "id": form("id", "no spaces"),
			"deliver_at": form("deliver_at", "soon"), "ordering_key": form("ordering_key", strings.Repeat("k", 200)), "endpoint_ids": form("endpoint_ids", "ep_0"),
		} {
			b.do("POST", acmeEvents, f).want(422, "Not published.", `id="`+field+`-error" aria-live="polite"><p>`)
			b.do("POST", acmeEvents+"/check", f).want(200, `id="`+field+`-error" aria-live="polite" hx-swap-oob="true"><p>`).lacks("<html")
		}
		b.do("POST", acmeEvents, form("data", "{\n \"a\": }")).want(422, "in line 2 at column 7")
		b.do("POST", acmeEvents, form("data", "[1]")).want(422, "must be an object")
	})
	t.Run("SaysWhoWouldGetItAndSendsNothing", func(t *testing.T) {
		before := len(w.events())
		b.do("POST", acmeEvents+"/check", form()).want(200, "1 of 1 endpoint would get it", r.URL)
		b.do("POST", acmeEvents+"/check", form("data", `{"status":"draft"}`)).want(200, "0 of 1 endpoint would get it", "&#34;draft&#34;")
		b.do("POST", acmeEvents+"/check", form("type", "")).want(200).lacks(`<p>This `)
		if after := len(w.events()); after != before {
			t.Errorf("%d events came of it", after-before)
		}
	})
	t.Run("IsNotInTheWayOfAnEventThatIsCalledNew", func(t *testing.T) {
		if _, err := w.client.Events.Publish(t.Context(), client.NewEvent{ID: "new", Type: "post.created", Data: jsonOf(`{"title":"The new one"}`)}); err != nil {
			t.Fatal(err)
		}
		b.get(acmeEvents+"/new").want(200, "The new one")
	})
	t.Run("BeginsWithAnExampleAndShowsWhatItsSchemaSays", func(t *testing.T) {
		in := client.EventTypeInput{Example: jsonOf(`{"id":9007199254740993}`), Schema: jsonOf(`{"required":["id"]}`), Validation: client.ValidationWarn}
		if _, err := w.client.EventTypes.Put(t.Context(), "post.created", in); err != nil {
			t.Fatal(err)
		}
		b.get(acmeEvents+"/-/new?type=post.created").want(200, "&#34;id&#34;: 9007199254740993", `value="post.created"`)
		b.do("POST", acmeEvents, form()).want(200, "Event published", "/data/id", "To the event")
		in.Validation = client.ValidationReject
		if _, err := w.client.EventTypes.Put(t.Context(), "post.created", in); err != nil {
			t.Fatal(err)
		}
		b.do("POST", acmeEvents, form()).want(422, "<code>/id</code> is required")
	})
}

// events are all of acme's.
func (w *whole) events() (all []client.Event) {
	w.t.Helper()
	for e, err := range w.client.Events.All(context.Background(), client.EventFilter{}) {
		if err != nil {
			w.t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}
