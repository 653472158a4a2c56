package ingest

import (
	"context"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

func TestCallersOwnID(t *testing.T) {
	t.Parallel()

	t.Run("GivenTwiceIsOneEvent", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.endpoints("w", 3)
		first := s.accept("w", "mine", "a.b")
		s.endpoints("w", 1) // matches later events only
		again := s.accept("w", "mine", "other.type")
		if first.Duplicate || first.Deliveries != 3 || first.ID != "mine" {
			t.Errorf("the first is %+v", first)
		}
		if want := (webhook.Accepted{ID: "mine", EventID: first.EventID, Type: "a.b", CreatedAt: again.CreatedAt, Deliveries: 3, Duplicate: true}); !reflect.DeepEqual(again, want) {
			t.Errorf("the second is %+v, want %+v", again, want)
		}
		if !again.CreatedAt.Equal(first.CreatedAt) {
			t.Errorf("created %s, at first %s", again.CreatedAt, first.CreatedAt)
		}
		s.wants(1, "SELECT count(*) FROM events")
		s.wants(3, "SELECT count(*) FROM deliveries")
		s.eventually("the first one's deliveries are in Redis", func() bool { return len(s.queue.tasks()) == 3 })
	})

	t.Run("IsAnotherInAnotherWorkspace", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.workspace("other")
		if a, b := s.accept("w", "mine", "a"), s.accept("other", "mine", "b"); a.Duplicate || b.Duplicate {
			t.Errorf("got %+v and %+v", a, b)
		}
		s.wants(2, "SELECT count(*) FROM events")
	})

	t.Run("TwiceInABatchIsOneEvent", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.endpoints("w", 1)
		s.accept("w", "old", "a")
		events := append(append(one("new", "b"), one("old", "c")...), append(one("", "d"), one("new", "e")...)...)
		out, err := s.Accept(t.Context(), "w", events)
		must(t, err)
		for n, want := range []struct {
			eventType string
			duplicate bool
		}{{"b", false}, {"a", true}, {"d", false}, {"b", true}} {
			if out[n].Type != want.eventType || out[n].Duplicate != want.duplicate {
				t.Errorf("event %d: got %+v, want type %s, duplicate %v", n, out[n], want.eventType, want.duplicate)
			}
		}
		s.wants(3, "SELECT count(*) FROM events")
		s.wants(3, "SELECT count(*) FROM deliveries")
	})

	t.Run("OfTwoProcessesAtOnceIsOneEvent", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.endpoints("w", 1)
		processes := []*Ingester{s.Ingester, s.another(s.url)}
		const ids, each = 100, 4
		var callers sync.WaitGroup
		var mu sync.Mutex
		fresh := make(map[string]int)
		for n := range ids * each {
			callers.Go(func() {
				// Batches whose order differs: groups that meet must not lock each other out.
				a, b := fmt.Sprint("id", n%ids), fmt.Sprint("id", (n*7+n/ids)%ids)
				out, err := processes[n%2].Accept(context.Background(), "w", append(one(a, "t"), one(b, "t")...))
				check(t, err)
				mu.Lock()
				defer mu.Unlock()
				for _, accepted := range out {
					if !accepted.Duplicate {
						fresh[accepted.ID]++
					}
				}
			})
		}
		callers.Wait()
		for n := range ids {
			if id := fmt.Sprint("id", n); fresh[id] != 1 {
				t.Errorf("%s was new %d times", id, fresh[id])
			}
		}
		s.wants(ids, "SELECT count(*) FROM events")
		s.wants(ids, "SELECT count(*) FROM deliveries")
		s.eventually("each delivery is in Redis", func() bool { return len(s.queue.tasks()) == ids })
	})

	t.Run("ThatIsOneOfOursIsTheEventThatHasIt", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.workspace("other")
		s.endpoints("w", 1)
		ours := s.accept("w", "", "a")
		out, err := s.Accept(t.Context(), "w", append(append(one("x", "x"), one(ours.ID, "b")...), one("y", "y")...))
		must(t, err)
		if out[0].ID != "x" || out[1].ID != ours.ID || !out[1].Duplicate || out[1].Type != "a" || out[2].ID != "y" {
			t.Errorf("got %+v", out)
		}
		// Another workspace's, and one that nobody made, are the caller's own.
		unknown := webhook.NewID(time.Now()).Format(webhook.EventPrefix)
		if a, b := s.accept("other", ours.ID, "c"), s.accept("w", unknown, "d"); a.Duplicate || b.Duplicate || b.ID != unknown {
			t.Errorf("got %+v and %+v", a, b)
		}
		if again := s.accept("w", unknown, "e"); !again.Duplicate || again.Type != "d" {
			t.Errorf("got %+v", again)
		}
	})
}

func TestLostAnswer(t *testing.T) {
	t.Parallel()
	for name, id := range map[string]string{"OfAnEvent": "", "OfAnEventWithAnID": "mine"} {
		t.Run(name+"ToACommitStoresItOnce", func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.endpoints("w", 3)
			s.accept("w", "old", "a")
			p, through := newProxy(t, s.url)
			far := s.another(through)
			_, err := far.Accept(t.Context(), "w", one("", "warm"))
			must(t, err)
			p.armed <- struct{}{}
			events := append(one(id, "b"), one("", "c")...)
			if id != "" {
				events = append(events, one("old", "d")...)
			}
			out, err := far.Accept(t.Context(), "w", events)
			must(t, err)
			p.wasCut(t)
			if out[0].Duplicate || out[0].Deliveries != 3 || out[1].Duplicate {
				t.Errorf("answered with %+v", out)
			}
			if id != "" && (!out[2].Duplicate || out[2].Type != "a") {
				t.Errorf("the one from before is %+v", out[2])
			}
			s.wants(4, "SELECT count(*) FROM events")
			s.wants(12, "SELECT count(*) FROM deliveries")
			s.eventually("each delivery is in Redis", func() bool { return len(s.queue.tasks()) == 12 })
		})
	}

	t.Run("IsADuplicateWhenItsCallerComesBack", func(t *testing.T) {
		bubble(t, func(t *testing.T, w *world) {
			w.after = func(*webhook.Group) error { return errAway }
			w.Start()
			wantUnavailable(t, w.publishID("w", "a", "mine"))
			synctest.Wait()
			w.after = nil
			out, err := w.Accept(t.Context(), "w", one("mine", "a"))
			must(t, err)
			if !out[0].Duplicate {
				t.Errorf("answered with %+v", out[0])
			}
		})
	})
}
