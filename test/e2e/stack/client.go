package stack

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"
)

// Client calls one API with one key.
type Client struct {
	url, key string
	once     string // an Idempotency-Key
	trace    string // a traceparent
	http     *http.Client
}

// Answer is what came back.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

func newHTTPClient(t testing.TB) *http.Client {
	transport := &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: time.Minute}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: time.Minute}
}

// Admin calls an API with the admin key.
func (s *Stack) Admin(api *Process) Client { return Client{url: api.URL, key: AdminKey, http: s.http} }

// Client calls an API with a key.
func (s *Stack) Client(api *Process, key string) Client {
	return Client{url: api.URL, key: key, http: s.http}
}

// Key is the caller's.
func (c Client) Key() string { return c.key }

// At is the same caller at another API.
func (c Client) At(api *Process) Client {
	c.url = api.URL
	return c
}

// Once is the same caller, with an Idempotency-Key.
func (c Client) Once(key string) Client {
	c.once = key
	return c
}

// In is the same caller, in a trace.
func (c Client) In(traceparent string) Client {
	c.trace = traceparent
	return c
}

// Try makes a request, with in as its JSON body unless it is nil. The error
// says that no answer came.
func (c Client) Try(ctx context.Context, method, path string, in any) (Answer, error) {
	var body io.Reader
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return Answer{}, err
		}
		body = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.url+path, body)
	if err != nil {
		return Answer{}, err
	}
	req.Header.Set("Authorization", "Bearer "+c.key)
	if c.once != "" {
		req.Header.Set("Idempotency-Key", c.once)
	}
	if c.trace != "" {
		req.Header.Set("Traceparent", c.trace)
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := c.http.Do(req)
	if err != nil {
		return Answer{}, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	return Answer{res.StatusCode, res.Header, raw}, err
}

// Do is Try for a test's own goroutine: an answer must come.
func (c Client) Do(t testing.TB, method, path string, in any) Answer {
	t.Helper()
	a, err := c.Try(t.Context(), method, path, in)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// Call is Do that must be answered with this status, and reads the answer into
// out unless that is nil.
func (c Client) Call(t testing.TB, method, path string, in any, status int, out any) {
	t.Helper()
	a := c.Do(t, method, path, in)
	if a.Status != status {
		t.Fatalf("%s %s: got %d, want %d: %s", method, path, a.Status, status, a.Body)
	}
	if out == nil {
		return
	}
	if err := json.Unmarshal(a.Body, out); err != nil {
		t.Fatalf("%s %s: %v: %s", method, path, err, a.Body)
	}
}

func (a Answer) String() string { return fmt.Sprintf("%d: %s", a.Status, a.Body) }
