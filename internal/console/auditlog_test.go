package console_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/postrider/postrider/client"
)

func TestAuditLog(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w, admin := b.browser(), b.browser()
	w.signIn(b.key)
	admin.signIn(adminKey)
	const log = "/console/w/acme/audit-log"

	t.Run("IsEmptyAtFirst", func(_ *testing.T) {
		w.get(log).want(200, "Nothing was changed yet", "postrider audit-log")
	})
	t.Run("SaysInWordsWhoDidWhat", func(t *testing.T) {
		c := client.New(b.url, b.key)
		e, err := c.Endpoints.Create(t.Context(), client.EndpointInput{URL: "https://example.com/hook", Events: []string{"*"}, Description: `</pre><script>alert(1)</script>`})
		if err != nil {
			t.Fatal(err)
		}
		w.do("POST", "/console/w/acme/endpoints/"+e.ID+"/disable", nil)
		if _, err := c.Endpoints.Update(t.Context(), e.ID, client.EndpointPatch{Timeout: client.Set(20), Secret: new("whsec_" + strings.Repeat("A", 32))}); err != nil {
			t.Fatal(err)
		}
		p := w.get(log).want(200, "Key dev</a> disabled endpoint <a href=\"/console/w/acme/endpoints/"+e.ID+"\"", "Key dev</a> created endpoint", "2 fields: ",
			"&lt;/pre&gt;&lt;script&gt;", "<code>timeout</code>", "<pre>20</pre>", "from 127.0.0.1", "request <code>req_", "not shown whole")
		if strings.Contains(p.text, "AAAAAAAA") || inline.MatchString(p.text) {
			t.Error("shows a secret, or runs what a stranger sent")
		}
		admin.get(log).want(200, "Key dev</a> disabled endpoint")
	})
	t.Run("IsNarrowedByTheAddress", func(t *testing.T) {
		shows := func(query string, want, not string) {
			t.Helper()
			if p := w.get(log+query).want(200, want); not != "" && strings.Contains(p.text, not) {
				t.Errorf("%s shows %q", query, not)
			}
		}
		shows("?action=createEndpoint", "created endpoint", "disabled endpoint")
		shows("?action=createEndpoint", `value="createEndpoint" selected`, "")
		shows("?actor=admin", "Nothing like this", "created endpoint")
		shows("?since=2000-01-01T00:00&until=2001-01-01T00:00", "Nothing like this", "created endpoint")
		shows("?until=2999-01-01T00:00", "created endpoint", "")
		for query, field := range map[string]string{"?since=yesterday": "since", "?actor=%3Cb%3E": "actor", "?target=%20%2F%20": "target"} {
			p := w.get(log + query)
			if p.status != 422 {
				t.Errorf("%s: %d", query, p.status)
			}
			if !strings.Contains(p.text, `id="`+field+`-error">This `) {
				t.Errorf("%s says nothing beside its field", query)
			}
		}
	})
	t.Run("KeepsItsFiltersFromPageToPage", func(t *testing.T) {
		for range 55 {
			w.do("POST", "/console/w/acme/endpoints", url.Values{"url": {"https://example.com/many"}, "events": {"*"}, "is_active": {"1"}})
		}
		p := w.get(log+"?action=createEndpoint").want(200, `rel="next"`)
		_, rest, _ := strings.Cut(p.text, `rel="next" href="`)
		next, _, _ := strings.Cut(rest, `"`)
		if !strings.Contains(next, "action=createEndpoint") {
			t.Errorf("the next page is %s", next)
		}
		w.get(strings.ReplaceAll(next, "&amp;", "&")).want(200, "created endpoint", "Newest")
	})
	t.Run("OfEveryWorkspaceIsTheAdmins", func(t *testing.T) {
		admin.do("POST", "/console/workspaces", url.Values{"name": {"Other"}, "id": {"other"}}).leads("/console/w/other/overview?done=workspace-created")
		admin.get("/console/audit-log").want(200, "Admin</a> created workspace", `<a href="/console/w/other/overview">other</a>`, `in <a href="/console/w/acme/audit-log">acme</a>`)
		w.get("/console/audit-log").want(404)
		if p := w.get(log); strings.Contains(p.text, "other") {
			t.Error("shows another workspace's")
		}
	})
	t.Run("NeedsEveryScope", func(t *testing.T) {
		k, err := client.New(b.url, adminKey).Keys.Create(t.Context(), "acme", client.KeyInput{Name: "most", Scopes: []client.Scope{
			client.ScopeEventsRead, client.ScopeEndpointsWrite, client.ScopeEndpointsRead, client.ScopeDeliveriesWrite, client.ScopeDeliveriesRead,
		}})
		if err != nil {
			t.Fatal(err)
		}
		most, portal := b.browser(), b.browser()
		most.signIn(k.Key)
		if p := most.get(log).want(403, "needs a key with every scope"); strings.Contains(p.text, "/audit-log\"") {
			t.Error("offers what may not be seen")
		}
		portal.get(b.link(true)).leads("/portal/")
		portal.get("/portal/w/acme/audit-log").want(403)
	})
}
