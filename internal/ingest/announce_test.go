package ingest

import (
	"context"
	"errors"
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// settled waits until every committed delivery that names a task is in Redis
// under it, or was taken back for feed.
func (w *world) settled(t *testing.T) {
	t.Helper()
	synctest.Wait()
	all := w.queue.tasks()
	maps.Copy(all, w.taken())
	if given := w.given(); !maps.Equal(given, all) {
		t.Errorf("rows name tasks of %d deliveries, of which %d are in Redis or released", len(given), len(all))
	}
}

func TestAnnouncement(t *testing.T) {
	t.Parallel()

	t.Run("PutsWhatIsCommittedIntoRedis", func(t *testing.T) {
		bubble(t, func(t *testing.T, w *world) {
			w.endpoints["w"] = 120
			w.Start()
			must(t, w.publish("w", "a"))
			w.settled(t)
			if n := len(w.queue.tasks()); n != 120 {
				t.Errorf("%d of 120 deliveries are in Redis", n)
			}
		})
	})

	t.Run("ThatFailsFailsNoRequestAndLeavesTheRowsToFeed", func(t *testing.T) {
		bubble(t, func(t *testing.T, w *world) {
			w.queue.away = true
			w.Start()
			for range 10 {
				must(t, w.publish("w", "a"))
			}
			w.settled(t)
			if n := len(w.queue.tasks()); n != 0 {
				t.Errorf("%d deliveries are in a Redis that is away", n)
			}
		})
	})

	t.Run("ThatBreaksOffLeavesToFeedWhatIsNotInRedis", func(t *testing.T) {
		bubble(t, func(t *testing.T, w *world) {
			w.endpoints["w"] = 300 * webhook.MaxChunkMembers
			room, most := 130, 0
			w.queue.room = &room
			w.queue.enqueue = func(_ context.Context, chunks []webhook.Chunk) error { most = max(most, len(chunks)); return nil }
			w.Start()
			must(t, w.publish("w", "a"))
			w.settled(t)
			in, released := len(w.queue.tasks()), len(w.taken())
			if in != 130*webhook.MaxChunkMembers || in+released != w.endpoints["w"] {
				t.Errorf("%d deliveries are in Redis and %d released, of %d", in, released, w.endpoints["w"])
			}
			if most != enqueueAtOnce {
				t.Errorf("%d tasks had the time of %d", most, enqueueAtOnce)
			}
		})
	})

	t.Run("OfOneEventStopsAtTheHighWaterMark", func(t *testing.T) {
		bubble(t, func(t *testing.T, w *world) {
			w.endpoints["w"] = 2100 * webhook.MaxChunkMembers
			w.Start()
			must(t, w.publish("w", "a"))
			w.settled(t)
			if n := len(w.given()); n != 2000*webhook.MaxChunkMembers {
				t.Errorf("%d deliveries were given tasks", n)
			}
		})
	})

	t.Run("ThatHangsDelaysNoAnswer", func(t *testing.T) {
		bubble(t, func(t *testing.T, w *world) {
			w.queue.enqueue = func(ctx context.Context, _ []webhook.Chunk) error { <-ctx.Done(); return ctx.Err() }
			w.Start()
			start := time.Now()
			for range announcers + waitingGroups + 50 { // more than the announcers hold
				must(t, w.publish("w", "a"))
			}
			if took := time.Since(start); took > 0 {
				t.Errorf("the answers took %s", took)
			}
			<-time.After(enqueueTimeout)
			w.settled(t)
			if n := len(w.taken()); n <= waitingGroups { // what waited, and one for which there was no room
				t.Errorf("%d deliveries were released", n)
			}
		})
	})

	t.Run("FindsTheWayAgainWhenRedisIsBack", func(t *testing.T) {
		bubble(t, func(t *testing.T, w *world) {
			w.queue.away = true
			w.Start()
			must(t, w.publish("w", "a"))
			synctest.Wait()
			must(t, w.publish("w", "goes without a task"))
			if n := len(w.given()); n != 1 {
				t.Errorf("%d deliveries were given tasks, want only the first", n)
			}
			w.queue.set(func(q *fakeQueue) { q.away = false })
			<-time.After(backlogEvery)
			synctest.Wait()
			must(t, w.publish("w", "b"))
			w.settled(t)
			if n := len(w.queue.tasks()); n != 1 {
				t.Errorf("%d deliveries are in Redis, want the last", n)
			}
		})
	})

	for name, c := range map[string]struct{ backlog, given int }{
		"StopsAtTheHighWaterMark": {2000, 0},
		"GoesOnBelowIt":           {1999, 1},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				w.queue.waiting = map[webhook.Lane]int{webhook.LaneDeliver: c.backlog - 1, webhook.LaneRetry: 1}
				w.Start()
				<-time.After(backlogEvery)
				synctest.Wait()
				must(t, w.publish("w", "a"))
				w.settled(t)
				if n := len(w.given()); n != c.given {
					t.Errorf("%d deliveries were given tasks, want %d", n, c.given)
				}
				w.queue.set(func(q *fakeQueue) { q.waiting = nil })
				<-time.After(backlogEvery)
				synctest.Wait()
				must(t, w.publish("w", "b"))
				w.settled(t)
				if n := len(w.queue.tasks()); n != c.given+1 {
					t.Errorf("%d deliveries are in Redis, want %d", n, c.given+1)
				}
			})
		})
	}

	t.Run("LeavesOutDuplicates", func(t *testing.T) {
		bubble(t, func(t *testing.T, w *world) {
			w.Start()
			must(t, w.publishID("w", "a", "mine"))
			synctest.Wait()
			first := w.queue.tasks()
			requests := append(requestsFor("w", "before"), append(requestsFor("w", "again"), requestsFor("w", "after")...)...)
			requests[1].events[0].ID = "mine"
			w.process(t.Context(), requests)
			synctest.Wait()
			if n := len(w.queue.tasks()) - len(first); n != 2 {
				t.Errorf("%d deliveries of two new events and a duplicate are in Redis", n)
			}
		})
	})
}

