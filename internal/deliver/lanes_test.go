package deliver

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// answersAfter makes every receiver succeed after that long, by endpoint; the
// others at once.
func (w *world) answersAfter(took map[webhook.ID]time.Duration) {
	w.sender.answers(func(_ int, req webhook.Request) webhook.Response {
		<-time.After(took[endpointOf(req)])
		return webhook.Response{StatusCode: http.StatusOK}
	})
}

func endpointOf(req webhook.Request) webhook.ID {
	id, _ := webhook.ParseID("", req.URL[strings.LastIndexByte(req.URL, '/')+1:])
	return id
}

// sentTo is how many requests each of the endpoints got.
func (w *world) sentTo(ids []webhook.ID) int {
	n := 0
	for _, r := range w.sender.requests() {
		if slices.Contains(ids, endpointOf(r.Request)) {
			n++
		}
	}
	return n
}

// several endpoints whose answers take that long.
func (w *world) several(n int, answer time.Duration, took map[webhook.ID]time.Duration) (ids []webhook.ID) {
	for range n {
		id := w.endpoint()
		ids = append(ids, id)
		took[id] = answer
	}
	return ids
}

func TestLanes(t *testing.T) {
	t.Parallel()

	// A backlog of retries, or of bulk, is 10,000 deliveries to endpoints that take
	// long, but succeed: nobody parks them, and they use every slot there is.
	for name, lane := range map[string]webhook.Lane{
		"RetriesNeverStarveFirstAttempts": webhook.LaneRetry,
		"BulkNeverStarvesFirstAttempts":   webhook.LaneBulk,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, w *world) {
				took := make(map[webhook.ID]time.Duration)
				slow := w.several(40, 900*time.Millisecond, took)
				w.answersAfter(took)
				for n := range 200 {
					w.take(w.chunkOf(lane, slow[n%len(slow)], webhook.MaxChunkMembers))
				}
				for range 5 {
					<-time.After(700 * time.Millisecond)
					synctest.Wait()
					// Ten chunks have room at first, often two for the same endpoint, whose
					// windows begin at 8.
					if n := len(w.sender.requests()); n < 32 || n > 9000 {
						t.Fatalf("%d requests were made: no backlog", n)
					}
					if d := w.delivered(t, w.chunk(w.endpoint(), 20)); d > time.Second {
						t.Errorf("first attempts waited %s", d)
					}
				}
			})
		})
	}

	// Live traffic that wants every slot is 20 endpoints, each with more waiting
	// than the worker takes.
	for name, lane := range map[string]webhook.Lane{
		"FirstAttemptsNeverStarveBulk":    webhook.LaneBulk,
		"FirstAttemptsNeverStarveRetries": webhook.LaneRetry,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, w *world) {
				took := make(map[webhook.ID]time.Duration)
				live, behind := w.several(19, 500*time.Millisecond, took), w.several(1, 500*time.Millisecond, took)
				w.answersAfter(took)
				for range 20 {
					for _, id := range live {
						w.take(w.chunk(id, webhook.MaxChunkMembers))
					}
				}
				for range 20 {
					w.take(w.chunkOf(lane, behind[0], webhook.MaxChunkMembers))
				}
				<-time.After(10 * time.Second)
				synctest.Wait()
				all, theirs := w.sentTo(slices.Concat(live, behind)), w.sentTo(behind)
				if all > 19_000 {
					t.Fatalf("%d requests were made: nothing waits", all)
				}
				// A twentieth is its turn.
				if theirs*25 < all {
					t.Errorf("%d of %d requests came by the other lane", theirs, all)
				}
			})
		})
	}
}
