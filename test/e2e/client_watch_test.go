package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/postrider/postrider/internal/conform"
)

// watched holds every answer to the description, and keeps which operations
// succeeded.
type watched struct {
	t    *testing.T
	d    *conform.Description
	ids  map[string]string // by method and path
	mu   sync.Mutex
	seen map[string]bool
}

func newWatched(t *testing.T) *watched {
	t.Helper()
	raw, err := os.ReadFile("../../openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	d, err := conform.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	var description struct {
		Paths map[string]map[string]struct {
			ID string `json:"operationId"`
		} `json:"paths"`
	}
	if err := json.Unmarshal(raw, &description); err != nil {
		t.Fatal(err)
	}
	w := &watched{t: t, d: d, ids: map[string]string{}, seen: map[string]bool{}}
	for path, item := range description.Paths {
		for method, op := range item {
			w.ids[strings.ToUpper(method)+" "+path] = op.ID
		}
	}
	return w
}

func (w *watched) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	var body []byte
	if resp.Header.Get("Content-Type") != "text/event-stream" { // which has no end
		body, err = io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			return nil, err
		}
		resp.Body = io.NopCloser(bytes.NewReader(body))
	}
	if err := w.d.Check(&conform.Answer{Method: r.Method, Path: r.URL.EscapedPath(), Status: resp.StatusCode, Header: resp.Header, Body: body}); err != nil {
		w.t.Error(err)
	}
	if resp.StatusCode < 300 {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.seen[w.idOf(r)] = true
	}
	return resp, nil
}

// idOf finds the operation whose path has the most in common with the request's.
func (w *watched) idOf(r *http.Request) string {
	given := strings.Split(r.URL.Path, "/")
	best, fixed := "", -1
	for route, id := range w.ids {
		method, path, _ := strings.Cut(route, " ")
		parts := strings.Split(path, "/")
		if method != r.Method || len(parts) != len(given) {
			continue
		}
		n, same := 0, true
		for i, part := range parts {
			if part == given[i] {
				n++
			} else if !strings.HasPrefix(part, "{") {
				same = false
			}
		}
		if same && n > fixed {
			best, fixed = id, n
		}
	}
	return best
}
