package ingest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
)

// underKey is one event under an idempotency key of the workspace "w". What is kept
// tells all that was accepted.
func underKey(key, eventType string) []webhook.NewEvent {
	return []webhook.NewEvent{{Type: eventType, Data: []byte(`{}`), Once: &webhook.Once{
		Key:    webhook.IdempotencyKey{WorkspaceID: "w", Route: "POST /v1/events", Key: key},
		Digest: []byte(eventType),
		Answer: func(a *webhook.Accepted) []byte { return []byte(tell(a)) },
	}}}
}

func tell(a *webhook.Accepted) string {
	return fmt.Sprint(a.ID, a.EventID, a.Type, a.CreatedAt.UTC(), a.Deliveries, a.Duplicate, a.Warnings)
}

func wantClaimFirst(t testing.TB, err error) {
	t.Helper()
	if !errors.Is(err, webhook.ErrClaimFirst) {
		t.Errorf("got %v, want that the key must be claimed", err)
	}
}

func TestOnce(t *testing.T) {
	t.Parallel()
	accept := func(t *testing.T, w *world, ws webhook.WorkspaceID, key, eventType string) error {
		_, err := w.Accept(t.Context(), ws, underKey(key, eventType))
		return err
	}

	t.Run("WhatIsKeptIsWhatIsAnswered", func(t *testing.T) {
		bubble(t, func(t *testing.T, w *world) {
			w.endpoints["w"] = 3
			w.Start()
			events := underKey("k", "a")
			out, err := w.Accept(t.Context(), "w", events)
			must(t, err)
			if got := string(w.keys[events[0].Once.Key].Body); got != tell(&out[0]) || out[0].Deliveries != 3 {
				t.Errorf("kept is %s, answered was %s", got, tell(&out[0]))
			}
		})
	})

	t.Run("OfATakenKeyNothingIsDone", func(t *testing.T) {
		bubble(t, func(t *testing.T, w *world) {
			w.Start()
			must(t, accept(t, w, "w", "k", "a"))
			synctest.Wait()
			announced := len(w.queue.tasks())
			requests := append(requestsFor("w", "b"), &request{workspace: "w", events: underKey("k", "a"), answer: make(chan answer, 1)})
			w.process(t.Context(), requests)
			must(t, (<-requests[0].answer).err)
			wantClaimFirst(t, (<-requests[1].answer).err)
			synctest.Wait()
			if n := len(w.queue.tasks()); n != announced+1 {
				t.Errorf("%d deliveries were announced", n-announced)
			}
		})
	})

	t.Run("LooksForKeysWhileSomeAreTaken", func(t *testing.T) {
		bubble(t, func(t *testing.T, w *world) {
			w.Start()
			for _, step := range []struct {
				key            string
				taken          bool
				looks, commits int
			}{
				{"a", false, 0, 1}, {"b", false, 0, 2}, // the first time a key costs no look
				{"a", true, 0, 3}, {"b", true, 1, 3}, {"a", true, 2, 3}, // and again no commit
				{"c", false, 3, 4}, {"d", false, 3, 5},
			} {
				if err := accept(t, w, "w", step.key, "t"); (err != nil) != step.taken {
					t.Errorf("%s: %v", step.key, err)
				}
				if w.looks != step.looks || len(w.groups) != step.commits {
					t.Errorf("%s: %d looks and %d commits, want %+v", step.key, w.looks, len(w.groups), step)
				}
			}
		})
	})

	t.Run("WideEventsAreNotCommittedWithTheirKey", func(t *testing.T) {
		bubble(t, func(t *testing.T, w *world) {
			w.endpoints["w"] = 2001
			w.Start()
			wantClaimFirst(t, accept(t, w, "w", "k", "a"))
			if len(w.groups) != 0 {
				t.Error("it was committed")
			}
		})
	})

	t.Run("AnotherTryOfAGroupKeepsWhatThatOneAccepts", func(t *testing.T) {
		bubble(t, func(t *testing.T, w *world) {
			w.before = func(g *webhook.Group) error {
				if holds("bad")(g) {
					return errRow
				}
				return nil
			}
			events := underKey("k", "a")
			requests := append(requestsFor("w", "bad"), &request{workspace: "w", events: events, answer: make(chan answer, 1)})
			w.process(t.Context(), requests)
			if (<-requests[0].answer).err == nil {
				t.Error("the bad one was accepted")
			}
			a := <-requests[1].answer
			must(t, a.err)
			if got := string(w.keys[events[0].Once.Key].Body); got != tell(&a.accepted[0]) {
				t.Errorf("kept is %s, answered was %s", got, tell(&a.accepted[0]))
			}
		})
	})
}

func TestOnceOnPostgres(t *testing.T) {
	t.Parallel()

	t.Run("OfTwoProcessesAtOnceOneStoresIt", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.endpoints("w", 1)
		processes := []*Ingester{s.Ingester, s.another(s.url)}
		const keys, each = 60, 4
		var callers sync.WaitGroup
		var mu sync.Mutex
		fresh := make(map[string]int)
		for n := range keys * each {
			callers.Go(func() {
				key := fmt.Sprint("k", (n*7+n/keys)%keys) // the groups have them in several orders
				_, err := processes[n%2].Accept(context.Background(), "w", underKey(key, "t"))
				if err != nil {
					wantClaimFirst(t, err)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				fresh[key]++
			})
		}
		callers.Wait()
		for n := range keys {
			if key := fmt.Sprint("k", n); fresh[key] != 1 {
				t.Errorf("%s was new %d times", key, fresh[key])
			}
		}
		s.wants(keys, "SELECT count(*) FROM events e JOIN idempotency_keys k ON k.token = e.id")
		s.wants(keys, "SELECT count(*) FROM events")
		s.wants(keys, "SELECT count(*) FROM deliveries")
		s.eventually("each delivery is in Redis", func() bool { return len(s.queue.tasks()) == keys })
	})

	t.Run("ItsAnswerIsCommittedWithIt", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		_, err := s.Accept(t.Context(), "w", underKey("k", "a"))
		must(t, err)
		s.wants(1, "SELECT count(*) FROM events e JOIN idempotency_keys k ON k.token = e.id AND k.xmin::text = e.xmin::text AND k.answer IS NOT NULL")
	})

	t.Run("WhoseAnswerGotLostIsStoredOnce", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.endpoints("w", 3)
		_, err := s.Accept(t.Context(), "w", underKey("old", "a"))
		must(t, err)
		p, through := newProxy(t, s.url)
		far := s.another(through)
		_, err = far.Accept(t.Context(), "w", one("", "warm"))
		must(t, err)
		p.armed <- struct{}{}
		events := underKey("new", "b")
		out, err := far.Accept(t.Context(), "w", events)
		must(t, err)
		p.wasCut(t)
		s.wants(3, "SELECT count(*) FROM events")
		c, err := postgres.NewIdempotency(s.open(s.url)).Find(t.Context(), events[0].Once.Key, events[0].Once.Digest)
		must(t, err)
		if string(c.Answer) != tell(&out[0]) {
			t.Errorf("kept is %s, answered was %s", c.Answer, tell(&out[0]))
		}
		_, err = far.Accept(t.Context(), "w", underKey("new", "b"))
		wantClaimFirst(t, err)
	})
}
