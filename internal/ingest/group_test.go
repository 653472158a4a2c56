package ingest

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

func TestGroup(t *testing.T) {
	t.Parallel()

	t.Run("OfALoneCallerNeverWaits", func(t *testing.T) {
		bubble(t, func(t *testing.T, w *world) {
			w.Start()
			start := time.Now()
			for range 100 {
				must(t, w.publish("w", "a"))
			}
			if took := time.Since(start); took > 0 {
				t.Errorf("a hundred took %s more than nothing", took)
			}
		})
	})

	t.Run("OfALoneBatchLeavesNobodyExpected", func(t *testing.T) {
		bubble(t, func(t *testing.T, w *world) {
			w.Start()
			start := time.Now()
			for range 10 {
				_, err := w.Accept(t.Context(), "w", batch(100, 10, "a"))
				must(t, err)
			}
			if took := time.Since(start); took > 0 {
				t.Errorf("ten took %s more than nothing", took)
			}
		})
	})

	t.Run("HoldsAllWhoCameDuringTheLastCommit", func(t *testing.T) {
		bubble(t, func(t *testing.T, w *world) {
			free := w.hang(always)
			w.Start()
			var callers sync.WaitGroup
			for n := range 300 {
				callers.Go(func() { check(t, w.publish("w", fmt.Sprint("t", n))) })
				synctest.Wait()
			}
			free()
			callers.Wait()
			if n := len(w.groups); n != 2 {
				t.Errorf("300 callers took %d commits, want 2", n)
			}
			if n := len(w.committed()); n != 300 {
				t.Errorf("%d of 300 are committed", n)
			}
		})
	})

	t.Run("WaitsAMomentForThoseWhoComeBack", func(t *testing.T) {
		bubble(t, func(t *testing.T, w *world) {
			const callers, rounds = 64, 50
			w.before = func(*webhook.Group) error { <-time.After(time.Millisecond); return nil }
			w.Start()
			var all sync.WaitGroup
			for range callers {
				all.Go(func() {
					for range rounds {
						check(t, w.publish("w", "a"))
						<-time.After(time.Millisecond / 2) // what a caller does in between
					}
				})
			}
			all.Wait()
			// Nobody waiting, they would fall into two halves that take turns.
			if n := len(w.groups); n > rounds*3/2 {
				t.Errorf("%d commits for %d rounds", n, rounds)
			}
		})
	})

	t.Run("BringsTwoHalvesTogether", func(t *testing.T) {
		bubble(t, func(t *testing.T, w *world) {
			const callers, rounds = 64, 50
			w.before = func(*webhook.Group) error { <-time.After(4 * time.Millisecond); return nil }
			w.Start()
			var all sync.WaitGroup
			for n := range callers {
				all.Go(func() {
					if n%2 == 0 { // while the events of the others commit
						<-time.After(5 * time.Millisecond)
					}
					for range rounds {
						check(t, w.publish("w", "a"))
						<-time.After(2 * time.Millisecond)
					}
				})
			}
			all.Wait()
			if n := len(w.groups); n > rounds*3/2 {
				t.Errorf("%d commits for %d rounds", n, rounds)
			}
		})
	})

	t.Run("ForgetsWhoDidNotComeBack", func(t *testing.T) {
		bubble(t, func(t *testing.T, w *world) {
			w.expected = 88 // of a burst long ago
			time.AfterFunc(time.Minute, func() { check(t, w.admit(requestsFor("w", "alone")[0])) })
			start := time.Now()
			if group, _ := w.gather(); len(group) != 1 || time.Since(start) != time.Minute {
				t.Errorf("%d after %s", len(group), time.Since(start))
			}
		})
	})

	t.Run("WaitsForNobodyOnceThoseExpectedAreThere", func(t *testing.T) {
		bubble(t, func(t *testing.T, w *world) {
			for _, r := range requestsFor("w", slices.Repeat([]string{"a"}, 88)...) {
				must(t, w.admit(r))
			}
			w.expected = 88
			start := time.Now()
			group, open := w.gather()
			if took := time.Since(start); took > 0 || len(group) != 88 || !open {
				t.Errorf("%d after %s", len(group), took)
			}
			// A few who do not come back are not waited for long.
			must(t, w.admit(requestsFor("w", "late")[0]))
			if group, _ := w.gather(); len(group) != 1 || time.Since(start) > maxGatherWindow {
				t.Errorf("%d after %s", len(group), time.Since(start))
			}
		})
	})

	t.Run("StaysWithinItsBounds", func(t *testing.T) {
		bubble(t, func(t *testing.T, w *world) {
			free := w.hang(holds("first"))
			w.endpoints["other"] = 150
			w.Start()
			var callers sync.WaitGroup
			accept := func(ws webhook.WorkspaceID, events []webhook.NewEvent) {
				callers.Go(func() {
					_, err := w.Accept(t.Context(), ws, events)
					check(t, err)
				})
				synctest.Wait()
			}
			accept("w", batch(1, 0, "first"))
			for range 40 {
				accept("w", batch(60, 10, "a"))
				accept("w", batch(1, 900<<10, "large"))
				accept("other", batch(40, 10, "fans out"))
			}
			for range 20 { // bytes alone
				accept("w", batch(1, 900<<10, "large"))
			}
			accept("w", batch(700, 10, "over it by itself"))
			free()
			callers.Wait()
			for _, g := range w.groups {
				checkBounds(t, g)
			}
			wantCounts(t, w.committed(), map[string]int{"first": 1, "a": 2400, "large": 60, "fans out": 1600, "over it by itself": 700})
		})
	})

	t.Run("HalvesAroundARowThatCanNotBeStored", func(t *testing.T) {
		bubble(t, func(t *testing.T, w *world) {
			w.before = func(g *webhook.Group) error {
				if holds("bad")(g) {
					return errRow
				}
				return nil
			}
			requests := requestsFor("w", "a", "b", "bad", "c", "d", "bad", "e")
			w.process(t.Context(), requests)
			for _, r := range requests {
				a, bad := <-r.answer, r.events[0].Type == "bad"
				if (a.err != nil) != bad || (len(a.accepted) == 1) == bad {
					t.Errorf("%s was answered with %v, %v", r.events[0].Type, a.accepted, a.err)
				}
			}
			wantCounts(t, w.committed(), map[string]int{"a": 1, "b": 1, "c": 1, "d": 1, "e": 1})
		})
	})

	t.Run("IsNotStoredTwiceWhenItsAnswerGotLost", func(t *testing.T) {
		bubble(t, func(t *testing.T, w *world) {
			w.after = func(*webhook.Group) error { return errAway }
			requests := requestsFor("w", "a", "b", "c", "d")
			w.process(t.Context(), requests)
			for _, r := range requests {
				wantUnavailable(t, (<-r.answer).err)
			}
			wantCounts(t, w.committed(), map[string]int{"a": 1, "b": 1, "c": 1, "d": 1})
		})
	})
}

func checkBounds(t *testing.T, g webhook.Group) {
	t.Helper()
	size := 0
	for _, e := range g.Events {
		size += len(e.Body)
	}
	if alone := slices.ContainsFunc(g.Events, func(e webhook.Event) bool { return e.Type == "over it by itself" }); alone {
		if len(g.Events) != 700 {
			t.Errorf("a batch that is too large for a group shares it: %d events", len(g.Events))
		}
		return
	}
	if len(g.Events) > 512 || len(g.Deliveries) > 10_000 || size > 8<<20 {
		t.Errorf("a group has %d events, %d deliveries, %d bytes", len(g.Events), len(g.Deliveries), size)
	}
}

// requestsFor are what the writer takes, one event each.
func requestsFor(ws webhook.WorkspaceID, types ...string) []*request {
	out := make([]*request, len(types))
	for n, eventType := range types {
		out[n] = &request{workspace: ws, events: []webhook.NewEvent{{Type: eventType, Data: []byte(`{}`)}}, answer: make(chan answer, 1)}
	}
	return out
}
