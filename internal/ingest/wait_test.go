package ingest

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

func TestWaiting(t *testing.T) {
	t.Parallel()

	t.Run("EndsAfterMaxWait", func(t *testing.T) {
		bubble(t, func(t *testing.T, w *world) {
			free := w.hang(holds("slow"))
			w.Start()
			go w.publish("w", "slow")
			synctest.Wait()
			start := time.Now()
			wantUnavailable(t, w.publish("w", "late"))
			if took := time.Since(start); took != 2*time.Second {
				t.Errorf("waited %s, want 2s", took)
			}
			free()
			must(t, w.publish("w", "next"))
			wantCounts(t, w.committed(), map[string]int{"slow": 1, "next": 1})
		})
	})

	t.Run("GoesOnWhileOthersAreCommitted", func(t *testing.T) {
		for name, takes := range map[string]time.Duration{"UntilItsTurn": 300 * time.Millisecond, "ThreeTimesMaxWaitAtMost": 480 * time.Millisecond} {
			t.Run(name, func(t *testing.T) {
				bubble(t, func(t *testing.T, w *world) {
					w.endpoints["wide"] = 1500 // six of its events are a group
					free := w.hang(holds("slow"))
					w.Start()
					go w.publish("w", "slow")
					synctest.Wait()
					var all sync.WaitGroup
					for range 80 {
						all.Go(func() { check(t, w.publish("wide", "a")) })
					}
					synctest.Wait()
					w.before = func(*webhook.Group) error { <-time.After(takes); return nil }
					free()
					<-time.After(takes) // all 80 are taken, for 14 commits
					start := time.Now()
					err := w.publish("w", "late")
					if took := time.Since(start); name == "UntilItsTurn" {
						if err != nil || took < 4*time.Second {
							t.Errorf("%v after %s", err, took)
						}
					} else if webhook.CodeOf(err) != webhook.CodeUnavailable || took != 6*time.Second {
						t.Errorf("%v after %s", err, took)
					}
					all.Wait()
				})
			})
		}
	})

	t.Run("EndsWithItsCaller", func(t *testing.T) {
		bubble(t, func(t *testing.T, w *world) {
			free := w.hang(holds("slow"))
			w.Start()
			go w.publish("w", "slow")
			synctest.Wait()
			ctx, cancel := context.WithCancel(t.Context())
			gone := make(chan error, 1)
			go func() {
				_, err := w.Accept(ctx, "w", batch(3, 0, "gone"))
				gone <- err
			}()
			synctest.Wait()
			cancel()
			wantUnavailable(t, <-gone)
			free()
			must(t, w.publish("w", "next"))
			wantCounts(t, w.committed(), map[string]int{"slow": 1, "next": 1})
		})
	})

	t.Run("IsOverOnceTakenSoThatTheOutcomeIsKnown", func(t *testing.T) {
		bubble(t, func(t *testing.T, w *world) {
			free := w.hang(always)
			w.Start()
			ctx, cancel := context.WithCancel(t.Context())
			taken := make(chan error, 1)
			go func() {
				_, err := w.Accept(ctx, "w", batch(1, 0, "taken"))
				taken <- err
			}()
			synctest.Wait()
			cancel()
			<-time.After(4 * time.Second) // past MaxWait, too
			select {
			case err := <-taken:
				t.Errorf("answered with %v while the commit runs", err)
			default:
			}
			free()
			must(t, <-taken)
			wantCounts(t, w.committed(), map[string]int{"taken": 1})
		})
	})

	t.Run("IsRefusedAbove8192Events", func(t *testing.T) {
		waitingUpTo(t, 8192, func(t *testing.T, w *world) (start func(), more []webhook.NewEvent) {
			return func() {
				for range 8 {
					go w.Accept(t.Context(), "w", batch(1000, 0, "waits"))
				}
				go w.Accept(t.Context(), "w", batch(192, 0, "waits"))
			}, batch(1, 0, "more")
		})
	})

	t.Run("IsRefusedAbove64MiB", func(t *testing.T) {
		waitingUpTo(t, 63, func(t *testing.T, w *world) (start func(), more []webhook.NewEvent) {
			return func() {
				for range 63 {
					go w.Accept(t.Context(), "w", batch(1, 1<<20, "waits"))
				}
			}, batch(1, 1<<20, "more")
		})
	})

	t.Run("IsForgottenWithThoseWhoGaveUp", func(t *testing.T) {
		bubble(t, func(t *testing.T, w *world) {
			free := w.hang(holds("slow"))
			w.Start()
			go w.publish("w", "slow")
			synctest.Wait()
			// Each gives up in time to make room for the next, and nobody takes them out.
			for range 10 {
				var callers sync.WaitGroup
				for range 1500 {
					callers.Go(func() { wantUnavailable(t, w.publish("w", "gone")) })
				}
				callers.Wait()
			}
			free()
			synctest.Wait()
			must(t, w.publish("w", "next"))
			wantCounts(t, w.committed(), map[string]int{"slow": 1, "next": 1})
		})
	})
}

// waitingUpTo fills what may wait with n events and tries more.
func waitingUpTo(t *testing.T, n int, fill func(*testing.T, *world) (start func(), more []webhook.NewEvent)) {
	t.Helper()
	bubble(t, func(t *testing.T, w *world) {
		free := w.hang(holds("slow"))
		w.Start()
		go w.publish("w", "slow")
		synctest.Wait()
		start, more := fill(t, w)
		start()
		synctest.Wait()
		before := time.Now()
		_, err := w.Accept(t.Context(), "w", more)
		wantUnavailable(t, err)
		if took := time.Since(before); took > 0 {
			t.Errorf("refused after %s, want at once", took)
		}
		free()
		synctest.Wait()
		_, err = w.Accept(t.Context(), "w", more)
		must(t, err)
		wantCounts(t, w.committed(), map[string]int{"slow": 1, "waits": n, "more": 1})
	})
}
