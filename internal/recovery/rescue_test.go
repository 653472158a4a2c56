package recovery

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/recovery/turns"
	"github.com/postrider/postrider/internal/webhook"
)

// carries is a chunk as it stands in Redis.
func carries(task string, ids ...webhook.ID) webhook.Chunk {
	c := webhook.Chunk{Task: task}
	for _, id := range ids {
		c.Members = append(c.Members, webhook.Member{DeliveryID: id, WorkspaceID: "w"})
	}
	return c
}

// rounds runs so many rounds, none of which may fail.
func rounds(t *testing.T, r *rescue, n int) {
	t.Helper()
	for range n {
		must(t, r.runOnce(t.Context()))
	}
}

// quiet is as many rounds as nobody gets taken for dead in: two signs of a lease
// missed, three of a worker. In numbers, for it is what others wait when one dies.
const quiet = 11

func TestRescueTasks(t *testing.T) {
	t.Parallel()
	// dead is a stage with a task whose lease stands still, and what it carries.
	dead := func(t *testing.T) (*stage, *rescue, webhook.ID) {
		t.Helper()
		s := newStage(t)
		id := s.delivery(s.endpoint(), "task = 'c_dead'")
		s.tasks.leases = map[string]int64{"c_dead": 100}
		s.tasks.run = []webhook.Chunk{carries("c_dead", id)}
		return s, s.scheduler("a", &fakeMemory{}).rescueTasks(), id
	}

	t.Run("TakesBackFromATaskWhoseLeaseStandsStill", func(t *testing.T) {
		t.Parallel()
		s, r, id := dead(t)
		rounds(t, r, quiet)
		s.wants(id, "task = 'c_dead'")
		rounds(t, r, 1)
		s.wants(id, "task IS NULL AND status = 'pending' AND next_attempt_at < now()")
		must(t, s.feed().runOnce(t.Context()))
		if task := s.queue.task(id); task == "" || task == "c_dead" {
			t.Errorf("its new task is %q", task)
		}
	})

	t.Run("LeavesATaskWhoseLeaseIsExtended", func(t *testing.T) {
		t.Parallel()
		s, r, gone := dead(t)
		alive := s.delivery(s.endpoint(), "task = 'r_alive', attempts = 1")
		s.tasks.leases["r_alive"] = 1 // by a clock that is far behind
		s.tasks.run = append(s.tasks.run, carries("r_alive", alive))
		for range 10 {
			rounds(t, r, quiet)
			s.tasks.leases["r_alive"] += 5
		}
		s.wants(alive, "task = 'r_alive'")
		s.wants(gone, "task IS NULL")
	})

	t.Run("LeavesWhatIsRecordedOrHasAnotherTask", func(t *testing.T) {
		t.Parallel()
		s, r, id := dead(t)
		ep := s.endpoint()
		done := s.delivery(ep, "status = 'success', next_attempt_at = NULL, completed_at = now(), attempts = 1")
		waits := s.delivery(ep, "task = 'r_next', attempts = 1, next_attempt_at = now() + interval '1 minute'")
		parked := s.delivery(ep, "parked = true, held_reason = 'breaker_open'")
		s.tasks.run = []webhook.Chunk{carries("c_dead", done, waits, parked, id)}
		rounds(t, r, quiet+1)
		s.wants(id, "task IS NULL")
		s.wants(done, "status = 'success' AND attempts = 1 AND next_attempt_at IS NULL")
		s.wants(waits, "task = 'r_next' AND attempts = 1 AND next_attempt_at > now()")
		s.wants(parked, "parked")
	})

	t.Run("TakesBackOnlyOnce", func(t *testing.T) {
		t.Parallel()
		s, r, id := dead(t)
		rounds(t, r, quiet+1)
		s.exec("UPDATE deliveries SET task = 'c_dead' WHERE id = $1", uuid(id))
		rounds(t, r, 3*quiet) // asynq keeps the lease until it runs the task again
		s.wants(id, "task = 'c_dead'")
	})

	t.Run("GivesEverybodyTimeAfterRedisWasAway", func(t *testing.T) {
		t.Parallel()
		s, r, id := dead(t)
		rounds(t, r, quiet)
		s.tasks.away = true
		if err := r.runOnce(t.Context()); !errors.Is(err, errAway) {
			t.Errorf("got %v", err)
		}
		s.tasks.away = false
		rounds(t, r, quiet-1)
		s.wants(id, "task = 'c_dead'")
		rounds(t, r, 1)
		s.wants(id, "task IS NULL")
	})

	t.Run("TriesAgainWhenPostgresCouldNotTakeBack", func(t *testing.T) {
		t.Parallel()
		s, r, id := dead(t)
		rounds(t, r, quiet)
		release := r.release
		r.release = func(context.Context, []webhook.Chunk) error { return errAway }
		if err := r.runOnce(t.Context()); !errors.Is(err, errAway) {
			t.Errorf("got %v", err)
		}
		r.release = release
		rounds(t, r, 1)
		s.wants(id, "task IS NULL")
	})

	t.Run("WhatIsRecordedLaterMeetsTheFence", func(t *testing.T) {
		t.Parallel()
		s, r, id := dead(t)
		other := s.delivery(s.endpoint(), "task = 'c_dead'")
		s.tasks.run = []webhook.Chunk{carries("c_dead", id, other)}
		rounds(t, r, quiet+1)
		must(t, s.feed().runOnce(t.Context()))
		late := func(id webhook.ID, status webhook.Status, code int) webhook.Outcome {
			return webhook.Outcome{
				Delivery: carries("", id).Members[0], Task: "c_dead", Status: status,
				Attempt: webhook.Attempt{ID: webhook.NewID(time.Now()), StartedAt: time.Now(), StatusCode: code},
			}
		}
		store := postgres.NewDeliver(s.db, postgres.Breaker{Failures: 20, Window: time.Minute, DisableAfter: 5 * 24 * time.Hour})
		decided, err := store.Record(t.Context(), []webhook.Outcome{
			late(id, webhook.StatusSuccess, 200), late(other, webhook.StatusFailed, 500),
		})
		must(t, err)
		if !slices.Equal(decided, []bool{true, false}) {
			t.Errorf("decided: %v", decided)
		}
		s.wants(id, "status = 'success' AND task IS NULL AND attempts = 1")
		s.wants(other, "status = 'pending' AND task = '"+s.queue.task(other)+"' AND attempts = 1")
	})
}

