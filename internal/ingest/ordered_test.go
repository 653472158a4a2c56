package ingest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

func keyed(key string, types ...string) []webhook.NewEvent {
	out := make([]webhook.NewEvent, len(types))
	for n, eventType := range types {
		out[n] = webhook.NewEvent{Type: eventType, Data: []byte(`{}`), Options: webhook.Options{OrderingKey: key}}
	}
	return out
}

func TestOrdered(t *testing.T) {
	t.Run("HoldUpNobodyWithoutAKey", func(t *testing.T) {
		bubble(t, func(t *testing.T, w *world) {
			free := w.hang(func(g *webhook.Group) bool { return g.Events[0].OrderingKey != "" })
			w.Start()
			var callers sync.WaitGroup
			callers.Go(func() {
				_, err := w.Accept(context.Background(), "w", keyed("k", "keyed"))
				check(t, err)
			})
			synctest.Wait()
			must(t, w.publish("w", "free"))
			wantCounts(t, w.committed(), map[string]int{"free": 1})
			free()
			callers.Wait()
			wantCounts(t, w.committed(), map[string]int{"free": 1, "keyed": 1})
		})
	})

	t.Run("ShareACommitInTheOrderInWhichTheyCame", func(t *testing.T) {
		bubble(t, func(t *testing.T, w *world) {
			free := w.hang(always)
			w.Start()
			var callers sync.WaitGroup
			for n := range 20 {
				callers.Go(func() {
					_, err := w.Accept(context.Background(), "w", keyed("k", fmt.Sprintf("n%02d", n)))
					check(t, err)
				})
				synctest.Wait() // the one before waits already
			}
			free()
			callers.Wait()
			if len(w.groups) != 2 {
				t.Errorf("%d commits", len(w.groups))
			}
			var types []string
			for _, g := range w.groups {
				for _, e := range g.Events {
					types = append(types, e.Type)
				}
			}
			if len(types) != 20 || !slices.IsSorted(types) {
				t.Errorf("stored in the order %v", types)
			}
		})
	})

	t.Run("AreRefusedAfterTheLongestWait", func(t *testing.T) {
		bubble(t, func(t *testing.T, w *world) {
			free := w.hang(always)
			w.Start()
			var callers sync.WaitGroup
			callers.Go(func() {
				_, err := w.Accept(context.Background(), "w", keyed("k", "first"))
				check(t, err)
			})
			synctest.Wait()
			callers.Go(func() {
				_, err := w.Accept(context.Background(), "w", keyed("k", "second"))
				wantUnavailable(t, err)
			})
			<-time.After(3 * time.Second)
			free()
			callers.Wait()
			wantCounts(t, w.committed(), map[string]int{"first": 1})
		})
	})

	t.Run("AreRefusedWhereTooMuchWaits", func(t *testing.T) {
		bubble(t, func(t *testing.T, w *world) {
			free := w.hang(always)
			w.Start()
			var callers sync.WaitGroup
			refused := make(chan error, 10)
			for range 4 {
				callers.Go(func() {
					large := keyed("k", "large")
					large[0].Data = batch(1, maxGroupBytes*2/3, "large")[0].Data
					if _, err := w.Accept(context.Background(), "w", large); err != nil {
						refused <- err
					}
				})
				synctest.Wait()
			}
			free()
			callers.Wait()
			close(refused)
			if len(refused) != 2 { // one is being stored, one waits
				t.Errorf("%d were refused", len(refused))
			}
			for err := range refused {
				wantUnavailable(t, err)
			}
		})
	})

	t.Run("AreCommittedByAStop", func(t *testing.T) {
		bubble(t, func(t *testing.T, w *world) {
			free := w.hang(always)
			w.Start()
			var callers sync.WaitGroup
			for range 3 {
				callers.Go(func() {
					_, err := w.Accept(context.Background(), "w", keyed("k", "a"))
					check(t, err)
				})
				synctest.Wait()
			}
			callers.Go(func() { w.Stop(context.Background()) })
			synctest.Wait()
			free()
			callers.Wait()
			wantCounts(t, w.committed(), map[string]int{"a": 3})
		})
	})

	t.Run("OfWhichOneCanNotBeStoredFailAlone", func(t *testing.T) {
		bubble(t, func(t *testing.T, w *world) {
			gate := make(chan struct{})
			w.before = func(g *webhook.Group) error {
				if len(g.Events) == 1 && g.Events[0].Type == "first" {
					<-gate
				}
				if holds("bad")(g) {
					return errRow
				}
				return nil
			}
			w.Start()
			var callers sync.WaitGroup
			for _, eventType := range []string{"first", "a", "bad", "b", "c"} {
				callers.Go(func() {
					_, err := w.Accept(context.Background(), "w", keyed("k", eventType))
					if (err != nil) != (eventType == "bad") {
						t.Errorf("%s: %v", eventType, err)
					}
				})
				synctest.Wait()
			}
			close(gate)
			callers.Wait()
			wantCounts(t, w.committed(), map[string]int{"first": 1, "a": 1, "b": 1, "c": 1})
		})
	})
}

