package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/test/e2e/stack"
)

// feedPage is what a feed answers.
type feedPage struct {
	Data []struct {
		ID         string
		AcceptedAt time.Time `json:"accepted_at"`
		Status     *string
	}
	NextCursor string `json:"next_cursor"`
	HasMore    bool   `json:"has_more"`
}

// reader follows an endpoint's feed, with its secret.
type reader struct {
	c            stack.Client
	path, cursor string
	ids          []string
	last         time.Time
}

func (r *reader) read(t *testing.T) {
	t.Helper()
	var page feedPage
	for more := true; more; more = page.HasMore {
		page = feedPage{}
		r.c.Call(t, http.MethodGet, r.path+"?limit=250&cursor="+r.cursor, nil, http.StatusOK, &page)
		for _, e := range page.Data {
			if e.AcceptedAt.Before(r.last) {
				t.Errorf("%s, accepted %s, came after one of %s", e.ID, e.AcceptedAt, r.last)
			}
			r.ids, r.last = append(r.ids, e.ID), e.AcceptedAt
		}
		r.cursor = page.NextCursor
	}
}

// publisher keeps what was accepted.
type publisher struct {
	mu  sync.Mutex
	ids []string
}

// publish makes requests of several kinds at one API, one after the other.
func (p *publisher) publish(t *testing.T, c stack.Client, name string, requests int) {
	for n := range requests {
		var events []map[string]any
		for i := range 1 + n%3*20 {
			e := map[string]any{"id": fmt.Sprintf("%s-%d-%d", name, n, i), "type": "a.b", "data": map[string]any{}}
			if n%5 == 4 {
				e["ordering_key"] = name
			}
			events = append(events, e)
		}
		c.Call(t, http.MethodPost, "/v1/events/batch", map[string]any{"events": events}, http.StatusAccepted, nil)
		p.mu.Lock()
		for _, e := range events {
			p.ids = append(p.ids, e["id"].(string))
		}
		p.mu.Unlock()
	}
}

func TestFeed(t *testing.T) {
	t.Parallel()

	// The reader is at the feed's end all the time, where an event that commits late
	// would be missed.
	t.Run("MissesNothingWhileTwoAPIsAccept", func(t *testing.T) {
		t.Parallel()
		s := setup(t, "worker", "scheduler")
		second := s.API(t)
		e := s.c.Endpoint(t, s.r, "/hook", nil)
		r := &reader{c: s.Client(second, e.Secret), path: "/v1/endpoints/" + e.ID + "/feed"}
		p := &publisher{}
		var all sync.WaitGroup
		for n := range 6 {
			c := s.c
			if n%2 == 1 {
				c = c.At(second)
			}
			all.Go(func() { p.publish(t, c, fmt.Sprint("p", n), 150) })
		}
		s.c.Call(t, http.MethodPatch, "/v1/endpoints/"+e.ID, map[string]any{"is_active": false}, http.StatusOK, nil)
		done := make(chan struct{})
		go func() {
			defer close(done)
			all.Wait()
		}()
		for publishing := true; publishing; {
			select {
			case <-done:
				publishing = false
			default:
				r.read(t)
			}
		}
		stack.Eventually(t, "the reader has all", func() bool {
			r.read(t)
			return len(r.ids) >= len(p.ids)
		})
		slices.Sort(r.ids)
		slices.Sort(p.ids)
		if !slices.Equal(r.ids, p.ids) {
			t.Errorf("%d were accepted, the feed has %d", len(p.ids), len(r.ids))
		}
	})
}
