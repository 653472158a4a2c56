package console

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"testing"

	"github.com/postrider/postrider/client"
	"github.com/postrider/postrider/test/e2e/stack"
	"github.com/postrider/postrider/test/pinned"
)

var node = pinned.Node("console", ".")

// TestConsole runs console.test.mjs against a stack of its own. With
// POSTRIDER_SCREENSHOTS it leaves pictures of the pages in that directory.
func TestConsole(t *testing.T) {
	t.Parallel()
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("there is no chromium; bin/testenv installs it")
	}
	s := stack.New(t)
	api := s.API(t, "POSTRIDER_CONSOLE_TRUSTED_PROXIES=127.0.0.0/8")
	s.Worker(t)
	s.Scheduler(t)
	secure := overTLS(t, api.URL)
	site := httptest.NewTLSServer(http.HandlerFunc(framing))
	t.Cleanup(site.Close)
	key := prepare(t, api.URL, "https://localhost:"+portOf(t, site.URL))
	said := pinned.Run(t, ".", []string{
		"MODULES=" + node.Dir(t) + "/", "CHROMIUM=" + chromium, "URL=" + api.URL, "SECURE_URL=" + secure, "KEY=" + key, "ADMIN_KEY=" + stack.AdminKey,
		"SITE_PORT=" + portOf(t, site.URL), "SCREENSHOTS=" + os.Getenv("POSTRIDER_SCREENSHOTS"),
	}, "node", "--test", "console.test.mjs")
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
func prepare(t *testing.T, apiURL, origin string) string {
	t.Helper()
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/billing" {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(receiver.Close)
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
		{URL: receiver.URL + "/search-index", Events: []string{"post.*"}, Description: "Search index", Filters: map[string]any{"status": "published"}},
		{URL: receiver.URL + "/billing", Events: []string{"invoice.paid", "post.created"}, Description: "Billing", RetrySchedule: []int{}},
		{URL: receiver.URL + "/archive", Events: []string{"*"}},
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
