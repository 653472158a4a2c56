package client

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// feed has two parts with more behind them, and then one that is empty.
type feed struct{ asked []string }

func (f *feed) RoundTrip(r *http.Request) (*http.Response, error) {
	at := r.URL.Query().Get("cursor")
	f.asked = append(f.asked, at)
	body := map[string]string{
		"":  `{"data":[{"id":"1"},{"id":"2"}],"next_cursor":"b","has_more":true}`,
		"b": `{"data":[],"next_cursor":"c","has_more":true}`,
		"c": `{"data":[{"id":"3","status":"failed"}],"next_cursor":"d","has_more":false}`,
	}[at]
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

func TestAllOfFeed(t *testing.T) {
	t.Parallel()
	f := &feed{}
	c := NewWith("http://api.test", "whsec_secret", Config{HTTPClient: &http.Client{Transport: f}})
	var ids, cursors string
	for page, err := range c.Endpoints.AllOfFeed(t.Context(), "ep", FeedOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Data {
			ids += e.ID
		}
		cursors += page.NextCursor
	}
	if ids != "123" || cursors != "bcd" {
		t.Errorf("read %q to %q, asking for %q", ids, cursors, f.asked)
	}
	for range c.Endpoints.AllOfFeed(t.Context(), "ep", FeedOptions{Cursor: "b"}) {
		break
	}
	if last := f.asked[len(f.asked)-1]; last != "b" || len(f.asked) != 4 {
		t.Errorf("asked for %q", f.asked)
	}
}

func TestAllOfFeedEndsWithAnError(t *testing.T) {
	t.Parallel()
	c := NewWith("http://api.test", "whsec_secret", Config{HTTPClient: &http.Client{Transport: refusal{}}, MaxRetries: -1})
	n := 0
	for _, err := range c.Endpoints.AllOfFeed(t.Context(), "ep", FeedOptions{}) {
		if n++; err == nil {
			t.Error("no error")
		}
	}
	if n != 1 {
		t.Errorf("%d parts", n)
	}
}

// refusal knows nobody.
type refusal struct{}

func (refusal) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusUnauthorized, Body: io.NopCloser(strings.NewReader(`{"code":"unauthorized"}`)), Request: r}, nil
}
