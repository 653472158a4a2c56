package e2e

import (
	"net/http"
	"testing"
	"time"

	"github.com/postrider/postrider/test/e2e/stack"
)

// pair is two APIs over one database.
type pair struct {
	*stack.Stack
	r    *stack.Receiver
	a, b stack.Client
	apis [2]*stack.Process
}

// twoAPIs returns a caller at each; b has already read the workspace's
// endpoints, as they are without any.
func twoAPIs(t *testing.T) pair {
	t.Helper()
	s, r := stack.New(t), stack.NewReceiver(t)
	p := pair{Stack: s, r: r, apis: [2]*stack.Process{s.API(t), s.API(t)}}
	s.Worker(t)
	s.Scheduler(t) // on a busy machine an endpoint may look slow, and what is parked then is released by it
	p.a = s.Workspace(t, p.apis[0])
	p.b = p.a.At(p.apis[1])
	p.matched(t, "nobody.asked", 0)
	return p
}

// matched publishes at b and checks how many endpoints wanted it.
func (p pair) matched(t *testing.T, eventType string, want int) string {
	t.Helper()
	e := p.b.Publish(t, eventType)
	if e.Deliveries != want {
		t.Errorf("%s made %d deliveries at the other API, want %d", eventType, e.Deliveries, want)
	}
	return e.ID
}

func (p pair) patch(t *testing.T, e stack.Endpoint, change stack.Settings) {
	t.Helper()
	p.a.Call(t, http.MethodPatch, "/v1/endpoints/"+e.ID, change, http.StatusOK, nil)
}

func TestReadYourWrites(t *testing.T) {
	t.Parallel()

	t.Run("CreatedEndpointsAreMatchedAtOnce", func(t *testing.T) {
		t.Parallel()
		p := twoAPIs(t)
		var last string
		for i := range 20 {
			p.a.Endpoint(t, p.r, pathOf(i), nil)
			last = p.matched(t, "post.created", i+1)
		}
		for i := range 20 {
			p.r.WaitFor(t, pathOf(i), last)
		}
	})

	t.Run("ChangesOfAnEndpointAreMatchedAtOnce", func(t *testing.T) {
		t.Parallel()
		p := twoAPIs(t)
		e := p.a.Endpoint(t, p.r, "/1", stack.Settings{"events": []string{"post.*"}})
		for range 10 {
			p.matched(t, "post.created", 1)
			p.patch(t, e, stack.Settings{"events": []string{"page.*"}})
			p.matched(t, "post.created", 0)
			p.matched(t, "page.created", 1)
			p.patch(t, e, stack.Settings{"filters": map[string]any{"test": "something else"}})
			p.matched(t, "page.created", 0)
			p.patch(t, e, stack.Settings{"filters": nil, "events": []string{"post.*"}})
		}
	})

	t.Run("ChangedURLAndHeadersAreUsedAtOnce", func(t *testing.T) {
		t.Parallel()
		p := twoAPIs(t)
		e := p.a.Endpoint(t, p.r, "/old", stack.Settings{"headers": map[string]string{"X-Version": "old"}})
		before := p.matched(t, "post.created", 1)
		p.r.WaitFor(t, "/old", before) // the worker knows the endpoint as it was
		p.r.Knows("/new", e.Secret)
		p.patch(t, e, stack.Settings{"url": p.r.URL + "/new", "headers": map[string]string{"X-Version": "new"}})
		after := p.matched(t, "post.created", 1)
		p.r.WaitFor(t, "/new", after)
		p.b.WaitSettled(t)
		p.r.WantOnce(t, "/old", before)
		p.r.WantOnce(t, "/new", after)
		if got := p.r.Arrivals("/new")[0].Header.Get("X-Version"); got != "new" {
			t.Errorf("sent with the header %q", got)
		}
	})

	t.Run("ChangedSecretSignsAtOnce", func(t *testing.T) {
		t.Parallel()
		p := twoAPIs(t)
		e := p.a.Endpoint(t, p.r, "/", nil)
		before := p.matched(t, "post.created", 1)
		p.r.WaitFor(t, "/", before) // the worker knows the endpoint as it was
		p.b.WaitSettled(t)
		const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
		p.patch(t, e, stack.Settings{"secret": secret})
		p.r.Knows("/", secret) // and no other any more
		after := p.matched(t, "post.created", 1)
		p.b.WaitSettled(t)
		p.r.WantOnce(t, "/", before, after)
	})

	t.Run("InactiveAndDeletedEndpointsGetNothingMore", func(t *testing.T) {
		t.Parallel()
		p := twoAPIs(t)
		off := p.a.Endpoint(t, p.r, "/off", nil)
		gone := p.a.Endpoint(t, p.r, "/gone", nil)
		first := p.matched(t, "post.created", 2)
		p.r.WaitFor(t, "/off", first)
		p.r.WaitFor(t, "/gone", first)
		p.patch(t, off, stack.Settings{"is_active": false})
		p.matched(t, "post.created", 1)
		p.a.Call(t, http.MethodDelete, "/v1/endpoints/"+gone.ID, nil, http.StatusNoContent, nil)
		p.matched(t, "post.created", 0)
		p.patch(t, off, stack.Settings{"is_active": true})
		again := p.matched(t, "post.created", 1)
		p.r.WaitFor(t, "/off", again)
		p.b.WaitSettled(t)
		p.r.WantOnce(t, "/off", first, again)
	})
}

func TestKey(t *testing.T) {
	t.Parallel()

	t.Run("RevokedAtOneAPIIsRefusedByTheOtherWithin2s", func(t *testing.T) {
		t.Parallel()
		s := stack.New(t)
		apis := [2]*stack.Process{s.API(t), s.API(t)}
		admin := s.Admin(apis[0])
		admin.Call(t, http.MethodPost, "/v1/workspaces", map[string]any{"id": "w", "name": "W"}, http.StatusCreated, nil)
		revoked, kept := s.NewKey(t, apis[0], "w"), s.NewKey(t, apis[0], "w")
		use := func(k stack.Key) int {
			return s.Client(apis[1], k.Key).Do(t, http.MethodGet, "/v1/endpoints", nil).Status
		}
		if code := use(revoked); code != http.StatusOK {
			t.Fatalf("got %d before", code)
		}
		admin.Call(t, http.MethodDelete, "/v1/workspaces/w/keys/"+revoked.ID, nil, http.StatusNoContent, nil)
		answered := time.Now()
		stack.Eventually(t, "the key is refused", func() bool {
			// How long an answer takes is the machine's; when it was asked for counts.
			asked := time.Now()
			code := use(revoked)
			if code == http.StatusOK && asked.Sub(answered) > 2*time.Second {
				t.Fatalf("accepted %s after it was revoked", asked.Sub(answered))
			}
			return code == http.StatusUnauthorized
		})
		if code := use(kept); code != http.StatusOK {
			t.Errorf("the other key got %d", code)
		}
	})
}
