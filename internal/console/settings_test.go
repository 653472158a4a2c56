package console_test

import (
	"html"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/postrider/postrider/client"
	"github.com/postrider/postrider/internal/console"
)

var shownLink = regexp.MustCompile(`<code>(https?://[^<]+/portal/enter\?token=[^<]+)</code>`)

func TestWorkspaces(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.browser()
	w.signIn(adminKey)
	api := client.New(b.url, adminKey)

	t.Run("AreCreatedOnceAndRefusedBesideTheField", func(t *testing.T) {
		w.get("/console/workspaces/new").want(200)
		for field, form := range map[string]url.Values{
			"id": {"name": {"A"}, "id": {"a b"}}, "name": {"id": {"fine"}}, "portal_origins": {"name": {"A"}, "portal_origins": {"https://a.example/path"}},
		} {
			if p := w.do("POST", "/console/workspaces", form).want(422, "Not created."); !strings.Contains(p.text, `id="`+field+`-error" aria-live="polite">This `) {
				t.Errorf("%s has no error", field)
			}
		}
		w.do("POST", "/console/workspaces", url.Values{"name": {"A"}, "id": {"acme"}}).want(422, "This is taken, or was")
		form := url.Values{"once": {"once"}, "name": {"456"}, "id": {"456"}, "portal_origins": {"https://a.example\nhttps://b.example"}}
		for range 2 {
			w.do("POST", "/console/workspaces", form).leads("/console/w/456/overview?done=workspace-created")
		}
		if ws, err := api.Workspaces.Get(t.Context(), "456"); err != nil || len(ws.PortalOrigins) != 2 {
			t.Errorf("got %+v, %v", ws, err)
		}
	})
	t.Run("AreRenamedAndGivenOrigins", func(t *testing.T) {
		const settings = "/console/w/acme/settings"
		form := func(name, origins string) url.Values {
			return url.Values{"version": {w.get(settings).want(200).hidden("version")}, "name": {name}, "portal_origins": {origins}}
		}
		w.get(settings).want(200, "https://app.example.com")
		w.do("POST", settings, form("Acme & Sons", "https://new.example")).leads(settings + "?done=saved")
		w.get(settings).want(200, "Acme &amp; Sons", "https://new.example")
		w.do("POST", settings, form("", "")).want(422, "This is required.")
		w.do("POST", settings, form("A", "javascript:alert(1)")).want(422, `id="portal_origins-error" aria-live="polite">This `)
		w.do("POST", settings, form("Acme", "")).leads(settings + "?done=saved")
		if ws, err := api.Workspaces.Get(t.Context(), "acme"); err != nil || ws.Name != "Acme" || len(ws.PortalOrigins) != 0 {
			t.Errorf("got %+v, %v", ws, err)
		}
	})
	t.Run("AskWhereSomebodyElseChangedThemMeanwhile", func(t *testing.T) {
		const settings = "/console/w/acme/settings"
		form := url.Values{"version": {w.get(settings).hidden("version")}, "name": {"Mine"}, "portal_origins": {""}}
		if _, err := api.Workspaces.Update(t.Context(), "acme", client.WorkspacePatch{PortalOrigins: client.Set([]string{"https://theirs.example"})}); err != nil {
			t.Fatal(err)
		}
		p := w.do("POST", settings, form).want(409, "was changed since you opened this form", `value="Mine"`)
		if ws, err := api.Workspaces.Get(t.Context(), "acme"); err != nil || ws.Name != "Acme" || len(ws.PortalOrigins) != 1 {
			t.Errorf("saved nevertheless: %+v, %v", ws, err)
		}
		form.Set("version", p.hidden("version"))
		w.do("POST", settings, form).leads(settings + "?done=saved")
		was, err := api.Workspaces.Get(t.Context(), "acme")
		if err != nil || was.Name != "Mine" || len(was.PortalOrigins) != 0 {
			t.Errorf("got %+v, %v", was, err)
		}
		form.Set("version", w.get(settings).hidden("version"))
		w.do("POST", settings, form).leads(settings + "?done=saved")
		if is, err := api.Workspaces.Get(t.Context(), "acme"); err != nil || !is.UpdatedAt.Equal(was.UpdatedAt) {
			t.Errorf("changed although nothing was: %+v, %v", is, err)
		}
	})
	t.Run("AreDeletedByWhoTypesTheirIDAlone", func(t *testing.T) {
		b.workspace("789")
		for _, typed := range []string{"", "acme", "78"} {
			w.do("POST", "/console/w/789/delete", url.Values{"confirm": {typed}}).want(422, "Not deleted.")
		}
		if _, err := api.Workspaces.Get(t.Context(), "789"); err != nil {
			t.Fatal(err)
		}
		w.do("POST", "/console/w/789/delete", url.Values{"confirm": {"789"}}).leads("/console/workspaces?done=workspace-deleted")
		w.get("/console/w/789/settings").want(404)
	})
}

func TestPortalLinks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.browser()
	w.signIn(adminKey)
	make := func(pairs ...string) page {
		t.Helper()
		form := url.Values{}
		for i := 0; i < len(pairs); i += 2 {
			form.Set(pairs[i], pairs[i+1])
		}
		return w.do("POST", "/console/w/acme/portal-links", form)
	}
	linkIn := func(p page) string { return html.UnescapeString(shownLink.FindStringSubmatch(p.text)[1]) }

	t.Run("LeadToWhereTheConsoleIsAndOpenOnce", func(_ *testing.T) {
		link := linkIn(make("ability", "view", "expires_in", "60", "once", "o").want(201, "and may look:", "It opens once"))
		path, ours := strings.CutPrefix(link, b.url)
		if !ours {
			b.t.Fatalf("the link is %s, of %s", link, b.url)
		}
		first := b.browser()
		first.get(path).leads("/portal/")
		first.get("/portal/w/acme/endpoints").want(200)
		first.get("/portal/w/acme/endpoints/new").want(403)
		b.browser().get(path).want(401, "was used or is too old")
	})
	t.Run("ManageWhereThatIsChosen", func(_ *testing.T) {
		link := linkIn(make("ability", "manage", "expires_in", "300").want(201, "look and manage"))
		first := b.browser()
		first.get(strings.TrimPrefix(link, b.url)).leads("/portal/")
		first.get("/portal/w/acme/endpoints/new").want(200)
	})
	t.Run("AreRefusedBesideTheField", func(_ *testing.T) {
		make("ability", "everything", "expires_in", "60").want(422, "Not made.", `id="abilities-error" aria-live="polite">This `)
		make("ability", "view", "expires_in", "9999999").want(422, `id="expires_in-error" aria-live="polite">This `)
		make("ability", "view", "expires_in", "soon").want(422, `id="expires_in-error" aria-live="polite">This `)
	})
	t.Run("GoThroughTheProxyInFront", func(_ *testing.T) {
		behind := setup(t, func(c *console.Config) { c.TrustedProxies = prefix("127.0.0.0/8") })
		p := behind.browser()
		p.headers["X-Forwarded-Proto"], p.headers["X-Forwarded-For"] = "https", "203.0.113.7"
		p.signIn(adminKey)
		if link := linkIn(p.do("POST", "/console/w/acme/portal-links", url.Values{"ability": {"view"}, "expires_in": {"60"}}).want(201)); !strings.HasPrefix(link, "https://127.0.0.1:") {
			t.Errorf("got %s", link)
		}
	})
}
