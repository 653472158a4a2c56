package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"
)

// serve is a client of a server that answers like this.
func serve(t *testing.T, handler http.HandlerFunc, cfg Config) *Client {
	t.Helper()
	srv := httptest.NewServer(handler)
	t.Cleanup(srv.Close)
	cfg.HTTPClient = srv.Client()
	return NewWith(srv.URL, secretKey, cfg)
}

const secretKey = "pr_0123456789abcdefghijklmnopqrstuv"

func TestError(t *testing.T) {
	t.Parallel()

	t.Run("HasAllThatTheAPISays", func(t *testing.T) {
		t.Parallel()
		c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/problem+json; charset=utf-8")
			w.WriteHeader(http.StatusUnprocessableEntity)
			io.WriteString(w, `{"type":"urn:postrider:problem:invalid","title":"The request is invalid","status":422,"detail":"the request has invalid fields",
				"code":"invalid","request_id":"req_1","errors":[{"pointer":"/type","detail":"is required"}]}`)
		}, Config{})
		_, err := c.Dispatch(t.Context(), "", map[string]any{})
		var e *Error
		if !errors.As(fmt.Errorf("publish: %w", err), &e) {
			t.Fatalf("got %v", err)
		}
		want := &Error{
			Type: "urn:postrider:problem:invalid", Title: "The request is invalid", Status: 422, Detail: "the request has invalid fields",
			Code: CodeInvalid, RequestID: "req_1", Errors: []FieldError{{"/type", "is required"}}, Operation: "publishEvent",
		}
		if !reflect.DeepEqual(e, want) {
			t.Errorf("got %+v", e)
		}
		if got := err.Error(); got != "client: publishEvent: 422 invalid: the request has invalid fields; /type is required (req_1)" {
			t.Errorf("reads %q", got)
		}
	})

	t.Run("OfAStrangerRepeatsNothing", func(t *testing.T) {
		t.Parallel()
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Request-ID", "req_2")
			w.WriteHeader(http.StatusForbidden)
			io.WriteString(w, "<h1>"+r.Header.Get("Authorization")+"</h1>")
		}, Config{})
		_, err := c.Events.Get(t.Context(), "evt_1")
		if got := fmt.Sprint(err); CodeOf(err) != "" || got != "client: getEvent: 403: something that is not the API answered 403 Forbidden (req_2)" {
			t.Errorf("reads %q", got)
		}
	})

	t.Run("OfManyFieldsNamesAFew", func(t *testing.T) {
		t.Parallel()
		e := &Error{Status: 422, Code: CodeInvalid, Detail: "no", Errors: make([]FieldError, 50)}
		if got := e.Error(); !strings.HasSuffix(got, "; and 47 more") {
			t.Errorf("reads %q", got)
		}
	})

	t.Run("OfAPageInTheWay", func(t *testing.T) {
		t.Parallel()
		for _, page := range []string{"", "<html>"} {
			c := serve(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, page) }, Config{})
			_, published := c.Dispatch(t.Context(), "post.created", map[string]any{})
			for _, err := range []error{published, c.Health(t.Context()), c.Endpoints.Delete(t.Context(), "ep_1")} {
				if err == nil {
					t.Errorf("%q with 200 is taken for a success", page)
				}
			}
		}
	})

	t.Run("OfARedirectIsNotFollowed", func(t *testing.T) {
		t.Parallel()
		asked := 0
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			asked++
			http.Redirect(w, r, "/elsewhere", http.StatusMovedPermanently)
		}, Config{})
		_, err := c.Dispatch(t.Context(), "post.created", map[string]any{})
		var e *Error
		if !errors.As(err, &e) || e.Status != http.StatusMovedPermanently || asked != 1 {
			t.Errorf("asked %d times: %v", asked, err)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2024, 1, 15, 10, 30, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "0": 0, "7": 7 * time.Second, "-7": 0, "1.5": 0, "soon": 0,
		"Mon, 15 Jan 2024 10:30:05 GMT": 5 * time.Second, "Mon, 15 Jan 2024 10:29:00 GMT": 0,
		"9223372036854775807": maxRetryAfter, "Fri, 31 Dec 9999 23:59:59 GMT": maxRetryAfter,
	} {
		if got := retryAfter(text, now); got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
}