func TestOrderedOnPostgres(t *testing.T) {
	t.Parallel()

	t.Run("OnlyTheHeadIsAnnounced", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.endpoints("w", 2)
		_, err := s.Accept(t.Context(), "w", keyed("k", slices.Repeat([]string{"a"}, 120)...))
		must(t, err)
		s.eventually("the heads have tasks in Redis", func() bool { return len(s.queue.tasks()) == 2 })
		s.wants(2, "SELECT count(*) FROM deliveries WHERE task IS NOT NULL AND NOT parked")
		s.wants(238, "SELECT count(*) FROM deliveries WHERE task IS NULL AND parked AND held_reason = 'ordering'")
		for id, task := range s.queue.tasks() {
			s.wants(1, "SELECT count(*) FROM deliveries WHERE id = $1 AND task = $2", [16]byte(id), task)
		}
		for _, c := range s.queue.chunks {
			if len(c.Events) != 1 {
				t.Errorf("a task carries the bodies of %d events", len(c.Events))
			}
		}
	})

	t.Run("AWideEventTakesATurnAtEachEndpoint", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.endpoints("w", 12_000)
		for range 2 {
			_, err := s.Accept(t.Context(), "w", keyed("k", "a"))
			must(t, err)
		}
		s.wants(12_000, "SELECT count(*) FROM ordering_keys WHERE head_seq = last_seq - 1")
		s.wants(12_000, "SELECT count(*) FROM deliveries WHERE parked AND held_reason = 'ordering'")
		s.wants(12_000, "SELECT count(*) FROM deliveries WHERE NOT parked")
		s.wants(12_000, "SELECT count(*) FROM ordering_queue")
	})

	t.Run("TwoProcessesTakeTurns", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.endpoints("w", 1)
		processes := []*Ingester{s.Ingester, s.another(s.url)}
		var producers sync.WaitGroup
		for p := range 5 { // each goes from one process to the other, with a key of its own and a common one
			producers.Go(func() {
				for n := range 30 {
					events := append(keyed(fmt.Sprint("own", p), fmt.Sprintf("p%d.n%d", p, n)), keyed("common", fmt.Sprintf("p%d.n%d", p, n))...)
					_, err := processes[n%2].Accept(context.Background(), "w", events)
					check(t, err)
				}
			})
		}
		producers.Wait()
		s.wants(300, "SELECT count(*) FROM deliveries")
		s.wants(6, "SELECT count(*) FROM deliveries WHERE NOT parked")
		// Of each producer the events of a key are numbered in the order of its requests.
		s.wants(0, `SELECT count(*) FROM (
			SELECT split_part(event_type, '.n', 2)::int AS n, lag(split_part(event_type, '.n', 2)::int) OVER (
				PARTITION BY ordering_key, split_part(event_type, '.n', 1) ORDER BY ordering_seq) AS before FROM deliveries) x
			WHERE n <> coalesce(before, -1) + 1`)
	})
}
