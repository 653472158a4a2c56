package deliver

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/postrider/postrider/internal/webhook"
)

// oneTurn gives each pace one turn, as on a machine of two CPUs.
func (w *world) oneTurn() {
	for _, p := range w.runner.paces {
		p.turns = semaphore.NewWeighted(webhook.MaxChunkMembers)
	}
}

// backlog takes n full chunks by a lane, for 40 endpoints in turn that take that long.
func (w *world) backlog(lane webhook.Lane, n int, answer time.Duration) (endpoints []webhook.ID, chunks []webhook.Chunk) {
	w.oneTurn()
	took := make(map[webhook.ID]time.Duration)
	endpoints = w.several(40, answer, took)
	w.answersAfter(took)
	for i := range n {
		c := w.chunkOf(lane, endpoints[i%len(endpoints)], webhook.MaxChunkMembers)
		chunks = append(chunks, c)
		w.take(c)
	}
	return endpoints, chunks
}

// besideLive is how many of a backlog's requests begin a second while first attempts
// come, once windows have grown.
func (w *world) besideLive(lane webhook.Lane, chunks int, answer time.Duration) int {
	w.live()
	behind, _ := w.backlog(lane, chunks, answer)
	w.goesOnLive(2 * time.Second)
	before := w.sentTo(behind)
	w.goesOnLive(4 * time.Second)
	return (w.sentTo(behind) - before) / 4
}

// goesOnLive has a first attempt come every half second, for that long.
func (w *world) goesOnLive(d time.Duration) {
	e := w.endpoint()
	for range d / (500 * time.Millisecond) {
		w.take(w.chunk(e, 1))
		<-time.After(500 * time.Millisecond)
	}
	synctest.Wait()
}

// live has a first attempt come now.
func (w *world) live() {
	w.take(w.chunk(w.endpoint(), 1))
	synctest.Wait()
}

func share(x float64) func(*Deps, *Config) {
	return func(_ *Deps, cfg *Config) { cfg.BacklogShare = x }
}

