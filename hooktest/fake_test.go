package hooktest_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/client"
	"github.com/postrider/postrider/hooktest"
)

// recorder is a test that may fail. It finds out which line a failure is shown at, as
// the real one does: the first caller that is no helper.
type recorder struct {
	testing.TB
	helpers  map[string]bool
	failures []string
	at       string
}

func newRecorder(t *testing.T) *recorder { return &recorder{TB: t, helpers: map[string]bool{}} }

func (r *recorder) Helper() {
	pc, _, _, _ := runtime.Caller(1)
	r.helpers[runtime.FuncForPC(pc).Name()] = true
}

func (r *recorder) Errorf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
	pcs := make([]uintptr, 20)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	for {
		frame, more := frames.Next()
		if !r.helpers[frame.Function] || !more {
			r.at = filepath.Base(frame.File)
			return
		}
	}
}

// fails is a failure with each of these in its text, at the caller's line.
func (r *recorder) fails(t *testing.T, wants ...string) {
	t.Helper()
	if len(r.failures) != 1 || r.at != "fake_test.go" {
		t.Fatalf("failed %d times, at %s: %q", len(r.failures), r.at, r.failures)
	}
	for _, want := range wants {
		if !strings.Contains(r.failures[0], want) {
			t.Errorf("%q is not in:\n%s", want, r.failures[0])
		}
	}
	r.failures = nil
}

func (r *recorder) passes(t *testing.T) {
	t.Helper()
	if len(r.failures) > 0 {
		t.Errorf("fails: %q", r.failures)
	}
	r.failures = nil
}

func dispatch(t *testing.T, d client.Dispatcher, eventType string, payload any, options ...client.DispatchOption) client.Accepted {
	t.Helper()
	a, err := d.Dispatch(t.Context(), eventType, payload, options...)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

type post struct {
	ID    int    `json:"id"`
	Title string `json:"title"`
	Tags  []string
}

func TestFakeRecords(t *testing.T) {
	t.Parallel()

	t.Run("WhatTheAPIWouldHaveGot", func(t *testing.T) {
		t.Parallel()
		fake := hooktest.NewFake(t)
		at := time.Date(2024, 1, 15, 10, 30, 0, 0, time.UTC)
		got := dispatch(t, fake, "post.created", post{123, "<b>", []string{"x"}}, client.WithID("mine"), client.WithCreatedAt(at),
			client.WithEndpoints("ep_01kqxg5wdgf0m8c4yb2h3t9v6z"), client.WithOrderingKey("k"), client.WithWait(1500*time.Millisecond))
		if got.ID != "mine" || got.Type != "post.created" || !got.CreatedAt.Equal(at) || got.Deliveries != 1 {
			t.Errorf("answers %+v", got)
		}
		e := fake.Events()[0]
		if string(e.Data) != `{"id":123,"title":"<b>","Tags":["x"]}` || e.ID != "mine" || e.OrderingKey != "k" || e.Wait != 1500*time.Millisecond ||
			len(e.EndpointIDs) != 1 || !e.CreatedAt.Equal(at) {
			t.Errorf("recorded %+v", e)
		}
		var p post
		if err := e.Decode(&p); err != nil || p.Title != "<b>" || e.Get("id") != 123.0 || e.Get("id.none") != nil || e.Get("none") != nil ||
			e.Get("Tags.0") != "x" || e.Get("Tags.1") != nil || e.Get("Tags.-1") != nil {
			t.Errorf("reads %+v, %v, %v", p, e.Get("id"), err)
		}
	})

	t.Run("AnIDOnce", func(t *testing.T) {
		t.Parallel()
		fake := hooktest.NewFake(t)
		first := dispatch(t, fake, "a", post{ID: 1}, client.WithID("x"))
		if again := dispatch(t, fake, "b", post{ID: 2}, client.WithID("x")); again.Type != first.Type || len(fake.Events()) != 1 {
			t.Errorf("answers %+v", again)
		}
		if a, b := dispatch(t, fake, "a", post{}), dispatch(t, fake, "a", post{}); a.ID == b.ID || a.ID == "" {
			t.Errorf("%q and %q are generated", a.ID, b.ID)
		}
	})

	t.Run("AQueuesEventsToo", func(t *testing.T) {
		t.Parallel()
		fake := hooktest.NewFake(t)
		if err := fake.Queue().Dispatch(t.Context(), "a", post{}); err != nil {
			t.Fatal(err)
		}
		fake.AssertDispatchedTimes("a", 1)
		if err := fake.Queue().Dispatch(t.Context(), "a", post{}, client.WithWait(time.Second)); client.CodeOf(err) != client.CodeInvalid {
			t.Errorf("a wait in a batch: %v", err)
		}
	})

	t.Run("FromManyAtOnce", func(t *testing.T) {
		t.Parallel()
		fake := hooktest.NewFake(t)
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				fake.Dispatch(t.Context(), "a", post{})
				fake.Events()
			})
		}
		all.Wait()
		fake.AssertDispatchedTimes("a", 50)
		fake.Reset()
		fake.AssertNothingDispatched()
	})
}

func TestFakeOfTheExample(t *testing.T) {
	t.Parallel()
	testPublish(t)
}

