package console

import (
	"cmp"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/postrider/postrider/client"
	"github.com/postrider/postrider/test/e2e/stack"
	"github.com/postrider/postrider/test/pinned"
)

var node = pinned.Node("console", ".")

// TestConsole runs all *.test.mjs (those that CONSOLE_TESTS, a pattern, names) against a stack of its own. With
// POSTRIDER_SCREENSHOTS it leaves pictures of the pages in that directory.
func TestConsole(t *testing.T) {
	t.Parallel()
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("there is no chromium; bin/testenv installs it")
	}
	files, err := filepath.Glob(cmp.Or(os.Getenv("CONSOLE_TESTS"), "*.test.mjs"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no tests: %v", err)
	}
	s := stack.New(t)
	api := s.API(t, "POSTRIDER_CONSOLE_TRUSTED_PROXIES=127.0.0.0/8")
	s.Worker(t)
	s.Scheduler(t)
	secure := overTLS(t, api.URL)
	site := httptest.NewTLSServer(http.HandlerFunc(framing))
	t.Cleanup(site.Close)
	rcv := newReceiver(t)
	rcv.answers["billing"] = answer{status: http.StatusInternalServerError}
	key := prepare(t, api.URL, "https://localhost:"+portOf(t, site.URL), rcv.url)
	said := pinned.Run(t, ".", []string{
		"MODULES=" + node.Dir(t) + "/", "CHROMIUM=" + chromium, "URL=" + api.URL, "SECURE_URL=" + secure, "KEY=" + key, "ADMIN_KEY=" + stack.AdminKey,
		"SITE_PORT=" + portOf(t, site.URL), "SCREENSHOTS=" + os.Getenv("POSTRIDER_SCREENSHOTS"), "RECEIVER=" + rcv.url,
	}, "node", append([]string{"--test", "--test-concurrency=1"}, files...)...)
	t.Log(said)
}

// overTLS is a proxy in front of an API, as in production.
func overTLS(t *testing.T, target string) string {
	t.Helper()
	to, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewTLSServer(&httputil.ReverseProxy{FlushInterval: -1, Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Host = r.In.Host
		r.SetXForwarded()
	}})
	t.Cleanup(func() {
		proxy.CloseClientConnections() // live pages
		proxy.Close()
	})
	return proxy.URL
}

// framing is somebody's site, with a frame of what it is told.
func framing(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html")
	fmt.Fprintf(w, `<!doctype html><title>Site</title><iframe name="portal" width="900" height="600" src="%s"></iframe>`, r.URL.Query().Get("src"))
}

func portOf(t *testing.T, raw string) string {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u.Port()
}

// prepare makes a workspace with three endpoints, one of which fails, and lets 40
// events go to them. It returns a key.
func prepare(t *testing.T, apiURL, origin, receiver string) string {
	t.Helper()
	ctx, admin := t.Context(), client.New(apiURL, stack.AdminKey)
	ws, err := admin.Workspaces.Create(ctx, client.WorkspaceInput{ID: "acme", Name: "Acme Blog", PortalOrigins: []string{origin}})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"globex", "initech"} {
		if _, err := admin.Workspaces.Create(ctx, client.WorkspaceInput{ID: client.WorkspaceID(name), Name: name}); err != nil {
			t.Fatal(err)
		}
	}
	key, err := admin.Keys.Create(ctx, string(ws.ID), client.KeyInput{Name: "dev"})
	if err != nil {
		t.Fatal(err)
	}
	c := client.New(apiURL, key.Key)
	for _, in := range []client.EndpointInput{
		{URL: receiver + "/to/search-index", Events: []string{"post.*"}, Description: "Search index", Filters: map[string]any{"status": "published"}},
		{URL: receiver + "/to/billing", Events: []string{"invoice.paid", "post.created"}, Description: "Billing", RetrySchedule: []int{}},
		{URL: receiver + "/to/archive", Events: []string{"*"}},
	} {
		if _, err := c.Endpoints.Create(ctx, in); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 40 {
		e, err := c.Events.Publish(ctx, client.NewEvent{Type: "post.created", Data: map[string]any{"id": i, "status": "published"}, Wait: 5})
		if err != nil || e.Deliveries != 3 {
			t.Fatalf("got %+v, %v", e, err)
		}
	}
	return key.Key
}
