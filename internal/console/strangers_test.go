package console_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/postrider/postrider/internal/console"
	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
)

// filled is a page's path with this in place of each id.
func filled(base string, p *console.Page, id string) string {
	return base + strings.NewReplacer("{workspace}", "acme", "{id}", id, "{name}", id, "{replay}", id).Replace(p.Path)
}

// TestEveryPageAgainstStrangers tries all pages there are, also those that come later.
func TestEveryPageAgainstStrangers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	admin := b.browser()
	admin.signIn(adminKey)

	t.Run("NeedsASession", func(t *testing.T) {
		for _, p := range console.Pages() {
			w := b.browser()
			if got := w.do(p.Method, filled("/console", &p, "x"), nil); got.status != 303 || !strings.HasPrefix(got.header.Get("Location"), "/console/sign-in") {
				t.Errorf("%s %s: %d to %s", p.Method, p.Path, got.status, got.header.Get("Location"))
			}
			w.headers["HX-Request"] = "true"
			if got := w.do(p.Method, filled("/console", &p, "x"), nil); got.status != 401 || got.header.Get("HX-Redirect") != "/console/sign-in" {
				t.Errorf("%s %s by htmx: %d, %v", p.Method, p.Path, got.status, got.header)
			}
			if got := b.browser().do(p.Method, filled("/portal", &p, "x"), nil); got.status != 401 {
				t.Errorf("%s %s in the portal: %d", p.Method, p.Path, got.status)
			}
		}
	})
	t.Run("RefusesFormsOfOtherSitesAndOfSubdomains", func(t *testing.T) {
		for _, p := range console.Pages() {
			if p.Method == http.MethodGet {
				continue
			}
			for name, value := range map[string]string{"Sec-Fetch-Site": "same-site", "Origin": "https://evil.example"} {
				admin.headers[name] = value
				if got := admin.do(p.Method, filled("/console", &p, "x"), nil); got.status != 403 || !strings.Contains(got.text, "This did not come from here") {
					t.Errorf("%s %s with %s: %d", p.Method, p.Path, name, got.status)
				}
				delete(admin.headers, name)
			}
		}
	})
	t.Run("IsForTheAdminAloneWhereItSaysSo", func(t *testing.T) {
		w, portal := b.browser(), b.browser()
		w.signIn(b.key)
		portal.get(b.link(true)).leads("/portal/")
		for _, p := range console.Pages() {
			if p.Portal {
				continue
			}
			for base, as := range map[string]*browser{"/console": w, "/portal": portal} {
				if got := as.do(p.Method, filled(base, &p, "x"), nil); got.status != 404 {
					t.Errorf("%s %s%s: %d", p.Method, base, p.Path, got.status)
				}
			}
		}
	})
	t.Run("OfAnotherWorkspaceIsNotThere", func(t *testing.T) {
		b.workspace("foreign")
		w, portal := b.browser(), b.browser()
		w.signIn(b.key)
		portal.get(b.link(true)).leads("/portal/")
		for _, p := range console.Pages() {
			path := strings.Replace(p.Path, "{workspace}", "foreign", 1)
			if path == p.Path {
				continue
			}
			for base, as := range map[string]*browser{"/console": w, "/portal": portal} {
				q := console.Page{Path: path}
				if got := as.do(p.Method, filled(base, &q, "x"), nil); got.status != 404 {
					t.Errorf("%s %s%s: %d", p.Method, base, path, got.status)
				}
			}
		}
	})
	t.Run("RefusesWhatIsNoText", func(t *testing.T) {
		for _, p := range console.Pages() {
			path := filled("/console", &p, "x")
			for _, query := range []string{"?cursor=%00", "?a=%ff", "?%00=a", "?a=%zz", "?a;b"} {
				if got := admin.do(p.Method, path+query, nil); got.status != 400 {
					t.Errorf("%s %s%s: %d", p.Method, path, query, got.status)
				}
			}
			if p.Method == http.MethodGet {
				continue
			}
			for _, text := range []string{"\x00", "\xff", "a\xc3"} {
				if got := admin.do(p.Method, path, url.Values{"name": {text}}); got.status != 400 {
					t.Errorf("%s %s with %q: %d", p.Method, path, text, got.status)
				}
			}
		}
	})
	t.Run("IsNeverOurFault", func(t *testing.T) {
		names := []string{"cursor", "window", "status", "type", "action", "actor", "target", "since", "until", "done", "name", "id", "url", "events", "filters", "scopes", "once", "ability", "expires_in", "portal_origins", "limit"}
		for _, p := range console.Pages() {
			for _, id := range []string{"..%2f..%2fetc", "%00", "%ff", "%0d%0aX:y", strings.Repeat("x", 4000), "💥", "ep_01kqxg5wdgf0m8c4yb2h3t9v6z"} {
				if p.Long || !strings.Contains(strings.Replace(p.Path, "{workspace}", "", 1), "{") {
					continue
				}
				if got := admin.do(p.Method, filled("/console", &p, id), nil); got.status >= 500 {
					t.Errorf("%s %s with %q: %d", p.Method, p.Path, id, got.status)
				}
			}
			for _, text := range []string{"-1", "' OR 1=1", "\r\nSet-Cookie: a=b", "{{.}}", strings.Repeat("9", 3000), "💥", "<script>"} {
				form := url.Values{}
				for _, name := range names {
					form.Set(name, text)
				}
				path, body := filled("/console", &p, "x"), form
				if p.Method == http.MethodGet {
					path, body = path+"?"+url.Values{"cursor": {text}, "window": {text}, "since": {text}, "target": {text}, "actor": {text}, "status": {text}}.Encode(), nil
				}
				if p.Long && p.Method == http.MethodGet {
					continue // live: its answer goes on
				}
				got := admin.do(p.Method, path, body)
				if got.status >= 500 || slices.Contains(got.header.Values("Set-Cookie"), "a=b") {
					t.Errorf("%s %s with %.20q: %d %v", p.Method, p.Path, text, got.status, got.header)
				}
			}
		}
	})
}

