package ingest

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// setupWide makes a workspace with thousands of endpoints whose commits hang.
func setupWide(w *world) (free func()) {
	w.endpoints["wide"] = 2001
	free = w.hang(holds("wide"))
	w.Start()
	return free
}

func TestWideEvent(t *testing.T) {
	t.Parallel()

	t.Run("HoldsUpNobody", func(t *testing.T) {
		bubble(t, func(t *testing.T, w *world) {
			free := setupWide(w)
			for range 10 {
				go w.publish("wide", "wide")
			}
			synctest.Wait()
			start := time.Now()
			must(t, w.publish("w", "narrow"))
			if took := time.Since(start); took > maxGatherWindow { // for company, as always
				t.Errorf("the neighbour waited %s", took)
			}
			free()
			synctest.Wait()
			wantCounts(t, w.committed(), map[string]int{"wide": 10, "narrow": 1})
		})
	})

	t.Run("DoesNotHoldUpItsOwnGroup", func(t *testing.T) {
		bubble(t, func(t *testing.T, w *world) {
			free := setupWide(w)
			requests := append(requestsFor("wide", "wide", "wide", "wide", "wide"), requestsFor("w", "narrow")...)
			w.process(t.Context(), requests)
			must(t, (<-requests[4].answer).err)
			free()
			for _, r := range requests[:4] {
				must(t, (<-r.answer).err)
			}
		})
	})

	t.Run("IsNoneThatFewOfManyWant", func(t *testing.T) {
		bubble(t, func(t *testing.T, w *world) {
			w.endpoints["many"], w.wants["many"] = 20_000, "another"
			requests := requestsFor("many", slices.Repeat([]string{"a"}, 100)...)
			w.process(t.Context(), requests)
			for _, r := range requests {
				must(t, (<-r.answer).err)
			}
			if len(w.groups) != 1 {
				t.Errorf("%d groups", len(w.groups))
			}
		})
	})

	for name, c := range map[string]struct {
		endpoints, events int
		beside            bool
	}{
		"IsABatchThatMayMake1000Deliveries": {11, 100, true},
		"IsNoSmallerBatch":                  {10, 100, false},
		"IsABatchOf1000Events":              {10, 1000, true},
		"IsNoBatchOfAFewEvents":             {400, smallBatch, false},
		"IsOneOfAFewThatMayMake10000":       {501, smallBatch, true},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				w.endpoints["many"] = c.endpoints
				free := w.hang(holds("many"))
				w.Start()
				many, narrow := make(chan error, 1), make(chan error, 1)
				go func() {
					_, err := w.Accept(t.Context(), "many", batch(c.events, 0, "many"))
					many <- err
				}()
				synctest.Wait()
				go func() { narrow <- w.publish("w", "narrow") }()
				<-time.After(maxGatherWindow)
				synctest.Wait()
				if beside := len(narrow) == 1; beside != c.beside {
					t.Errorf("a neighbour was answered meanwhile: %v", beside)
				}
				free()
				must(t, <-many)
				must(t, <-narrow)
				wantCounts(t, w.committed(), map[string]int{"many": c.events, "narrow": 1})
			})
		})
	}

	t.Run("CommitsWithAFewAtOnce", func(t *testing.T) {
		bubble(t, func(t *testing.T, w *world) {
			w.endpoints["wide"] = 2001
			var running, most atomic.Int32
			w.before = func(*webhook.Group) error {
				most.Store(max(most.Load(), running.Add(1)))
				<-time.After(time.Millisecond)
				running.Add(-1)
				return nil
			}
			w.Start()
			var callers sync.WaitGroup
			for range 20 {
				callers.Go(func() { check(t, w.publish("wide", "wide")) })
			}
			callers.Wait()
			if n := most.Load(); n != wideCommits {
				t.Errorf("%d at once, want %d", n, wideCommits)
			}
		})
	})

	t.Run("GivesUpAfterMaxWait", func(t *testing.T) {
		bubble(t, func(t *testing.T, w *world) {
			free := setupWide(w)
			for range wideCommits {
				go w.publish("wide", "wide")
			}
			synctest.Wait()
			start := time.Now()
			wantUnavailable(t, w.publish("wide", "wide"))
			if took := time.Since(start); took < 2*time.Second || took > 2*time.Second+maxGatherWindow {
				t.Errorf("gave up after %s, want 2s", took)
			}
			free()
			synctest.Wait()
			wantCounts(t, w.committed(), map[string]int{"wide": wideCommits})
		})
	})

	t.Run("IsRefusedWhenMegabytesWaitAlready", func(t *testing.T) {
		bubble(t, func(t *testing.T, w *world) {
			free := setupWide(w)
			for range wideCommits + 8 {
				go w.Accept(t.Context(), "wide", batch(1, 1<<20-1024, "wide"))
			}
			synctest.Wait()
			start := time.Now()
			_, err := w.Accept(t.Context(), "wide", batch(1, 1<<20-1024, "wide"))
			wantUnavailable(t, err)
			if took := time.Since(start); took > maxGatherWindow {
				t.Errorf("refused after %s, want at once", took)
			}
			free()
			synctest.Wait()
			must(t, w.publish("wide", "wide"))
			wantCounts(t, w.committed(), map[string]int{"wide": wideCommits + 9})
		})
	})

	t.Run("FailsAlone", func(t *testing.T) {
		bubble(t, func(t *testing.T, w *world) {
			w.endpoints["wide"] = 2001
			w.before = func(g *webhook.Group) error {
				if holds("bad")(g) {
					return errRow
				}
				return nil
			}
			requests := append(requestsFor("wide", "bad", "wide"), requestsFor("w", "narrow")...)
			w.process(t.Context(), requests)
			for _, r := range requests {
				if a, bad := <-r.answer, r.events[0].Type == "bad"; (a.err != nil) != bad {
					t.Errorf("%s was answered with %v", r.events[0].Type, a.err)
				}
			}
		})
	})

	t.Run("IsCommittedByAStop", func(t *testing.T) {
		bubble(t, func(t *testing.T, w *world) {
			free := setupWide(w)
			answered := make(chan error, 1)
			go func() { answered <- w.publish("wide", "wide") }()
			synctest.Wait()
			time.AfterFunc(time.Second, free)
			w.Stop(context.Background())
			must(t, <-answered)
			wantCounts(t, w.committed(), map[string]int{"wide": 1})
		})
	})
}
