package e2e

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/postrider/postrider/client"
	"github.com/postrider/postrider/test/e2e/stack"
)

// viewer follows a stream.
type viewer struct {
	mu       sync.Mutex
	ids      []string
	attempts map[string]int // by event
	gaps     int
	broke    int
	err      error
	opened   chan struct{} // closed by the first message
	ended    chan struct{}
}

// view follows a stream until the test, or cancel, ends it.
func view(t *testing.T, api *stack.Process, key string, o client.StreamOptions) (v *viewer, cancel func()) {
	t.Helper()
	v = &viewer{attempts: map[string]int{}, opened: make(chan struct{}), ended: make(chan struct{})}
	o.Retrying = func(error) {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.broke++
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer close(v.ended)
		var once sync.Once
		for m, err := range client.New(api.URL, key).Stream(ctx, o) {
			once.Do(func() { close(v.opened) })
			v.add(&m, err)
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-v.ended
	})
	select {
	case <-v.opened:
	case <-time.After(stack.Patience):
		t.Fatal("the stream does not open")
	}
	return v, cancel
}

func (v *viewer) add(m *client.StreamMessage, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case err != nil:
		v.err = err
	case m.Event != nil:
		v.ids = append(v.ids, m.Event.ID)
	case m.Attempt != nil:
		v.attempts[m.Attempt.EventID]++
	case m.Gap != nil:
		v.gaps++
	}
}

func (v *viewer) count() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.ids)
}

// same fails the test for a stream that has another than each of these events once.
func (v *viewer) same(t *testing.T, p *publisher) {
	t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	got, want := slices.Sorted(slices.Values(v.ids)), slices.Sorted(slices.Values(p.ids))
	if !slices.Equal(got, want) {
		t.Errorf("%d were accepted, the stream has %d", len(want), len(got))
	}
}

func TestStream(t *testing.T) {
	t.Parallel()

	t.Run("MissesNothingWhileTwoAPIsAcceptAndItsOwnRestarts", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		addr := stack.FreeAddr(t)
		api := func() *stack.Process {
			p := s.Launch(t, "api", "POSTRIDER_API_LISTEN="+addr)
			p.URL = "http://" + addr
			s.WaitReady(t, p)
			return p
		}
		second := api()
		other := s.Workspace(t, s.api)
		v, _ := view(t, second, s.c.Key(), client.StreamOptions{Kinds: []client.StreamKind{client.StreamEvents}})
		stable, _ := view(t, s.api, s.c.Key(), client.StreamOptions{})
		theirs, _ := view(t, s.api, other.Key(), client.StreamOptions{})
		p, others := &publisher{}, &publisher{}
		var all sync.WaitGroup
		for n := range 4 {
			all.Go(func() { p.publish(t, s.c, fmt.Sprint("p", n), 100) })
		}
		all.Go(func() { others.publish(t, other, "o", 30) })
		stack.Eventually(t, "it has some", func() bool { return v.count() > 100 })
		second.Kill(t)
		second = api()
		stack.Eventually(t, "it has more", func() bool { return v.count() > 1000 })
		second.Terminate(t)
		api()
		all.Wait()
		stack.Eventually(t, "all streams have all", func() bool {
			return v.count() >= len(p.ids) && stable.count() >= len(p.ids) && theirs.count() >= len(others.ids)
		})
		v.same(t, p)
		stable.same(t, p)
		theirs.same(t, others)
		if v.broke < 2 || stable.broke > 0 {
			t.Errorf("the streams broke off %d and %d times", v.broke, stable.broke)
		}
	})

	// The one that stands still takes nothing off the connection: its API must bound
	// what it holds for it, and lose it nothing of the events.
	t.Run("ThatNobodyReadsSlowsNobodyAndLosesNoEvents", func(t *testing.T) {
		t.Parallel()
		s := setup(t, "worker")
		s.c.Endpoint(t, s.r, "/hook", nil)
		var stand atomic.Bool
		stand.Store(true)
		goOn, p, slow, all := make(chan struct{}), &publisher{}, make(map[string]bool), 0
		gaps, done := 0, make(chan struct{})
		ctx, cancel := context.WithCancel(t.Context())
		opened := make(chan struct{})
		go func() {
			defer close(done)
			for m, err := range client.New(s.api.URL, s.c.Key()).Stream(ctx, client.StreamOptions{}) {
				if stand.Swap(false) {
					close(opened)
					<-goOn
				}
				switch {
				case err != nil:
					return
				case m.Event != nil:
					if slow[m.Event.ID] = true; len(slow) == all {
						cancel()
					}
				case m.Gap != nil:
					gaps++
				}
			}
		}()
		<-opened
		quick, _ := view(t, s.api, s.c.Key(), client.StreamOptions{})
		stack.Eventually(t, "the worker knows that somebody watches", func() bool {
			p.publish(t, s.c, fmt.Sprint("first-", len(p.ids)), 1)
			quick.mu.Lock()
			defer quick.mu.Unlock()
			return len(quick.attempts) > 0
		})
		large := strings.Repeat("x", 4<<10)
		for n := range 30 {
			var events []map[string]any
			for i := range 100 {
				id := fmt.Sprintf("e-%d-%d", n, i)
				events = append(events, map[string]any{"id": id, "type": "a.b", "data": map[string]any{"large": large}})
				p.ids = append(p.ids, id)
			}
			s.c.Call(t, http.MethodPost, "/v1/events/batch", map[string]any{"events": events}, http.StatusAccepted, nil)
		}
		stack.Eventually(t, "the quick one has all events and attempts", func() bool {
			quick.mu.Lock()
			defer quick.mu.Unlock()
			return len(quick.ids) == len(p.ids) && (len(quick.attempts) > 3000 || quick.gaps > 0)
		})
		quick.same(t, p)
		all = len(p.ids)
		close(goOn)
		<-done
		cancel()
		if len(slow) != len(p.ids) || gaps == 0 {
			t.Errorf("the slow one has %d of %d events, and %d gaps", len(slow), len(p.ids), gaps)
		}
	})

	t.Run("EndsWithItsKeyAndWithItsProcess", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		s.Admin(s.api).Call(t, http.MethodPost, "/v1/workspaces", map[string]any{"id": "456", "name": "n"}, http.StatusCreated, nil)
		key := s.NewKey(t, s.api, "456")
		v, _ := view(t, s.api, key.Key, client.StreamOptions{})
		s.Admin(s.api).Call(t, http.MethodDelete, "/v1/workspaces/456/keys/"+key.ID, nil, http.StatusNoContent, nil)
		<-v.ended
		if client.CodeOf(v.err) != client.CodeUnauthorized {
			t.Errorf("ended with %v", v.err)
		}
		still, cancel := view(t, s.api, s.c.Key(), client.StreamOptions{})
		s.api.Signal(t, syscall.SIGTERM)
		stack.Eventually(t, "the stream broke off", func() bool {
			still.mu.Lock()
			defer still.mu.Unlock()
			return still.broke > 0
		})
		cancel()
		if code := s.api.ExitCode(t); code != 0 {
			t.Errorf("exit code %d", code)
		}
	})
}