// TestNoErrorTellsTheKey: a key is in nothing that is printed.
func TestNoErrorTellsTheKey(t *testing.T) {
	t.Parallel()
	answers := func(status int, body string) *Client {
		return serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			io.WriteString(w, body)
		}, Config{MaxRetries: -1})
	}
	dead := httptest.NewServer(nil)
	dead.Close()
	for name, c := range map[string]*Client{
		"WhenRefused":          answers(http.StatusUnauthorized, secretKey),
		"WhenUnreadable":       answers(http.StatusOK, `{"id":{"`+secretKey+`":1}}`),
		"WhenUnreachable":      NewWith(dead.URL, secretKey, Config{MaxRetries: -1}),
		"OfAKeyThatIsNoHeader": NewWith(dead.URL, secretKey+"\n", Config{MaxRetries: -1}),
		"OfABaseURL":           New("http://user:"+secretKey+"@api.test", secretKey),
		"OfABadBaseURL":        New("http://api.test/%zz"+secretKey, secretKey),
		"OfNoScheme":           New(secretKey, secretKey),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := c.Events.Get(t.Context(), "evt_1")
			if err == nil {
				t.Fatal("succeeds")
			}
			for _, text := range []string{err.Error(), fmt.Sprint(c), fmt.Sprintf("%+v", c), fmt.Sprintf("%#v", c)} {
				if strings.Contains(text, secretKey) {
					t.Errorf("tells the key: %s", text)
				}
			}
		})
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()

	t.Run("AreReadUpToABound", func(t *testing.T) {
		t.Parallel()
		tries := 0
		c := NewWith("http://api.test", "", Config{maxAnswer: 1 << 20, HTTPClient: &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			tries++
			return &http.Response{StatusCode: 200, Body: io.NopCloser(endless{}), Request: r}, nil
		})}})
		if _, err := c.Events.Get(t.Context(), "evt_1"); !errors.Is(err, errTooLarge) || tries != 1 {
			t.Errorf("after %d tries: %v", tries, err)
		}
	})

	t.Run("MayHaveFieldsThatAreNewer", func(t *testing.T) {
		t.Parallel()
		c := serve(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"id":"evt_1","new":1}`) }, Config{})
		if e, err := c.Events.Get(t.Context(), "evt_1"); err != nil || e.ID != "evt_1" {
			t.Errorf("got %+v, %v", e, err)
		}
	})

	t.Run("OfABatchHaveOneForEach", func(t *testing.T) {
		t.Parallel()
		c := serve(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"data":[{}]}`) }, Config{})
		if _, err := c.DispatchBatch(t.Context(), make2Events()); err == nil {
			t.Error("one answer for two events is taken")
		}
	})
}

func make2Events() []NewEvent {
	return []NewEvent{{Type: "a", Data: map[string]any{}}, {Type: "b", Data: map[string]any{}}}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// endless is an answer that does not end.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

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

func TestIteratorsEnd(t *testing.T) {
	t.Parallel()

	t.Run("WithTheirError", func(t *testing.T) {
		t.Parallel()
		c, _ := scripted(Config{}, step{status: 200, body: `{"data":[{"id":"a"}],"next_cursor":"b"}`}, refused(403, CodeForbidden, ""))
		var ids []string
		var last error
		for e, err := range c.Events.All(t.Context(), EventFilter{}) {
			ids, last = append(ids, e.ID), err
		}
		if !reflect.DeepEqual(ids, []string{"a", ""}) || CodeOf(last) != CodeForbidden {
			t.Errorf("got %q, %v", ids, last)
		}
	})

	t.Run("WhenTheCallerHasEnough", func(t *testing.T) {
		t.Parallel()
		c, s := scripted(Config{}, step{status: 200, body: `{"data":[{"id":"a"},{"id":"b"}],"next_cursor":"b"}`})
		for range c.Events.All(t.Context(), EventFilter{}) {
			break
		}
		if len(s.tries) != 1 {
			t.Errorf("asked for %d pages", len(s.tries))
		}
	})

	t.Run("WithTheContext", func(t *testing.T) {
		t.Parallel()
		c, _ := scripted(Config{}, step{hang: true})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for _, err := range c.Events.All(ctx, EventFilter{}) {
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
		}
	})
}

func TestWorkspaceID(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]WorkspaceID{`456`: "456", `"456"`: "456", `"ws_a"`: "ws_a", `0`: "0"} {
		var got WorkspaceID
		if err := got.UnmarshalJSON([]byte(text)); err != nil || got != want {
			t.Errorf("%s is read as %q, %v", text, got, err)
		}
	}
	for _, text := range []string{`{}`, `true`, `[1]`, ``, `null`} {
		var got WorkspaceID
		if err := got.UnmarshalJSON([]byte(text)); err == nil {
			t.Errorf("%s is read as %q", text, got)
		}
	}
}

func TestPatch(t *testing.T) {
	t.Parallel()
	for want, p := range map[string]EndpointPatch{
		`{}`:                          {},
		`{"rate_limit":null}`:         {RateLimit: Null[int]()},
		`{"rate_limit":5}`:            {RateLimit: Set(5)},
		`{"is_active":false}`:         {IsActive: Set(false)},
		`{"retry_schedule":[]}`:       {RetrySchedule: Set([]int{})},
		`{"headers":{"A":null}}`:      {Headers: Set(map[string]*string{"A": nil})},
		`{"url":"https://a.example"}`: {URL: new("https://a.example")},
		`{"filters":{"a":"<"}}`:       {Filters: Set[any](map[string]any{"a": "<"})},
	} {
		if raw, err := encode(p); err != nil || string(raw) != want {
			t.Errorf("%s, %v, want %s", raw, err, want)
		}
	}
}
