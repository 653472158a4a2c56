package recovery

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/recovery/turns"
	"github.com/postrider/postrider/internal/webhook"
)

func TestFeed(t *testing.T) {
	t.Parallel()

	t.Run("GivesADueDeliveryToATaskOfItsLane", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		ep := s.endpoint()
		lanes := map[webhook.ID]webhook.Lane{
			s.delivery(ep, ""):                                             webhook.LaneDeliver,
			s.delivery(ep, "attempts = 1"):                                 webhook.LaneRetry,
			s.delivery(ep, "bulk = true"):                                  webhook.LaneBulk,
			s.delivery(ep, "bulk = true, attempts = 2"):                    webhook.LaneBulk,
			s.deliveryOf(time.Now().AddDate(0, 0, -2), ep, "attempts = 3"): webhook.LaneRetry,
		}
		must(t, s.feed().runOnce(t.Context()))
		for id, lane := range lanes {
			task := s.queue.task(id)
			if got, ok := webhook.LaneOf(task); !ok || got != lane {
				t.Errorf("task %q, want lane %c", task, lane)
			}
			s.wants(id, "task = '"+task+"' AND status = 'pending'")
		}
	})

	t.Run("CarriesWhatAWorkerNeeds", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		ep := s.endpoint()
		id := s.delivery(ep, "")
		must(t, s.feed().runOnce(t.Context()))
		event := query[[16]byte](s, "SELECT event_id FROM deliveries")
		want := webhook.Member{DeliveryID: id, EndpointID: ep, EventID: event, WorkspaceID: "w"}
		if got := s.queue.chunks[0].Members[0]; got != want || len(s.queue.chunks[0].Events) != 0 {
			t.Errorf("got %+v, want %+v without events", got, want)
		}
	})

	t.Run("LeavesWhatIsNotItsOwn", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		ep := s.endpoint()
		for _, set := range []string{
			"next_attempt_at = now() + interval '1 minute'",
			"task = 'c_other'",
			"parked = true, held_reason = 'breaker_open'",
			"status = 'success', next_attempt_at = NULL, completed_at = now()",
		} {
			s.delivery(ep, set)
		}
		before := s.dump()
		must(t, s.feed().runOnce(t.Context()))
		if after := s.dump(); after != before || len(s.queue.chunks) != 0 {
			t.Errorf("fed %v\nbefore %s\nafter  %s", s.queue.chunks, before, after)
		}
	})

	t.Run("TakesTheOldestFirst", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.queue.backlog = 1999 // room for one chunk
		ep := s.endpoint()
		s.many(60, "")
		oldest := s.deliveryOf(time.Now().AddDate(0, 0, -1), ep, "next_attempt_at = now() - interval '2 hours'")
		must(t, s.feed().runOnce(t.Context()))
		if s.queue.task(oldest) == "" {
			t.Error("the oldest was not fed")
		}
		if n := query[int](s, "SELECT count(*) FROM deliveries WHERE task IS NOT NULL"); n != 50 {
			t.Errorf("fed %d, want one chunk of 50", n)
		}
	})

	t.Run("MakesChunksOfFiftyUntilNothingIsLeft", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.many(4321, "")
		must(t, s.feed().runOnce(t.Context()))
		for _, c := range s.queue.chunks {
			if len(c.Members) > webhook.MaxChunkMembers {
				t.Errorf("a chunk of %d", len(c.Members))
			}
		}
		if n := members(s.queue.chunks); n != 4321 || len(s.queue.chunks) > 4321/50+3 {
			t.Errorf("%d deliveries in %d chunks", n, len(s.queue.chunks))
		}
	})

	t.Run("PausesAboveTheHighWaterMark", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		id := s.delivery(s.endpoint(), "")
		s.queue.backlog = 2000
		must(t, s.feed().runOnce(t.Context()))
		s.wants(id, "task IS NULL")
		s.queue.backlog = 1999
		must(t, s.feed().runOnce(t.Context()))
		s.wants(id, "task IS NOT NULL")
	})

	t.Run("ClaimsNothingWhileRedisIsAway", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		id := s.delivery(s.endpoint(), "")
		s.queue.away = true
		s.queue.enqueued = func() { t.Error("it was claimed, for nothing") }
		if err := s.feed().runOnce(t.Context()); !errors.Is(err, errAway) {
			t.Errorf("got %v", err)
		}
		s.wants(id, "task IS NULL")
		s.queue.away, s.queue.enqueued = false, nil
		must(t, s.feed().runOnce(t.Context()))
		s.wants(id, "task IS NOT NULL")
	})

	t.Run("TakesBackWhatRedisRefuses", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		ep := s.endpoint()
		refused, taken := s.delivery(ep, ""), s.delivery(ep, "")
		s.queue.refuse = true
		s.queue.enqueued = func() { s.exec("UPDATE deliveries SET task = 'w_quick' WHERE id = $1", uuid(taken)) }
		if err := s.feed().runOnce(t.Context()); !errors.Is(err, errAway) {
			t.Errorf("got %v", err)
		}
		s.wants(refused, "task IS NULL AND status = 'pending'")
		s.wants(taken, "task = 'w_quick'")
	})

	t.Run("TakesBackNothingThatIsInRedis", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		ep := s.endpoint()
		for range webhook.MaxChunkMembers + 10 {
			s.delivery(ep, "")
		}
		s.queue.breaks = true
		if err := s.feed().runOnce(t.Context()); !errors.Is(err, errAway) {
			t.Errorf("got %v", err)
		}
		if n := query[int](s, "SELECT count(*)::int FROM deliveries WHERE task = $1", s.queue.chunks[0].Task); n != len(s.queue.chunks[0].Members) {
			t.Errorf("%d of its %d deliveries name the task that is in Redis", n, len(s.queue.chunks[0].Members))
		}
		if n := query[int](s, "SELECT count(*)::int FROM deliveries WHERE task IS NULL"); n != webhook.MaxChunkMembers+10-len(s.queue.chunks[0].Members) {
			t.Errorf("%d were taken back", n)
		}
	})

	t.Run("TwoAtOnceClaimDisjointRows", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.many(3000, "")
		store := [2]*postgres.Feed{postgres.NewFeed(s.db), postgres.NewFeed(open(t, s.url))}
		var mu sync.Mutex
		owner := map[webhook.ID]string{}
		var both sync.WaitGroup
		for _, store := range store {
			both.Go(func() {
				for empty := 0; empty < 3; {
					chunks, _, err := store.Claim(t.Context(), turns.Room{Live: 200, Bulk: 200}, time.Now())
					if err != nil {
						t.Error(err)
						return
					}
					if len(chunks) == 0 {
						empty++
					}
					mu.Lock()
					for _, c := range chunks {
						for _, m := range c.Members {
							if was, ok := owner[m.DeliveryID]; ok {
								t.Errorf("%s is in %s and %s", m.DeliveryID, was, c.Task)
							}
							owner[m.DeliveryID] = c.Task
						}
					}
					mu.Unlock()
				}
			})
		}
		both.Wait()
		if len(owner) != 3000 {
			t.Errorf("claimed %d of 3000", len(owner))
		}
		for id, task := range owner {
			if !s.is(id, fmt.Sprintf("task = '%s'", task)) {
				t.Fatalf("%s does not name its task", id)
			}
		}
	})
}

// dump is all deliveries, to compare.
func (s *stage) dump() string {
	s.t.Helper()
	return query[string](s, "SELECT coalesce(string_agg(d::text, E'\n' ORDER BY id), '') FROM deliveries d")
}
