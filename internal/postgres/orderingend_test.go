package postgres_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/recovery/parking"
	"github.com/postrider/postrider/internal/webhook"
)

// allAreCanceled lets what is parked for something that was deleted be canceled.
func (s *stage) allAreCanceled() {
	s.t.Helper()
	for range 10 {
		_, err := postgres.NewParked(s.db).Next(context.Background(), parking.Decide)
		must(s.t, err)
	}
	s.holds("SELECT count(*) <= 2 FROM deliveries WHERE status = 'pending'") // what a task holds is its worker's
	s.holds("SELECT count(*) = 0 FROM ordering_queue")
}

// What ends a delivery other than a record of its attempt.
func TestOrderingEnd(t *testing.T) {
	t.Parallel()
	now := time.Now()

	t.Run("ACanceledHeadIsFollowedAndACanceledOneInTheMiddleIsLeftOut", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		store := postgres.NewDeliveries(s.db)
		all := s.accepts(s.db, now, "k", "k", "k")
		d, err := store.Cancel(t.Context(), "w", all[1].DeliveryID)
		must(t, err)
		if d.Status != webhook.StatusCanceled || d.OrderingKey != "k" {
			t.Errorf("got %+v", d)
		}
		s.set(all[0].Member, "task = NULL")
		_, err = store.Cancel(t.Context(), "w", all[0].DeliveryID)
		must(t, err)
		s.wants(all[2].Member, feeds+" AND next_attempt_at <= now()")
		s.holds("SELECT count(*) = 0 FROM ordering_queue")
	})

	t.Run("WhatFollowsACanceledRequestWaitsUntilThatIsOver", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		all := s.accepts(s.db, now, "k", "k")
		_, err := postgres.NewDeliveries(s.db).Cancel(t.Context(), "w", all[0].DeliveryID)
		must(t, err)
		s.wants(all[1].Member, feeds+" AND next_attempt_at > now() + interval '1 minute'")
	})

	t.Run("ACanceledOneThatIsRetriedIsBackInItsPlace", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		store := postgres.NewDeliveries(s.db)
		all := s.accepts(s.db, now, "k", "k", "k")
		_, err := store.Cancel(t.Context(), "w", all[1].DeliveryID)
		must(t, err)
		d, err := store.Retry(t.Context(), "w", all[1].DeliveryID)
		must(t, err)
		if d.HeldReason != webhook.HeldOrdering || d.Status != webhook.StatusPending {
			t.Errorf("got %+v", d)
		}
		s.goesTo(s.ends(all[0], 200), &all[1])
		s.goesTo(s.ends(all[1], 200), &all[2])
	})

	t.Run("AFailedOneThatTheLinePassedIsRetriedAlone", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		all := s.accepts(s.db, now, "k", "k", "k")
		s.goesTo(s.ends(all[0], 500), &all[1])
		_, err := postgres.NewDeliveries(s.db).Retry(t.Context(), "w", all[0].DeliveryID)
		must(t, err)
		s.wants(all[0].Member, "status = 'pending' AND NOT parked AND task IS NULL")
		s.set(all[0].Member, "task = 'c_again'")
		all[0].task = "c_again"
		if s.guard(&all[0]).Waits {
			t.Error("it waits")
		}
		if next := s.ends(all[0], 200); next != nil {
			t.Errorf("%v got a turn from it", next)
		}
		s.wants(all[1].Member, "task = '"+all[1].task+"'")
		s.wants(all[2].Member, waitsForTurn)
	})

	t.Run("ADeletedEndpointsAreAllCanceled", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		s.accepts(s.db, now.AddDate(0, 0, -2), slices.Repeat([]string{"k", "l"}, 700)...)
		s.accepts(s.db, now, slices.Repeat([]string{"k", "l"}, 1200)...)
		must(t, postgres.NewEndpoints(s.db).Delete(t.Context(), "w", s.end))
		s.allAreCanceled()
	})

	t.Run("ADeletedWorkspacesAreAllCanceled", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		s.accepts(s.db, now, slices.Repeat([]string{"k", "l"}, 1200)...)
		must(t, postgres.NewWorkspaces(s.db).Delete(t.Context(), "w"))
		s.allAreCanceled()
	})

	t.Run("AnExpiredDayPassesTheTurnToTheNextDay", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		old := s.accepts(s.db, now.AddDate(0, 0, -3), "k", "k", "")
		young := s.accepts(s.db, now, "k", "k")
		n, err := postgres.NewRetention(s.db).Expire(t.Context(), now.AddDate(0, 0, -3).UTC().Truncate(24*time.Hour))
		must(t, err)
		if n != 3 {
			t.Errorf("%d expired", n)
		}
		s.wants(old[1].Member, "status = 'failed' AND reason = 'expired'")
		s.wants(young[0].Member, feeds)
		s.wants(young[1].Member, waitsForTurn)
	})

	t.Run("WhatIsSettledPassesTheTurn", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		all := s.accepts(s.db, now, "k", "k", "")
		must(t, s.deliver(s.db).Settle(t.Context(), []webhook.Member{all[0].Member}, all[0].task, webhook.StatusFailed, webhook.ReasonPayloadExpired))
		s.wants(all[0].Member, "status = 'failed'")
		s.wants(all[1].Member, feeds+" AND next_attempt_at <= now()")
		s.holds("SELECT head_id = $1 FROM ordering_keys", pg(all[1].DeliveryID))
		// One that is another's by now passes nothing.
		must(t, s.deliver(s.db).Settle(t.Context(), []webhook.Member{all[1].Member}, "c_old", webhook.StatusFailed, webhook.ReasonPayloadExpired))
		s.wants(all[1].Member, feeds)
	})

	t.Run("WhatIsParkedForOthersReasonsIsLetGoAndTheLineIsNot", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		all := s.accepts(s.db, now, slices.Repeat([]string{"k", "l"}, 50)...)
		for n := range 2 {
			must(t, s.deliver(s.db).Park(t.Context(), []webhook.Hold{{
				Delivery: all[n].Member, Task: all[n].task, Reason: webhook.HeldInFlight, For: time.Millisecond,
			}}))
		}
		s.exec("UPDATE parked_endpoints SET next_check_at = now() - interval '1 second', release_count = 100")
		out, err := postgres.NewParked(s.db).Next(t.Context(), parking.Decide)
		must(t, err)
		if out.Released != 2 {
			t.Errorf("%+v", out)
		}
		s.holds("SELECT count(*) = 98 FROM deliveries WHERE held_reason = 'ordering'")
		s.holds("SELECT count(*) = 0 FROM parked_endpoints")
	})
}