func TestFakeFails(t *testing.T) {
	t.Parallel()

	t.Run("WhenToldSo", func(t *testing.T) {
		t.Parallel()
		fake := hooktest.NewFake(t)
		one, two := errors.New("one"), errors.New("two")
		fake.FailNext(one)
		fake.FailNext(two)
		for _, want := range []error{one, two, nil} {
			if _, err := fake.Dispatch(t.Context(), "a", post{}); !errors.Is(err, want) {
				t.Errorf("got %v, want %v", err, want)
			}
		}
		fake.AssertDispatchedTimes("a", 1)
	})

	t.Run("WhenTheContextHasEnded", func(t *testing.T) {
		t.Parallel()
		fake := hooktest.NewFake(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := fake.Dispatch(ctx, "a", post{}); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		fake.AssertNothingDispatched()
	})

	t.Run("AsTheAPIWould", func(t *testing.T) {
		t.Parallel()
		fake := hooktest.NewFake(t)
		_, err := fake.Dispatch(t.Context(), "post created", post{}, client.WithID("a b"))
		var e *client.Error
		if !errors.As(err, &e) || e.Status != 422 || e.Code != client.CodeInvalid || len(e.Errors) != 2 || e.Errors[0].Pointer != "/type" {
			t.Errorf("got %v", err)
		}
		if _, err := fake.Dispatch(t.Context(), "a", []int{1}); err == nil {
			t.Error("takes a payload that is no object")
		}
		fake.AssertNothingDispatched()
	})
}

func TestAssertDispatched(t *testing.T) {
	t.Parallel()
	r := newRecorder(t)
	fake := hooktest.NewFake(r)
	is := func(id float64) func(hooktest.Event) bool {
		return func(e hooktest.Event) bool { return e.Get("id") == id }
	}

	fake.AssertDispatched("post.created")
	r.fails(t, "no post.created was dispatched. Nothing was dispatched.")

	dispatch(t, fake, "post.created", post{ID: 1})
	dispatch(t, fake, "post.updated", post{ID: 2})
	fake.AssertDispatched("post.created")
	fake.AssertDispatched("post.created", is(1))
	r.passes(t)
	fake.AssertDispatched("post.created", is(2))
	r.fails(t, "no post.created was dispatched that matches. Dispatched were:\n>  1. post.created {\"id\":1,\"title\":\"\",\"Tags\":null}\n   2. post.updated {\"id\":2")
	fake.AssertDispatched("post.deleted")
	r.fails(t, "no post.deleted was dispatched.", "   1. post.created", "   2. post.updated")
}

func TestAssertDispatchedTimes(t *testing.T) {
	t.Parallel()
	r := newRecorder(t)
	fake := hooktest.NewFake(r)
	fake.AssertDispatchedTimes("a", 0)
	dispatch(t, fake, "a", post{ID: 1})
	dispatch(t, fake, "a", post{ID: 2})
	fake.AssertDispatchedTimes("a", 2)
	fake.AssertDispatchedTimes("a", 1, func(e hooktest.Event) bool { return e.Get("id") == 1.0 })
	r.passes(t)
	fake.AssertDispatchedTimes("a", 3)
	r.fails(t, "2 a were dispatched, want 3. Dispatched were:")
}

func TestAssertNotDispatched(t *testing.T) {
	t.Parallel()
	r := newRecorder(t)
	fake := hooktest.NewFake(r)
	fake.AssertNothingDispatched()
	dispatch(t, fake, "a", post{ID: 1})
	fake.AssertNotDispatched("b")
	fake.AssertNotDispatched("a", func(e hooktest.Event) bool { return e.Get("id") == 2.0 })
	r.passes(t)
	fake.AssertNotDispatched("a")
	r.fails(t, "1 a were dispatched, want none.", ">  1. a {")
	fake.AssertNothingDispatched()
	r.fails(t, "1 events were dispatched, want none.", "1. a {")
}

func TestAssertDispatchedWith(t *testing.T) {
	t.Parallel()
	r := newRecorder(t)
	fake := hooktest.NewFake(r)
	fake.AssertDispatchedWith("a", map[string]any{})
	r.fails(t, "no a was dispatched. Nothing was dispatched.")

	dispatch(t, fake, "a", map[string]any{"id": 1, "author": map[string]any{"a/b": "x"}, "tags": []any{1, true, nil}, "more": 1})
	dispatch(t, fake, "a", map[string]any{"id": 2.0, "big": 9007199254740993})
	fake.AssertDispatchedWith("a", map[string]any{"big": 9007199254740993, "id": 2})
	r.passes(t)
	fake.AssertDispatchedWith("a", map[string]any{"id": 1.0, "author": map[string]any{"a/b": "y"}, "tags": []any{1, false, 0}, "title": "t"})
	r.fails(t, "the nearest one differs:",
		"\n  /author/a~1b: want \"y\", got \"x\"", "\n  /more: is not wanted, got 1", "\n  /tags/1: want false, got true", "\n  /tags/2: want 0, got null",
		"\n  /title: want \"t\", is missing", ">  1. a {")
	fake.AssertDispatchedWith("a", map[string]any{"id": 2, "big": 9007199254740992})
	r.fails(t, "/big: want 9007199254740992, got 9007199254740993")
	fake.AssertDispatchedWith("a", map[string]any{"id": []int{2}, "big": map[string]any{}})
	r.fails(t, "/big: want {}, got 9007199254740993", "/id: want [2], got 2")
	fake.AssertDispatchedWith("a", map[string]any{"tags": []int{1}, "id": 1, "author": map[string]any{"a/b": "x"}, "more": 1})
	r.fails(t, "/tags: want 1 elements, got 3: [1,true,null]")
}

func TestFailuresAreShort(t *testing.T) {
	t.Parallel()
	r := newRecorder(t)
	fake := hooktest.NewFake(r)
	for range 30 {
		dispatch(t, fake, "a", map[string]any{"long": strings.Repeat("ä", 1000)})
	}
	fake.AssertDispatched("b")
	if text := r.failures[0]; len(text) > 20*600 || !strings.Contains(text, "… 10 earlier") || !strings.Contains(text, "30. a") {
		t.Errorf("%d bytes:\n%.300s", len(text), text)
	}
}