func TestFormsOfStrangers(t *testing.T) {
	t.Parallel()
	b := setup(t)

	t.Run("MayNotBeLargerThanAnythingThatIsTyped", func(_ *testing.T) {
		form := url.Values{"key": {strings.Repeat("x", 5<<20)}}
		b.browser().do("POST", "/console/sign-in", form).want(413, "This is too large")
	})
	t.Run("HaveATokenOfOurs", func(_ *testing.T) {
		w := b.browser()
		w.signIn(adminKey)
		for _, once := range []string{"a\r\nX: y", "a b", strings.Repeat("x", 300)} {
			w.do("POST", "/console/w/acme/endpoints", url.Values{"once": {once}, "url": {"https://example.com"}, "events": {"*"}}).want(400)
		}
	})
	t.Run("MustBeForms", func(_ *testing.T) {
		w := b.browser()
		w.headers["Content-Type"] = "multipart/form-data; boundary=x"
		w.do("POST", "/console/sign-in", url.Values{"key": {b.key}}).want(415)
		w.headers["Content-Type"] = "text/plain"
		w.do("POST", "/console/sign-in", url.Values{"key": {b.key}}).want(415)
	})
	t.Run("LeadNobodyElsewhereAfterTheSignIn", func(_ *testing.T) {
		for next, want := range map[string]string{
			"/console/w/acme/overview?window=1h": "/console/w/acme/overview?window=1h", "/console/..//evil.example": "/console/", "/console/../v1/keys": "/console/",
			"/\tevil.example": "/console/", "/console/\tx": "/console/", "/console/%0d%0aSet-Cookie:a=b": "/console/%0d%0aSet-Cookie:a=b",
			"http:/console/": "/console/", "https://evil.example/console/": "/console/", "///evil.example/console/": "/console/", "/console//evil.example": "/console/",
			"/console/.%5cevil.example": "/console/.%5cevil.example", "/console/sign-in?next=x": "/console/",
		} {
			b.browser().do("POST", "/console/sign-in", url.Values{"key": {b.key}, "next": {next}}).leads(want)
		}
	})
	t.Run("AskForNoFileBesideTheAssets", func(_ *testing.T) {
		for _, path := range []string{"/console/assets/..%2fdoc.go", "/console/assets/%2e%2e%2fdoc.go", "/console/assets/app.css", "/console/assets/"} {
			if got := b.browser().get(path); got.status != 404 && got.status != 303 {
				b.t.Errorf("%s: %d", path, got.status)
			}
		}
	})
	t.Run("NameAWorkspaceAndTheHeadersStay", func(t *testing.T) {
		_, err := postgres.NewWorkspaces(b.db).Create(t.Context(), webhook.Workspace{ID: "crlf", Name: "a\r\nSet-Cookie: x=1\r\n\r\n</title><script>alert(1)</script>"})
		if err != nil {
			t.Fatal(err)
		}
		w := b.browser()
		w.signIn(adminKey)
		for _, path := range []string{"/console/w/crlf/overview", "/console/workspaces", "/console/w/crlf/settings"} {
			p := w.get(path).want(200, "&lt;/title&gt;&lt;script&gt;")
			if p.header.Get("Set-Cookie") != "" || inline.MatchString(p.text) {
				t.Errorf("%s: %v", path, p.header)
			}
		}
	})
}

func TestSessionEnds(t *testing.T) {
	t.Parallel()
	cookie := func(p page) string { c, _, _ := strings.Cut(p.header.Get("Set-Cookie"), ";"); return c }

	t.Run("WithTheAdminKeyThatOpenedIt", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		other := b.again(func(c *console.Config) { c.AdminKey = "another-admin-key" })
		admin, key := cookie(b.browser().signIn(adminKey)), cookie(b.browser().signIn(b.key))
		for at, want := range map[*bundle]int{b: 200, other: 303} {
			w := at.browser()
			w.headers["Cookie"] = admin
			if got := w.get("/console/workspaces"); got.status != want {
				t.Errorf("the admin's: %d, want %d", got.status, want)
			}
			w.headers["Cookie"] = key // opened by a key that is still good
			w.get("/console/w/acme/endpoints").want(200)
		}
	})
	t.Run("WhenItsBrowserSignsInAnew", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		w := b.browser()
		before := cookie(w.signIn(b.key))
		after := cookie(w.signIn(b.key))
		thief := b.browser()
		thief.headers["Cookie"] = before
		if got := thief.get("/console/w/acme/endpoints"); got.status != 303 || before == after {
			t.Errorf("the one before: %d", got.status)
		}
		w.get("/console/w/acme/endpoints").want(200)
	})
	t.Run("NeverBeginsAsOneThatSomebodyPlanted", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		w := b.browser()
		w.headers["Cookie"] = "postrider_console=a.planted"
		if got := cookie(w.signIn(adminKey)); got == "postrider_console=a.planted" || got == "" {
			t.Errorf("got %q", got)
		}
		w.get("/console/workspaces").leads("/console/sign-in?next=%2Fconsole%2Fworkspaces")
	})
}
