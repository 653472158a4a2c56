package deliver

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/internal/webhook"
	"github.com/postrider/postrider/signature"
)

// onceGuarded is a Postgres that is away from the second question about rows on.
type onceGuarded struct {
	*memory
	asked *int
}

func (o onceGuarded) Guard(ctx context.Context, members []webhook.Member) (webhook.Standings, error) {
	if *o.asked++; *o.asked > 1 {
		return nil, errAway
	}
	return o.memory.Guard(ctx, members)
}

// laterGuarded is a Postgres where something changed before the second question.
type laterGuarded struct {
	*memory
	asked  *int
	change func(*webhook.Standing)
}

func (l laterGuarded) Guard(ctx context.Context, members []webhook.Member) (webhook.Standings, error) {
	all, err := l.memory.Guard(ctx, members)
	if *l.asked++; *l.asked > 1 {
		for _, st := range all {
			l.change(st)
		}
	}
	return all, err
}

// A worker that was paused, or cut off from Redis, goes on with what it has in
// memory: others may have that by now.
func TestAMemberThatWaitedLong(t *testing.T) {
	t.Parallel()
	// late has a member that waits longer than the guard's answer holds, and returns
	// its row and the requests that were made after all.
	late := func(t *testing.T, w *world, meanwhile func(webhook.Chunk)) (row, []sentRequest) {
		t.Helper()
		w.runner.Rates.(*fakeRates).grant(1, guardHolds+time.Second, 0)
		limit := 1
		c := w.chunk(w.endpoint(func(e *webhook.Endpoint) { e.RateLimit = &limit }), 1)
		w.take(c)
		<-time.After(time.Second)
		meanwhile(c)
		w.tasks.Wait()
		synctest.Wait() // a request that begins at a glance leaves its task
		if l := w.runner.limiter; l.slots != 512 || l.slowSlots != 256 {
			t.Errorf("%d slots are free, %d of them for those that are not quick", l.slots, l.slowSlots)
		}
		return w.of(c.Members[0]), w.sender.requests()
	}

	t.Run("IsLeftToWhoHasItNow", func(t *testing.T) {
		t.Parallel()
		bubble(t, func(t *testing.T, w *world) {
			r, sent := late(t, w, func(c webhook.Chunk) {
				_, err := w.HandOver(t.Context(), c.Members, c.Task, "c_other")
				must(t, err)
			})
			if len(sent) != 0 || r.Task != "c_other" || r.Status != webhook.StatusPending {
				t.Errorf("%d requests; the row is %s of %q", len(sent), r.Status, r.Task)
			}
		})
	})

	t.Run("IsLeftAloneOnceOthersDeliveredIt", func(t *testing.T) {
		t.Parallel()
		bubble(t, func(t *testing.T, w *world) {
			r, sent := late(t, w, func(c webhook.Chunk) {
				_, err := w.Record(t.Context(), []webhook.Outcome{{Delivery: c.Members[0], Status: webhook.StatusSuccess}})
				must(t, err)
			})
			if len(sent) != 0 || r.Attempts != 1 {
				t.Errorf("%d requests, %d attempts", len(sent), r.Attempts)
			}
		})
	})

	t.Run("IsTriedWhenItIsStillItsTasks", func(t *testing.T) {
		t.Parallel()
		bubble(t, func(t *testing.T, w *world) {
			r, sent := late(t, w, func(c webhook.Chunk) {
				// What another worker had begun failed there: it was an attempt.
				_, err := w.Record(t.Context(), []webhook.Outcome{{Delivery: c.Members[0], Status: webhook.StatusFailed, Task: "c_before"}})
				must(t, err)
			})
			if len(sent) != 1 || r.Status != webhook.StatusSuccess || r.Attempts != 2 {
				t.Fatalf("%d requests; the row is %s after %d attempts", len(sent), r.Status, r.Attempts)
			}
			if n := sent[0].header(signature.HeaderAttempt); n != "2" {
				t.Errorf("it was sent as attempt %s", n)
			}
		})
	})

	for reason, change := range map[string]func(*webhook.Standing){
		webhook.HeldBreakerOpen:      func(st *webhook.Standing) { st.BreakerOpen = true },
		webhook.HeldEndpointDisabled: func(st *webhook.Standing) { st.EndpointActive = false; st.EndpointVersion++ },
		"":                           func(st *webhook.Standing) { st.EndpointDeleted = true },
	} {
		t.Run("IsHeldFor/"+reason, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, w *world) {
				w.runner.Rows = laterGuarded{w.memory, new(int), change}
				r, sent := late(t, w, func(webhook.Chunk) {})
				if len(sent) != 0 || r.Status != webhook.StatusPending || r.Task != "" || r.Attempts != 0 || r.held != reason {
					t.Errorf("%d requests; the row is %+v", len(sent), r)
				}
			})
		})
	}

	t.Run("IsGivenBackWhenItsEndpointChanged", func(t *testing.T) {
		t.Parallel()
		bubble(t, func(t *testing.T, w *world) {
			w.runner.Rows = laterGuarded{w.memory, new(int), func(st *webhook.Standing) { st.EndpointVersion++ }}
			r, sent := late(t, w, func(webhook.Chunk) {})
			if len(sent) != 0 || r.Status != webhook.StatusPending || r.Task != "" || r.held != "" {
				t.Errorf("%d requests; the row is %+v", len(sent), r)
			}
		})
	})

	t.Run("IsGivenBackWhenPostgresCanNotBeAsked", func(t *testing.T) {
		t.Parallel()
		bubble(t, func(t *testing.T, w *world) {
			w.runner.Rows = onceGuarded{w.memory, new(int)}
			r, sent := late(t, w, func(webhook.Chunk) {})
			if len(sent) != 0 || r.Task != "" || r.Status != webhook.StatusPending {
				t.Errorf("%d requests; the row is %s of %q", len(sent), r.Status, r.Task)
			}
		})
	})
}