func TestRescueWorkers(t *testing.T) {
	t.Parallel()

	t.Run("TakesBackFromAWorkerWithoutAHeartbeat", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.tasks.away = true // needs no Redis
		s.exec("INSERT INTO workers (id, host) VALUES ('dead', 'h'), ('alive', 'h')")
		ep := s.endpoint()
		gone, runs := s.delivery(ep, "task = 'w_dead'"), s.delivery(ep, "task = 'w_alive'")
		earlier := s.deliveryOf(time.Now().AddDate(0, 0, -2), ep, "task = 'w_dead', attempts = 2")
		queued := s.delivery(ep, "task = 'c_dead'")
		r := s.scheduler("a", &fakeMemory{}).rescueWorkers()
		beat := func() { s.exec("UPDATE workers SET heartbeat_at = now() WHERE id = 'alive'") }
		rounds(t, r, quiet)
		s.wants(gone, "task = 'w_dead'")
		beat()
		rounds(t, r, 1)
		for range 3 {
			beat()
			rounds(t, r, quiet)
		}
		s.wants(gone, "task IS NULL AND status = 'pending'")
		s.wants(earlier, "task IS NULL AND status = 'pending' AND attempts = 2")
		s.wants(runs, "task = 'w_alive'")
		s.wants(queued, "task = 'c_dead'")
	})

	t.Run("TakesBackMoreThanAPage", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.exec("INSERT INTO workers (id, host) VALUES ('dead', 'h')")
		s.many(2*rescueLimit+10, "task = 'w_dead'")
		rounds(t, s.scheduler("a", &fakeMemory{}).rescueWorkers(), quiet+1)
		if n := query[int](s, "SELECT count(*) FROM deliveries WHERE task IS NOT NULL"); n != 0 {
			t.Errorf("%d are left", n)
		}
	})
}

// A scheduler that is killed between the two halves of a hand-over leaves rows
// that name a task which never came to be.
func TestAuditHealsAClaimThatWasNeverEnqueued(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	id := s.delivery(s.endpoint(), "")
	chunks, _, err := postgres.NewFeed(s.db).Claim(t.Context(), turns.Room{Live: 10}, time.Now())
	must(t, err)
	s.wants(id, "task = '"+chunks[0].Task+"'")
	s.exec("UPDATE deliveries SET next_attempt_at = now() - interval '31 seconds'")
	must(t, s.audit().runOnce(t.Context()))
	must(t, s.feed().runOnce(t.Context()))
	if task := s.queue.task(id); task == "" || task == chunks[0].Task {
		t.Errorf("its task is %q after %q", task, chunks[0].Task)
	}
}
