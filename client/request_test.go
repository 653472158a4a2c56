package client

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestRequests(t *testing.T) {
	t.Parallel()

	t.Run("KeepAPayloadsBytes", func(t *testing.T) {
		t.Parallel()
		var body []byte
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			body, _ = io.ReadAll(r.Body)
			io.WriteString(w, "{}")
		}, Config{})
		payload := struct {
			B string  `json:"b"`
			A float64 `json:"a"`
		}{"<a href='x'>&</a>\u2028", 1e21}
		if _, err := c.Dispatch(t.Context(), "a", payload); err != nil {
			t.Fatal(err)
		}
		if want := `{"type":"a","data":{"b":"<a href='x'>&</a>\u2028","a":1e+21}}`; string(body) != want {
			t.Errorf("sent %s", body)
		}
	})

	t.Run("OfNoObjectAreNotMade", func(t *testing.T) {
		t.Parallel()
		c := New("http://api.test", "")
		for _, payload := range []any{nil, 1, "a", []int{1}, []byte("{}"), map[string]any(nil), (*NewEvent)(nil), func() {}} {
			if _, err := c.Dispatch(t.Context(), "post.created", payload); err == nil || !strings.Contains(err.Error(), "post.created") {
				t.Errorf("%T: %v", payload, err)
			}
		}
	})

	t.Run("EscapeIDs", func(t *testing.T) {
		t.Parallel()
		var path string
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			path = r.URL.EscapedPath()
			io.WriteString(w, "{}")
		}, Config{})
		if _, err := c.Events.Get(t.Context(), "a/../b?c#d%"); err != nil || path != "/v1/events/a%2F..%2Fb%3Fc%23d%25" {
			t.Errorf("asked for %s: %v", path, err)
		}
		for _, id := range []string{"", ".", ".."} {
			if _, err := c.Events.Get(t.Context(), id); err == nil {
				t.Errorf("%q is taken for an id", id)
			}
		}
	})

	// A key that was read out of a file ends with one, as a rule.
	t.Run("WithALineBreakInAHeaderAreNotMade", func(t *testing.T) {
		t.Parallel()
		for header, c := range map[string]*Client{
			"Authorization":  New("http://api.test", secretKey+"\n"),
			"X-Workspace-Id": NewWith("http://api.test", secretKey, Config{Workspace: "a\r"}),
			"User-Agent":     NewWith("http://api.test", secretKey, Config{UserAgent: "a\x00"}),
		} {
			if _, err := c.Events.Get(t.Context(), "a"); err == nil || temporary(err) || !strings.Contains(err.Error(), header) {
				t.Errorf("%s: %v", header, err)
			}
		}
	})

	t.Run("GoBelowTheBaseURLsPath", func(t *testing.T) {
		t.Parallel()
		var path string
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			path = r.URL.Path
			io.WriteString(w, "{}")
		}, Config{})
		c = NewWith(c.base+"/hooks/", "", Config{HTTPClient: c.cfg.HTTPClient})
		if err := c.Health(t.Context()); err != nil || path != "/hooks/healthz" {
			t.Errorf("asked for %s: %v", path, err)
		}
	})

	t.Run("SayWhoAsksAndWhere", func(t *testing.T) {
		t.Parallel()
		var h http.Header
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			h = r.Header
			io.WriteString(w, "{}")
		}, Config{Workspace: "456", UserAgent: "blog/1"})
		if _, err := c.Events.Get(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		if h.Get("Authorization") != "Bearer "+secretKey || h.Get("X-Workspace-ID") != "456" || h.Get("User-Agent") != "blog/1" {
			t.Errorf("sent %v", h)
		}
		if _, err := c.In("457").Events.Get(t.Context(), "a"); err != nil || h.Get("X-Workspace-ID") != "457" {
			t.Errorf("sent %v: %v", h, err)
		}
	})
}
