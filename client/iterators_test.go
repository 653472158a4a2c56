package client

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// iterators go through the pages of every list, by the path that each asks for.
var iterators = map[string]func(context.Context, *Client, string) (int, error){
	"/v1/events": func(ctx context.Context, c *Client, at string) (int, error) {
		return count(c.Events.All(ctx, EventFilter{Cursor: at}))
	},
	"/v1/events/id/deliveries": func(ctx context.Context, c *Client, at string) (int, error) {
		return count(c.Events.AllDeliveries(ctx, "id", EventDeliveryFilter{Cursor: at}))
	},
	"/v1/endpoints": func(ctx context.Context, c *Client, at string) (int, error) {
		return count(c.Endpoints.All(ctx, ListOptions{Cursor: at}))
	},
	"/v1/endpoint-health": func(ctx context.Context, c *Client, at string) (int, error) {
		return count(c.Endpoints.AllHealth(ctx, "", ListOptions{Cursor: at}))
	},
	"/v1/endpoints/id/deliveries": func(ctx context.Context, c *Client, at string) (int, error) {
		return count(c.Endpoints.AllDeliveries(ctx, "id", EventDeliveryFilter{Cursor: at}))
	},
	"/v1/deliveries": func(ctx context.Context, c *Client, at string) (int, error) {
		return count(c.Deliveries.All(ctx, DeliveryFilter{Cursor: at}))
	},
	"/v1/deliveries/id/attempts": func(ctx context.Context, c *Client, at string) (int, error) {
		return count(c.Deliveries.AllAttempts(ctx, "id", ListOptions{Cursor: at}))
	},
	"/v1/replays": func(ctx context.Context, c *Client, at string) (int, error) {
		return count(c.Replays.All(ctx, ListOptions{Cursor: at}))
	},
	"/v1/event-types": func(ctx context.Context, c *Client, at string) (int, error) {
		return count(c.EventTypes.All(ctx, ListOptions{Cursor: at}))
	},
	"/v1/events/id/explain": func(ctx context.Context, c *Client, at string) (int, error) {
		return count(c.Explain.AllOfEvent(ctx, "id", ExplainFilter{Cursor: at}))
	},
	"/v1/explain": func(ctx context.Context, c *Client, at string) (int, error) {
		return count(c.Explain.AllOfDryRun(ctx, ExplainInput{"a", object}, ExplainFilter{Cursor: at}))
	},
	"/v1/workspaces": func(ctx context.Context, c *Client, at string) (int, error) {
		return count(c.Workspaces.All(ctx, ListOptions{Cursor: at}))
	},
	"/v1/workspaces/id/keys": func(ctx context.Context, c *Client, at string) (int, error) {
		return count(c.Keys.All(ctx, "id", ListOptions{Cursor: at}))
	},
	"/v1/audit-log": func(ctx context.Context, c *Client, at string) (int, error) {
		return count(c.AuditLog.All(ctx, AuditFilter{Cursor: at}))
	},
}

func count[T any](all func(func(T, error) bool)) (n int, err error) {
	all(func(_ T, e error) bool {
		if err = e; e == nil {
			n++
		}
		return true
	})
	return n, err
}

// pages are three of two each: a cursor is the page's name.
type pages struct{ asked []url.URL }

func (p *pages) RoundTrip(r *http.Request) (*http.Response, error) {
	p.asked = append(p.asked, *r.URL)
	next := map[string]string{"": `"b"`, "b": `"c"`, "c": `null`}[r.URL.Query().Get("cursor")]
	return &http.Response{
		StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(`{"data":[{},{}],"next_cursor":` + next + `}`)), Request: r,
	}, nil
}

func TestIterators(t *testing.T) {
	t.Parallel()
	paged := 0
	for path, item := range describedAPI(t).Paths {
		for _, op := range item {
			if !slices.ContainsFunc(op.Parameters, func(p parameter) bool { return p.Name == "cursor" }) {
				continue
			}
			if path == "/v1/endpoints/{id}/feed" {
				continue // goes by its parts, see TestAllOfFeed
			}
			paged++
			if iterators[pathOf(path)] == nil {
				t.Errorf("%s has no iterator", path)
			}
		}
	}
	if paged != len(iterators) {
		t.Errorf("%d lists have pages, but there are %d iterators", paged, len(iterators))
	}
	for path, iterate := range iterators {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			for at, want := range map[string]int{"": 6, "b": 4} {
				p := &pages{}
				c := NewWith("http://api.test", "pr_secret", Config{HTTPClient: &http.Client{Transport: p}})
				if n, err := iterate(t.Context(), c, at); err != nil || n != want {
					t.Errorf("from %q there are %d, %v, want %d", at, n, err, want)
				}
				if p.asked[0].Path != path {
					t.Errorf("asks %s", p.asked[0].Path)
				}
			}
		})
	}
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