func TestPace(t *testing.T) {
	t.Parallel()

	for name, lane := range map[string]webhook.Lane{
		"GivesBulkHalfOfTheTimeWhileFirstAttemptsCome":    webhook.LaneBulk,
		"GivesRetriesHalfOfTheTimeWhileFirstAttemptsCome": webhook.LaneRetry,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, w *world) {
				// 50 in 17 ms, then as long a rest.
				if n := w.besideLive(lane, 400, 5*time.Millisecond); n < 1400 || n > 1500 {
					t.Errorf("%d requests a second", n)
				}
			})
		})
	}

	t.Run("BeginsTenMembersAtATimeWhileFirstAttemptsCome", func(t *testing.T) {
		t.Parallel()
		bubble(t, func(t *testing.T, w *world) {
			took := make(map[webhook.ID]time.Duration)
			sent := func(after time.Duration, each []webhook.ID) int {
				<-time.After(after)
				synctest.Wait()
				return w.sentTo(each)
			}
			w.answersAfter(took)
			each := w.several(25, time.Millisecond, took)
			w.live()
			w.take(w.chunkFor(webhook.LaneBulk, each...))
			for _, want := range []int{10, 20, 25} {
				if n := sent(stepPause-1, each); n != want {
					t.Errorf("%d have begun, want %d", n, want)
				}
				<-time.After(1)
			}
			others := w.several(25, time.Millisecond, took)
			<-time.After(liveFor)
			w.take(w.chunkFor(webhook.LaneBulk, others...))
			if n := sent(0, others); n != 25 {
				t.Errorf("%d have begun without first attempts", n)
			}
		})
	})

	t.Run("HoldsBackNothingWithoutFirstAttempts", func(t *testing.T) {
		t.Parallel()
		bubble(t, func(t *testing.T, w *world) {
			w.live()
			<-time.After(liveFor)
			behind, _ := w.backlog(webhook.LaneBulk, 400, 5*time.Millisecond)
			<-time.After(time.Second)
			synctest.Wait()
			if n := w.sentTo(behind); n != 400*webhook.MaxChunkMembers {
				t.Errorf("%d requests in a second", n)
			}
		})
	})

	t.Run("HasNothingToRestFromWithoutFirstAttempts", func(t *testing.T) {
		t.Parallel()
		bubble(t, func(t *testing.T, w *world) {
			behind, _ := w.backlog(webhook.LaneBulk, 1, 5*time.Millisecond)
			<-time.After(200 * time.Millisecond)
			w.live()
			if d := w.delivered(t, w.chunkOf(webhook.LaneBulk, behind[0], 1)); d > 20*time.Millisecond {
				t.Errorf("the first chunk beside live traffic waited %s", d)
			}
		}, share(0.01))
	})

	t.Run("HoldsBackNothingWithAShareOfOne", func(t *testing.T) {
		t.Parallel()
		bubble(t, func(t *testing.T, w *world) {
			w.live()
			behind, _ := w.backlog(webhook.LaneBulk, 400, 5*time.Millisecond)
			w.goesOnLive(time.Second)
			if n := w.sentTo(behind); n != 400*webhook.MaxChunkMembers {
				t.Errorf("%d requests in a second", n)
			}
		}, share(1))
	})

	t.Run("WaitsForNoSlowReceiver", func(t *testing.T) {
		t.Parallel()
		bubble(t, func(t *testing.T, w *world) {
			if n := w.besideLive(webhook.LaneBulk, 100, 400*time.Millisecond); n < 400 {
				t.Errorf("%d requests a second", n)
			}
		})
	})

	t.Run("LetsNoBulkHoldUpRetries", func(t *testing.T) {
		t.Parallel()
		bubble(t, func(t *testing.T, w *world) {
			w.live()
			behind, _ := w.backlog(webhook.LaneBulk, 400, 5*time.Millisecond)
			for range 5 {
				w.goesOnLive(500 * time.Millisecond)
				if d := w.delivered(t, w.chunkOf(webhook.LaneRetry, behind[0], 1)); d > 20*time.Millisecond {
					t.Errorf("a retry waited %s", d)
				}
			}
		})
	})

	t.Run("LetsGoOnceFirstAttemptsEnd", func(t *testing.T) {
		t.Parallel()
		bubble(t, func(t *testing.T, w *world) {
			w.live()
			behind, _ := w.backlog(webhook.LaneBulk, 9, 5*time.Millisecond) // all have room
			<-time.After(liveFor - time.Millisecond)
			synctest.Wait()
			if n := w.sentTo(behind); n != webhook.MaxChunkMembers {
				t.Errorf("%d requests while the first chunk rests", n)
			}
			<-time.After(2 * glance)
			synctest.Wait()
			if n := w.sentTo(behind); n != 9*webhook.MaxChunkMembers {
				t.Errorf("%d requests without live traffic", n)
			}
		}, share(0.01))
	})

	t.Run("HandsBackWhatWaitsWhenTheWorkerStops", func(t *testing.T) {
		t.Parallel()
		bubble(t, func(t *testing.T, w *world) {
			w.live()
			behind, chunks := w.backlog(webhook.LaneBulk, 9, 5*time.Millisecond)
			<-time.After(200 * time.Millisecond)
			waiting := 0
			for _, c := range chunks {
				if w.of(c.Members[0]).Task == c.Task && w.of(c.Members[0]).Status == webhook.StatusPending {
					waiting++
				}
			}
			w.runner.HandBack()
			synctest.Wait()
			given := w.count(func(r *row) bool { return r.Status == webhook.StatusPending && r.Task == "" })
			if waiting != 8 || given != 8*webhook.MaxChunkMembers || w.sentTo(behind) != webhook.MaxChunkMembers {
				t.Errorf("of %d waiting chunks %d members were handed back; %d were sent", waiting, given, w.sentTo(behind))
			}
		}, share(0.01))
	})

	t.Run("EndsWithItsContext", func(t *testing.T) {
		t.Parallel()
		bubble(t, func(t *testing.T, w *world) {
			w.live()
			behind, _ := w.backlog(webhook.LaneBulk, 1, 5*time.Millisecond)
			<-time.After(200 * time.Millisecond)
			c := w.chunkOf(webhook.LaneBulk, behind[0], 1)
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			began := time.Now()
			if err := w.runner.Process(ctx, c); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 100*time.Millisecond {
				t.Errorf("%v after %s", err, time.Since(began))
			}
			if w.of(c.Members[0]).Task != c.Task {
				t.Error("its task does not have it any more")
			}
		}, share(0.01))
	})
}
