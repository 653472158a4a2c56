package client

import (
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
