package api

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/postrider/postrider/internal/webhook"
)

// FuzzRequest sends whole requests. Whatever a stranger sends gets a well-formed
// answer that is no 500; nothing is asked of another workspace than the one that
// the key opens; and what would be stored can be.
func FuzzRequest(f *testing.F) {
	admin, key := "Authorization: Bearer "+adminKey+"\r\n", "Authorization: Bearer "+spyKey+"\r\n"
	for _, seed := range [][2]string{
		{"POST /v1/events HTTP/1.1\r\n" + key, `{"type":"a","data":{}}`},
		{"POST /v1/events/batch HTTP/1.1\r\nX-Workspace-ID: w\r\n" + admin, `{"events":[{"type":"a","data":{}}]}`},
		{"POST /v1/endpoints HTTP/1.1\r\nContent-Type: application/json\r\n" + key, `{"url":"https://a.example","events":["*"],"headers":{"X-A":"b"}}`},
		{"PATCH /v1/endpoints/ep_01kqxg5wdgf0m8c4yb2h3t9v6z HTTP/1.1\r\n" + key, `{"metadata":{"a":null}}`},
		{"GET /v1/deliveries?limit=1&status=failed&since=2024-01-15T10:30:00Z HTTP/1.1\r\nX-Workspace-ID: other\r\n" + key, ``},
		{"GET /v1/events HTTP/1.1\r\nX-Workspace-ID: w\r\nX-Workspace-ID: other\r\n" + admin, ``},
		{"GET /v1/events HTTP/1.1\r\n" + admin + key, ``},
		{"POST /v1/workspaces HTTP/1.1\r\n" + admin, `{"id":456,"name":"n"}`},
		{"POST /v1/workspaces/w/keys HTTP/1.1\r\n" + admin, `{"name":"n","scopes":["events:read"]}`},
		{"DELETE /v1/endpoints/x HTTP/1.1\r\nAuthorization: Bearer " + readerKey + "\r\n", ``},
		{"POST /v1/deliveries/dlv_01kqxg5wdgf0m8c4yb2h3t9v6z/retry HTTP/1.1\r\n" + key, `{}`},
		{"POST /v1/endpoints/ep_01kqxg5wdgf0m8c4yb2h3t9v6z/test HTTP/1.1\r\nX-Request-ID: a\r\n" + key, ``},
	} {
		f.Add(seed[0], []byte(seed[1]))
	}
	s := &spy{}
	handler, err := New(s.deps(), Config{AdminKey: adminKey, Now: func() time.Time { return time.Unix(1705314600, 0) }})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, head string, body []byte) {
		raw := fmt.Sprintf("%sHost: api\r\nContent-Length: %d\r\n\r\n%s", head, len(body), body)
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
		if err != nil {
			return // net/http's server answers such
		}
		*s = spy{}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		checkAnswer(t, raw, w)
		if w.Code >= 400 && r.Method != http.MethodHead { // the spy's things are made of zeros, and the recorder keeps HEAD's body
			conforms(t, r, w.Code, w.Header(), w.Body.Bytes())
		}
		checkAccess(t, raw, r.Header, s)
		if len(s.bad) > 0 {
			t.Fatalf("%q: what can't be stored gets through: %q", raw, s.bad)
		}
	})
}

func checkAnswer(t *testing.T, raw string, w *httptest.ResponseRecorder) {
	t.Helper()
	got := w.Result()
	defer got.Body.Close()
	body := w.Body.Bytes()
	switch got.StatusCode {
	case 200, 201, 202, 204, 400, 401, 403, 404, 405, 413, 415, 422:
	default:
		t.Fatalf("%q: status %d: %s", raw, got.StatusCode, body)
	}
	kind := got.Header.Get("Content-Type")
	if strings.HasSuffix(kind, "json") && (!json.Valid(body) || !utf8.Valid(body)) || len(body) > 0 && kind == "" {
		t.Fatalf("%q: answered %q as %q", raw, body, kind)
	}
	if bytes.Contains(body, []byte(adminKey)) && !strings.Contains(raw, "?") {
		t.Fatalf("%q: the admin key is in the answer %s", raw, body)
	}
	if got.StatusCode < 400 {
		return
	}
	var p problem
	if kind != problemType || json.Unmarshal(body, &p) != nil || p.Status != got.StatusCode || p.Code == "" || p.Detail == "" || p.RequestID == "" {
		t.Fatalf("%q: answered %d with %s", raw, got.StatusCode, body)
	}
	if got.StatusCode == 422 && len(p.Errors) == 0 {
		t.Fatalf("%q: nothing says what is wrong: %s", raw, body)
	}
	for name, values := range got.Header {
		if strings.ContainsAny(name+strings.Join(values, ""), "\r\n\x00") {
			t.Fatalf("%q: header %q: %q", raw, name, values)
		}
	}
}

var bearer = regexp.MustCompile(`^(?i:bearer) *\s*(\S+)\s*$`)

// checkAccess holds what was asked against what the headers allow.
func checkAccess(t *testing.T, raw string, h http.Header, s *spy) {
	t.Helper()
	key := ""
	if given := h["Authorization"]; len(given) == 1 {
		if m := bearer.FindStringSubmatch(given[0]); m != nil {
			key = m[1]
		}
	}
	named := h["X-Workspace-Id"]
	var allowed webhook.WorkspaceID // "" allows none
	switch {
	case key == adminKey && len(named) == 1:
		allowed = webhook.WorkspaceID(named[0])
	case (key == spyKey || key == readerKey) && (len(named) == 0 || len(named) == 1 && (named[0] == "w" || named[0] == "")):
		allowed = "w"
	}
	for _, ws := range s.workspaces {
		if ws != allowed || allowed == "" {
			t.Fatalf("%q: asked workspace %q, allowed is %q", raw, ws, allowed)
		}
	}
	if s.admin && key != adminKey {
		t.Fatalf("%q: the key %q did what only the admin may", raw, key)
	}
	if len(s.writes) > 0 && key == readerKey {
		t.Fatalf("%q: a key that may read wrote %q", raw, s.writes)
	}
}
