package console_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/console"
	"github.com/postrider/postrider/internal/postgres"
)

func TestSignIn(t *testing.T) {
	t.Parallel()

	t.Run("TakesAWorkspacesKeyAndTheAdmins", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		w := b.browser()
		w.get("/console/w/acme/endpoints").leads("/console/sign-in?next=%2Fconsole%2Fw%2Facme%2Fendpoints")
		p := w.signIn(b.key).leads("/console/")
		if c := p.header.Get("Set-Cookie"); !strings.Contains(c, "HttpOnly") || !strings.Contains(c, "SameSite=Lax") || strings.Contains(c, "Secure") || strings.Contains(c, b.key) {
			t.Errorf("got cookie %s", c)
		}
		w.get("/console/").leads("/console/w/acme/overview")
		w.get("/console/w/acme/overview").want(200, "No events yet")
		admin := b.browser()
		admin.signIn(adminKey)
		admin.get("/console/").leads("/console/workspaces")
		admin.get("/console/workspaces").want(200, "Workspace acme")
		admin.get("/console/w/acme/endpoints").want(200, "No endpoints yet")
		admin.get("/console/w/nobody/endpoints").want(404, "There is nothing here")
	})
	t.Run("WrongKeyOpensNothingAndTooManyAreRefused", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		w := b.browser()
		for range 10 {
			w.signIn("wrong").want(401, "This key is wrong or was revoked")
		}
		if p := w.signIn(b.key).want(429, "Too many wrong keys"); p.header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
		b.ahead = time.Minute
		w.signIn(b.key).leads("/console/")
	})
	t.Run("StrangersOfManyAddressesKeepNobodyElseOut", func(t *testing.T) {
		t.Parallel()
		b := setup(t, func(c *console.Config) { c.TrustedProxies = prefix("127.0.0.0/8") })
		for i := range 150 {
			w := b.browser()
			w.headers["X-Forwarded-For"] = fmt.Sprintf("198.51.100.%d", i)
			w.signIn("wrong").want(401)
		}
		w := b.browser()
		w.headers["X-Forwarded-For"] = "203.0.113.1"
		w.signIn(b.key).leads("/console/")
		for i := range 11 { // a household has a whole /64
			w.headers["X-Forwarded-For"] = fmt.Sprintf("2001:db8::%d", i)
			if i < 10 {
				w.signIn("wrong").want(401)
			} else {
				w.signIn("wrong").want(429)
			}
		}
	})
	t.Run("GoesOnAtAPageOfTheConsoleOnly", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		for next, want := range map[string]string{
			"/console/w/acme/endpoints": "/console/w/acme/endpoints", "https://evil.example/": "/console/", "//evil.example": "/console/",
			"/console/\\evil.example": "/console/", "/console/sign-out": "/console/", "": "/console/",
		} {
			b.browser().do("POST", "/console/sign-in", url.Values{"key": {b.key}, "next": {next}}).leads(want)
		}
	})
	t.Run("LastsTwelveHours", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		w := b.browser()
		w.signIn(b.key)
		b.ahead = 12*time.Hour - time.Minute
		w.get("/console/w/acme/endpoints").want(200)
		b.ahead = 12*time.Hour + time.Second
		if p := w.get("/console/w/acme/endpoints"); p.status != 303 {
			t.Errorf("got %d", p.status)
		}
	})
	t.Run("EndsWithItsKeyItsWorkspaceAndTheSignOut", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		revoked, out := b.browser(), b.browser()
		cookies := out.signIn(b.key).header.Get("Set-Cookie")
		revoked.signIn(b.key)
		out.do("POST", "/console/sign-out", nil).leads("/console/sign-in")
		thief := b.browser() // kept the cookie
		thief.headers["Cookie"], _, _ = strings.Cut(cookies, ";")
		if p := thief.get("/console/w/acme/endpoints"); p.status != 303 {
			t.Errorf("a session that was signed out: %d", p.status)
		}
		revoked.get("/console/w/acme/endpoints").want(200)
		if err := postgres.NewKeys(b.db).Revoke(t.Context(), "acme", b.keyID); err != nil {
			t.Fatal(err)
		}
		if p := revoked.get("/console/w/acme/endpoints"); p.status != 303 {
			t.Errorf("a revoked key's session: %d", p.status)
		}
		portal := b.browser()
		portal.get(b.link(true)).leads("/portal/")
		portal.get("/portal/w/acme/endpoints").want(200)
		if err := postgres.NewWorkspaces(b.db).Delete(t.Context(), "acme"); err != nil {
			t.Fatal(err)
		}
		portal.get("/portal/w/acme/endpoints").want(401, "Your visit is over")
	})
	t.Run("CookieIsSecureBehindATrustedProxyOverTLS", func(t *testing.T) {
		t.Parallel()
		b := setup(t, func(c *console.Config) { c.TrustedProxies = prefix("127.0.0.0/8") })
		w := b.browser()
		w.headers["X-Forwarded-Proto"] = "https"
		if c := w.signIn(b.key).header.Get("Set-Cookie"); !strings.HasPrefix(c, "__Host-postrider_console=") || !strings.Contains(c, "; Secure") {
			t.Errorf("got %s", c)
		}
		if c := w.get(b.link(true)).header.Get("Set-Cookie"); !strings.Contains(c, "SameSite=None") || !strings.Contains(c, "Partitioned") || !strings.Contains(c, "; Secure") {
			t.Errorf("got %s", c)
		}
		stranger := setup(t)
		w = stranger.browser()
		w.headers["X-Forwarded-Proto"] = "https"
		if c := w.signIn(stranger.key).header.Get("Set-Cookie"); strings.Contains(c, "Secure") {
			t.Errorf("a header of anybody's is believed: %s", c)
		}
	})
}

