package console_test

import (
	"html"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/postrider/postrider/client"
)

var shownKey = regexp.MustCompile(`pr_[\w-]{32}`)

func TestKeys(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.browser()
	w.signIn(adminKey)
	const all = "/console/w/acme/keys"
	list := func() []client.Key {
		t.Helper()
		got, err := client.New(b.url, adminKey).Keys.List(t.Context(), "acme", client.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return got.Data
	}

	t.Run("AreCreatedWithTheScopesThatWereTickedAndShownOnce", func(t *testing.T) {
		w.get(all+"/new").want(200, "Publish events, one or many.")
		form := url.Values{"once": {"first"}, "name": {"<b>reader</b>"}, "scopes": {"deliveries:read", "events:read"}}
		p := w.do("POST", all, form).want(201, "&lt;b&gt;reader&lt;/b&gt;", "shown this once")
		key := shownKey.FindString(p.text)
		if again := w.do("POST", all, form).want(201); shownKey.FindString(again.text) != key || len(list()) != 2 {
			t.Errorf("the form sent twice made another one: %d keys", len(list()))
		}
		if p := w.get(all).want(200, "&lt;b&gt;reader&lt;/b&gt;", "Read events, see deliveries", "Everything in this workspace"); strings.Contains(p.text, key) {
			t.Error("the key is shown again")
		}
		if got := list()[0].Scopes; len(got) != 2 || got[0] != client.ScopeEventsRead || got[1] != client.ScopeDeliveriesRead {
			t.Errorf("got %v", got)
		}
		reader := b.browser()
		reader.signIn(key).leads("/console/")
		reader.get("/console/w/acme/overview").want(200)
		reader.get("/console/w/acme/endpoints").want(403)
	})
	t.Run("OfNoScopeAreRefusedForTheyWouldHaveAll", func(t *testing.T) {
		before := len(list())
		w.do("POST", all, url.Values{"name": {"x"}}).want(422, "This must be at least one.")
		w.do("POST", all, url.Values{"name": {""}, "scopes": {"events:read"}}).want(422, `id="name-error" aria-live="polite">This `)
		w.do("POST", all, url.Values{"name": {"x"}, "scopes": {"everything"}}).want(422, "Not created.")
		if len(list()) != before {
			t.Error("one was made")
		}
	})
	t.Run("EndTheirSessionsWhenTheyAreRevoked", func(_ *testing.T) {
		key := shownKey.FindString(w.do("POST", all, url.Values{"name": {"gone"}, "scopes": {"deliveries:read"}}).text)
		holder := b.browser()
		holder.signIn(key)
		holder.get("/console/w/acme/overview").want(200)
		w.do("POST", all+"/"+list()[0].ID+"/revoke", nil).leads(all + "?done=key-revoked")
		w.get(all+"?done=key-revoked").want(200, "Key revoked.")
		holder.get("/console/w/acme/overview").leads("/console/sign-in?next=" + url.QueryEscape("/console/w/acme/overview"))
		late := b.browser()
		late.signIn(key) // for a second the key may still be believed; what it opens is not
		late.get("/console/w/acme/overview").leads("/console/sign-in?next=" + url.QueryEscape("/console/w/acme/overview"))
		w.do("POST", all+"/"+list()[0].ID+"x/revoke", nil).want(404)
	})
	t.Run("ShowTheirHolderThemselvesAndNoOther", func(t *testing.T) {
		holder := b.browser()
		holder.signIn(b.key)
		p := holder.get(all).want(200, "This is the key you are signed in with", "Retry and cancel deliveries")
		if strings.Contains(html.UnescapeString(p.text), "<b>reader</b>") || strings.Contains(p.text, "New API key") || strings.Contains(p.text, "Revoke") {
			t.Error("shows other keys, or what can't be done")
		}
		portal := b.browser()
		portal.get(b.link(true)).leads("/portal/")
		portal.get("/portal/w/acme/keys").want(404)
	})
}