func TestStop(t *testing.T) {
	t.Parallel()

	t.Run("CommitsAndAnnouncesWhatWaits", func(t *testing.T) {
		bubble(t, func(t *testing.T, w *world) {
			free := w.hang(holds("first"))
			w.Start()
			answers := make(chan error, 2001)
			go func() { answers <- w.publish("w", "first") }()
			synctest.Wait()
			for range 2000 {
				go func() { answers <- w.publish("w", "a") }()
			}
			synctest.Wait()
			time.AfterFunc(time.Second, free)
			w.Stop(context.Background())
			for range 2001 {
				must(t, <-answers)
			}
			wantCounts(t, w.committed(), map[string]int{"first": 1, "a": 2000})
			w.settled(t)
			if n := len(w.queue.tasks()); n != 2001 {
				t.Errorf("%d of 2001 are in Redis", n)
			}
		})
	})

	t.Run("RefusesWhatComesAfterIt", func(t *testing.T) {
		bubble(t, func(t *testing.T, w *world) {
			w.Start()
			w.Stop(context.Background())
			w.Stop(context.Background())
			w.Start()
			wantUnavailable(t, w.publish("w", "late"))
			wantCounts(t, w.committed(), nil)
		})
	})

	t.Run("CommitsExactlyWhatIsAccepted", func(t *testing.T) {
		bubble(t, func(t *testing.T, w *world) {
			w.before = func(*webhook.Group) error { <-time.After(time.Millisecond); return nil }
			w.Start()
			accepted := make(chan int, 100)
			for range 100 {
				go func() {
					n := 0
					for w.publish("w", "a") == nil {
						n++
					}
					accepted <- n
				}()
			}
			<-time.After(100 * time.Millisecond)
			w.Stop(context.Background())
			sum := 0
			for range 100 {
				sum += <-accepted
			}
			wantCounts(t, w.committed(), map[string]int{"a": sum})
			w.settled(t)
		})
	})

	t.Run("BeforeAnyStartLeavesNobodyWaiting", func(t *testing.T) {
		bubble(t, func(t *testing.T, w *world) {
			answered := make(chan error, 1)
			go func() { answered <- w.publish("w", "a") }()
			synctest.Wait()
			w.Stop(context.Background())
			must(t, <-answered)
			w.settled(t)
		})
	})

	t.Run("EndsAsToldWithRedisAndPostgresHanging", func(t *testing.T) {
		bubble(t, func(t *testing.T, w *world) {
			w.queue.enqueue = func(ctx context.Context, _ []webhook.Chunk) error { <-ctx.Done(); return ctx.Err() }
			w.release = func(ctx context.Context) error { <-ctx.Done(); return errors.New("postgres is away") }
			w.Start()
			for range announcers + waitingGroups {
				must(t, w.publish("w", "a"))
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			start := time.Now()
			w.Stop(ctx)
			if took := time.Since(start); took > time.Second+2*enqueueTimeout {
				t.Errorf("took %s", took)
			}
		})
	})
}