func TestPortal(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.workspace("other")

	t.Run("LinkOpensItOnceHoweverManyUseItAtOnce", func(t *testing.T) {
		link := b.link(true)
		if p := b.browser().do("HEAD", link, nil); p.status != 204 {
			t.Errorf("a HEAD: %d", p.status)
		}
		var in atomic.Int32
		var all sync.WaitGroup
		for range 6 {
			w := b.browser()
			all.Go(func() {
				if p := w.get(link); p.status == 303 {
					in.Add(1)
				} else if p.status != 401 {
					t.Errorf("got %d", p.status)
				}
			})
		}
		all.Wait()
		if in.Load() != 1 {
			t.Errorf("%d came in", in.Load())
		}
		b.browser().get(link).want(401, "This link was used or is too old")
	})
	t.Run("ShowsOneWorkspaceAndNothingOfTheAdmins", func(_ *testing.T) {
		w := b.browser()
		w.get(b.link(true)).leads("/portal/")
		w.get("/portal/w/acme/endpoints").want(200)
		w.get("/portal/w/other/endpoints").want(404)
		w.get("/portal/workspaces").want(404)
		if p := w.get("/console/w/acme/endpoints"); p.status != 303 {
			b.t.Errorf("the portal's cookie opens the console: %d", p.status)
		}
	})
	t.Run("ViewerChangesNothing", func(t *testing.T) {
		w := b.browser()
		w.get(b.link(false)).leads("/portal/")
		if p := w.get("/portal/w/acme/endpoints").want(200); strings.Contains(p.text, "New endpoint") {
			t.Error("shows what can't be done")
		}
		w.get("/portal/w/acme/endpoints/new").want(403)
		w.do("POST", "/portal/w/acme/endpoints", url.Values{"url": {"https://example.com"}, "events": {"*"}}).want(403)
	})
	t.Run("MayBeFramedByItsOriginsAndTheConsoleByNobody", func(t *testing.T) {
		w := b.browser()
		w.get(b.link(true)).leads("/portal/")
		if p := w.get("/portal/w/acme/endpoints"); !strings.HasSuffix(p.header.Get("Content-Security-Policy"), "frame-ancestors https://app.example.com") || p.header.Get("X-Frame-Options") != "" {
			t.Errorf("got %v", p.header)
		}
		w.signIn(b.key)
		if p := w.get("/console/w/acme/endpoints"); !strings.HasSuffix(p.header.Get("Content-Security-Policy"), "frame-ancestors 'none'") || p.header.Get("X-Frame-Options") != "DENY" {
			t.Errorf("got %v", p.header)
		}
	})
}

func TestEveryPage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.browser()
	w.signIn(adminKey)
	w.do("POST", "/console/w/acme/endpoints", url.Values{"url": {`https://example.com/"><script>alert(1)</script>`}, "description": {"</title><img src=x onerror=alert(1)>"}, "events": {"post.*"}, "is_active": {"1"}})
	paths := []string{"/console/sign-in", "/console/workspaces", "/console/w/acme/overview", "/console/w/acme/endpoints", "/console/w/acme/endpoints/new", "/console/nothing"}

	t.Run("HasTheHeadersAndNothingInline", func(t *testing.T) {
		for _, path := range paths {
			p := w.get(path)
			h := p.header
			if !strings.HasPrefix(h.Get("Content-Security-Policy"), "default-src 'self';") || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Cache-Control") != "no-store" || h.Get("Referrer-Policy") == "" {
				t.Errorf("%s: %v", path, h)
			}
			if found := inline.FindString(p.text); found != "" {
				t.Errorf("%s has %q", path, found)
			}
		}
	})
	t.Run("RefusesAFormOfAnotherSite", func(_ *testing.T) {
		evil := b.browser()
		evil.headers["Sec-Fetch-Site"] = "cross-site"
		evil.signIn(b.key).want(403, "This did not come from here")
		evil.get("/console/sign-in").want(200)
	})
	t.Run("LoadsAssetsThatMayBeKept", func(t *testing.T) {
		p := w.get("/console/sign-in")
		_, rest, _ := strings.Cut(p.text, `stylesheet" href="`)
		path, _, _ := strings.Cut(rest, `"`)
		if css := w.get(path).want(http.StatusOK, "--bg"); !strings.Contains(css.header.Get("Cache-Control"), "immutable") || !strings.HasPrefix(css.header.Get("Content-Type"), "text/css") {
			t.Errorf("got %v", css.header)
		}
	})
}
