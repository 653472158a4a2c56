package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
)

func TestOnPostgres(t *testing.T) {
	t.Parallel()

	t.Run("CallersShareACommit", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.endpoints("w", 2)
		lock, err := s.raw.Begin(t.Context())
		must(t, err)
		_, err = lock.Exec(t.Context(), "LOCK TABLE events IN SHARE MODE")
		must(t, err)
		var callers sync.WaitGroup
		publish := func() {
			callers.Go(func() {
				_, err := s.Accept(context.Background(), "w", one("", "a"))
				check(t, err)
			})
		}
		publish()
		s.eventually("the first one's commit waits for the lock", func() bool {
			return query[bool](s, "SELECT count(*) = 1 FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())")
		})
		for range 300 {
			publish()
		}
		s.eventually("all wait", func() bool { return s.waiting.events.Load() == 300 })
		must(t, lock.Rollback(t.Context()))
		callers.Wait()
		s.wants(301, "SELECT count(*) FROM events")
		s.wants(602, "SELECT count(*) FROM deliveries")
		s.wants(2, "SELECT count(DISTINCT xmin::text) FROM events")
		s.wants(0, "SELECT count(*) FROM deliveries d JOIN events e ON e.id = d.event_id WHERE e.xmin::text <> d.xmin::text")
	})

	t.Run("WideEventsCommitBesideTheirNeighbours", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.workspace("wide")
		s.endpoints("w", 1)
		s.endpoints("wide", 12_000)
		requests := append(requestsFor("wide", "a"), requestsFor("w", "b")...)
		i := New(s.index.subs, s.store, s.queue, Config{})
		defer i.Stop(t.Context())
		i.process(t.Context(), requests)
		for _, r := range requests {
			must(t, (<-r.answer).err)
		}
		s.wants(2, "SELECT count(DISTINCT xmin::text) FROM events")
		s.wants(12_001, "SELECT count(*) FROM deliveries")
		s.wants(12_000, "SELECT deliveries FROM events WHERE type = 'a'")
	})

	t.Run("ARowThatCanNotBeStoredFailsAlone", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.endpoints("w", 1)
		requests := requestsFor("w", "a", "b", "nul\x00", "c")
		i := New(s.index.subs, s.store, s.queue, Config{})
		defer i.Stop(t.Context())
		i.process(t.Context(), requests)
		for n, r := range requests {
			if a := <-r.answer; (a.err != nil) != (n == 2) {
				t.Errorf("request %d was answered with %v", n, a.err)
			}
		}
		s.wants(3, "SELECT count(*) FROM deliveries")
	})

	t.Run("AWorkspaceThatCanNotBeLoadedFailsAlone", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.workspace("broken")
		s.endpoints("broken", 1)
		s.exec("UPDATE endpoints SET events = ARRAY[NULL]::text[]")
		i := New(s.index.subs, s.store, s.queue, Config{})
		defer i.Stop(t.Context())
		requests := append(requestsFor("broken", "a"), requestsFor("w", "b")...)
		i.process(t.Context(), requests)
		if a := <-requests[0].answer; a.err == nil {
			t.Error("the broken one was accepted")
		}
		must(t, (<-requests[1].answer).err)
		s.exec("UPDATE endpoints SET events = '{*}'")
		if a := s.accept("broken", "", "c"); a.Deliveries != 1 {
			t.Errorf("mended, it matches %d", a.Deliveries)
		}
	})

	t.Run("RowsNameTheirTaskBeforeItIsInRedis", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.endpoints("w", 60)
		seen := make(chan error, 1)
		s.queue.enqueue = func(_ context.Context, chunks []webhook.Chunk) error {
			var missing error
			for id, task := range tasksOf(chunks) {
				if !query[bool](s, "SELECT count(*) = 1 FROM deliveries WHERE id = $1 AND task = $2", [16]byte(id), task) {
					missing = errors.Join(missing, fmt.Errorf("no row of %s names %s", id, task))
				}
			}
			seen <- missing
			return nil
		}
		s.accept("w", "", "a")
		must(t, <-seen)
	})

	t.Run("WhatRedisDoesNotTakeIsFeedsAtOnce", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.endpoints("w", 60)
		s.queue.set(func(q *fakeQueue) { q.away = true })
		s.accept("w", "", "a")
		s.eventually("all rows are without a task", func() bool {
			return query[bool](s, "SELECT count(*) = 60 FROM deliveries WHERE task IS NULL AND NOT parked AND next_attempt_at <= now()")
		})
		s.accept("w", "", "b")
		s.wants(120, "SELECT count(*) FROM deliveries WHERE task IS NULL")
	})

	t.Run("NoPendingRowIsWithoutADueTime", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.endpoints("w", 2)
		s.accept("w", "", "a")
		s.queue.set(func(q *fakeQueue) { q.away = true })
		s.accept("w", "", "b")
		s.wants(4, "SELECT count(*) FROM deliveries WHERE status = 'pending' AND next_attempt_at <= now()")
		if _, err := s.raw.Exec(t.Context(), "UPDATE deliveries SET next_attempt_at = NULL"); err == nil {
			t.Error("Postgres lets a pending row have no due time")
		}
	})
}

func TestReadYourWrites(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.workspace("other")
	elsewhere := postgres.NewEndpoints(s.open(s.url)) // another process's handle
	ctx := t.Context()
	matches := func(eventType string, want int) {
		t.Helper()
		if a := s.accept("w", "", eventType); a.Deliveries != want {
			t.Errorf("%s goes to %d endpoints, want %d", eventType, a.Deliveries, want)
		}
	}
	update := func(id webhook.ID, edit func(*webhook.Endpoint)) {
		t.Helper()
		_, err := elsewhere.Update(ctx, "w", id, func(e *webhook.Endpoint) error { edit(e); return nil })
		must(t, err)
	}
	matches("post.created", 0)
	for range 5 {
		e, err := elsewhere.Create(ctx, webhook.Endpoint{
			ID: webhook.NewID(time.Now()), WorkspaceID: "w", URL: "https://example.com", Events: []string{"post.*"}, IsActive: true, Secret: "whsec_x",
		})
		must(t, err)
		matches("post.created", 1)
		matches("user.created", 0)
		update(e.ID, func(e *webhook.Endpoint) { e.Events = []string{"user.created"} })
		matches("post.created", 0)
		matches("user.created", 1)
		update(e.ID, func(e *webhook.Endpoint) { e.Filters = json.RawMessage(`{"a":2}`) })
		matches("user.created", 0)
		update(e.ID, func(e *webhook.Endpoint) { e.Filters = nil })
		update(e.ID, func(e *webhook.Endpoint) { e.IsActive = false })
		matches("user.created", 0)
		update(e.ID, func(e *webhook.Endpoint) { e.IsActive = true })
		matches("user.created", 1)
		must(t, elsewhere.Delete(ctx, "w", e.ID))
		matches("user.created", 0)
	}
}
