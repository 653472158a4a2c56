package ingest

import (
	"testing"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

func TestWorkspace(t *testing.T) {
	t.Parallel()

	t.Run("ThatCanNotBeLoadedFailsAlone", func(t *testing.T) {
		bubble(t, func(t *testing.T, w *world) {
			w.unread["broken"], w.endpoints["broken"] = true, 1
			requests := append(requestsFor("broken", "a"), requestsFor("w", "b")...)
			requests = append(requests, requestsFor("other", "c")...)
			w.process(t.Context(), requests)
			if a := <-requests[0].answer; webhook.CodeOf(a.err) != webhook.CodeInternal {
				t.Errorf("the broken one was answered with %v", a.err)
			}
			must(t, (<-requests[1].answer).err)
			must(t, (<-requests[2].answer).err)
			wantCounts(t, w.committed(), map[string]int{"b": 1, "c": 1})
		})
	})

	t.Run("IsLoadedAgainOnceItIsMended", func(t *testing.T) {
		bubble(t, func(t *testing.T, w *world) {
			w.unread["w"] = true
			w.Start()
			if err := w.publish("w", "a"); err == nil {
				t.Error("accepted by a workspace that can't be loaded")
			}
			w.mend("w")
			must(t, w.publish("w", "b"))
		})
	})

	t.Run("ThatIsUnknownFailsAlone", func(t *testing.T) {
		bubble(t, func(t *testing.T, w *world) {
			requests := append(requestsFor("nobody", "a"), requestsFor("w", "b")...)
			w.process(t.Context(), requests)
			if a := <-requests[0].answer; webhook.CodeOf(a.err) != webhook.CodeNotFound {
				t.Errorf("the unknown one was answered with %v", a.err)
			}
			must(t, (<-requests[1].answer).err)
		})
	})

	t.Run("WithASubscriptionThatCanNotBeReadTakesNothing", func(t *testing.T) {
		t.Parallel()
		// An event that such an endpoint may have wanted must not pass in silence.
		good := webhook.Endpoint{Events: []string{"*"}}
		for name, bad := range map[string]webhook.Endpoint{
			"Filters": {Events: []string{"*"}, Filters: []byte(`{"a":{"$nonsense":1}}`)},
			"Events":  {Events: []string{"a b"}},
		} {
			if compile([]webhook.Endpoint{good, bad, good}).err == nil {
				t.Errorf("%s: no error", name)
			}
		}
		if err := compile([]webhook.Endpoint{good, good}).err; err != nil {
			t.Error(err)
		}
	})
}

func TestIndexIsBoundedByBytes(t *testing.T) {
	t.Parallel()
	m := newMemory()
	x := newIndex(m, nil, &clock{now: time.Now}, 50_000)
	ids := make([]webhook.WorkspaceID, 200)
	for n := range ids {
		ids[n] = webhook.WorkspaceID([]byte{'a' + byte(n/26), 'a' + byte(n%26)})
		m.endpoints[ids[n]] = 3
		for range 2 { // a newer copy takes the place of the older one
			out, err := x.fresh(t.Context(), ids[n:n+1])
			must(t, err)
			if out[ids[n]].match == nil {
				t.Fatal("not loaded")
			}
			x.put(ids[n], out[ids[n]])
		}
	}
	sum := 0
	for _, e := range x.cache.Values() {
		sum += e.bytes
	}
	if x.bytes > x.maxBytes || x.bytes != sum || x.cache.Len() < 10 {
		t.Errorf("%d bytes are counted for %d workspaces of %d", x.bytes, x.cache.Len(), sum)
	}
	// All of them at once is more than it keeps, and all are there.
	out, err := x.fresh(t.Context(), ids)
	must(t, err)
	if len(out) != len(ids) || x.bytes > x.maxBytes {
		t.Errorf("%d of %d workspaces, %d bytes kept", len(out), len(ids), x.bytes)
	}
}
