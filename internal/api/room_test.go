package api

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/postrider/postrider/internal/webhook"
)

// cramped is an API on no database, whose events are published into nothing, with
// so much memory for large bodies.
func cramped(t *testing.T, memory int64, change ...func(*Deps)) (*server, string) {
	t.Helper()
	deps := Deps{Accepter: acceptAll{}}
	for _, c := range change {
		c(&deps)
	}
	s := newServer(deps, Config{AdminKey: adminKey}.withDefaults())
	s.room.memory, s.room.total, s.room.wait = semaphore.NewWeighted(memory), memory, 50*time.Millisecond
	if err := s.mountAll(); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(s.outermost())
	t.Cleanup(srv.Close)
	return s, srv.URL
}

// acceptAll accepts what it is given and keeps nothing.
type acceptAll struct{}

func (acceptAll) Accept(_ context.Context, _ webhook.WorkspaceID, events []webhook.NewEvent) ([]webhook.Accepted, error) {
	out := make([]webhook.Accepted, len(events))
	for i := range out {
		out[i] = webhook.Accepted{ID: "an-id", Type: events[i].Type}
	}
	return out, nil
}

// post sends a body as the admin.
func post(t *testing.T, url string, body io.Reader) *answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+adminKey)
	req.Header.Set(workspaceHeader, "w")
	return (&bundle{t: t}).do(req)
}

// event is one with so much data, or a little more.
func event(size int) string { return `{"type":"a","data":{"x":"` + strings.Repeat("x", size) + `"}}` }

func TestRoom(t *testing.T) {
	t.Parallel()

	t.Run("ForLargeBodiesIsGivenBack", func(t *testing.T) {
		t.Parallel()
		large := event(100 << 10)
		s, url := cramped(t, 2*int64(len(large))*copiedBody) // one key has half of it: for one at a time
		for range 3 {
			post(t, url+"/v1/events", strings.NewReader(large)).want(http.StatusAccepted)
			post(t, url+"/v1/events", strings.NewReader(large[1:])).problem(http.StatusBadRequest, webhook.CodeMalformed)
			post(t, url+"/v1/events", io.LimitReader(endless{}, webhook.MaxEventBytes+1)).problem(http.StatusRequestEntityTooLarge, webhook.CodeTooLarge)
		}
		if !s.room.memory.TryAcquire(s.room.total) {
			t.Error("some of it is still taken")
		}
		if len(s.room.keys) > 0 {
			t.Errorf("keys are remembered: %v", s.room.keys)
		}
	})

	t.Run("ThatIsTakenLeavesSmallBodiesTheirs", func(t *testing.T) {
		t.Parallel()
		s, url := cramped(t, 1<<20)
		if !s.room.memory.TryAcquire(1 << 20) {
			t.Fatal("there is none")
		}
		for name, body := range map[string]io.Reader{
			"announced": strings.NewReader(event(40 << 10)), "chunked": io.MultiReader(strings.NewReader(event(40 << 10))),
		} {
			if a := post(t, url+"/v1/events", body).problem(http.StatusServiceUnavailable, webhook.CodeUnavailable); a.header.Get("Retry-After") != "1" {
				t.Errorf("%s: got %v", name, a.header)
			}
		}
		post(t, url+"/v1/events", strings.NewReader(event(30<<10))).want(http.StatusAccepted)
		post(t, url+"/v1/events", io.MultiReader(strings.NewReader(event(30<<10)))).want(http.StatusAccepted)
		s.room.memory.Release(1 << 20)
		post(t, url+"/v1/events", io.MultiReader(strings.NewReader(event(40<<10)))).want(http.StatusAccepted)
	})

	t.Run("ThatAKeyHasLeavesTheOthersHalf", func(t *testing.T) {
		t.Parallel()
		s, _ := cramped(t, 1000)
		one, two := webhook.NewID(time.Now()), webhook.NewID(time.Now())
		acquire := func(owner webhook.ID, bytes int64, want bool) *share {
			t.Helper()
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			defer cancel()
			share := s.room.share(nil, owner)
			if share.acquire(ctx, bytes) != want {
				t.Errorf("%d of %s: got %t", bytes, owner, !want)
			}
			return share
		}
		first := acquire(one, 500, true)
		refused := acquire(one, 1, false)
		other := acquire(two, 500, true)
		acquire(webhook.NewID(time.Now()), 1, false).release() // for want of memory, not of its own part
		refused.release()
		first.release()
		first.release() // is nothing the second time
		acquire(one, 500, true).release()
		other.release()
		if !s.room.memory.TryAcquire(1000) || len(s.room.keys) > 0 {
			t.Errorf("not all was given back; keys: %v", s.room.keys)
		}
	})

	t.Run("ForWorkIsBoundedAndGivenBack", func(t *testing.T) {
		t.Parallel()
		s, url := cramped(t, 1<<20)
		for range maxAtWork {
			if _, err := s.room.begin(&route{}); err != nil {
				t.Fatal(err)
			}
		}
		post(t, url+"/v1/events", strings.NewReader(event(1))).problem(http.StatusServiceUnavailable, webhook.CodeUnavailable)
		if _, err := s.room.begin(&route{timeout: time.Second}); err != nil {
			t.Errorf("long requests have no places of their own: %v", err)
		}
		<-s.room.work
		for range 3 {
			post(t, url+"/v1/events", strings.NewReader(event(1))).want(http.StatusAccepted)
		}
	})

	t.Run("IsNotTakenByWhatWasOnlyAnnounced", func(t *testing.T) {
		t.Parallel()
		s, url := cramped(t, 1<<20)
		body, pipe := io.Pipe()
		started := make(chan struct{})
		go func() {
			_, _ = io.WriteString(pipe, `{"type":"a","data":{"x":"`)
			close(started)
		}()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/v1/events", body)
		if err != nil {
			t.Fatal(err)
		}
		req.ContentLength = 1 << 20
		req.Header.Set("Authorization", "Bearer "+adminKey)
		req.Header.Set(workspaceHeader, "w")
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			if res, err := new(http.Transport).RoundTrip(req); err == nil {
				_ = res.Body.Close()
			}
		}()
		<-started
		post(t, url+"/v1/events", strings.NewReader(event(100<<10))).want(http.StatusAccepted)
		if !s.room.memory.TryAcquire(s.room.total) {
			t.Error("memory is held for a body that has not come")
		}
		pipe.CloseWithError(io.ErrUnexpectedEOF)
		<-ended
	})
}

// TestListsThatAreRefusedCostNoMemory is not parallel: it counts what is allocated.
func TestListsThatAreRefusedCostNoMemory(t *testing.T) {
	for name, body := range map[string]string{
		"Elements": `{"events":[` + strings.Repeat("1,", 1<<20) + `1]}`,
		"Members":  `{"events":[]` + strings.Repeat(`,"a":1`, 1<<20) + `}`,
	} {
		if !json.Valid([]byte(body)) {
			t.Fatalf("%s: not JSON: %.20s", name, body)
		}
		var before, after runtime.MemStats
		text := []byte(body)
		runtime.ReadMemStats(&before)
		_, err := parseBatch(text)
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%s: accepted", name)
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > 200<<10 {
			t.Errorf("%s: %d bytes for a body of %d", name, n, len(body))
		}
	}
}
