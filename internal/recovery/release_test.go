package recovery

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
)

// park parks n deliveries of a new endpoint, a day apart from the second on, and
// returns them with the oldest first.
func (s *stage) park(reason string, releaseCount, n int) (webhook.ID, []webhook.ID) {
	s.t.Helper()
	ep := s.endpoint()
	var ids []webhook.ID
	for i := range n {
		at := time.Now().AddDate(0, 0, -1).Add(time.Duration(i) * time.Second)
		if i == n-1 {
			at = time.Now()
		}
		ids = append(ids, s.deliveryOf(at, ep, "parked = true, held_until = now(), held_reason = '"+reason+"'"))
	}
	s.exec(`INSERT INTO parked_endpoints (endpoint_id, workspace_id, reason, next_check_at, release_count)
		VALUES ($1, 'w', $2, now() - interval '1 second', $3)`, uuid(ep), reason, releaseCount)
	return ep, ids
}

func (s *stage) release() {
	s.t.Helper()
	r := &release{store: postgres.NewParked(s.db), metrics: newMetrics(nil)}
	must(s.t, r.runOnce(s.t.Context()))
}

func (s *stage) parkedIs(endpoint webhook.ID, condition string) bool {
	s.t.Helper()
	return query[bool](s, "SELECT count(*) = 1 FROM parked_endpoints WHERE endpoint_id = $1 AND "+condition, uuid(endpoint))
}

func (s *stage) health(endpoint webhook.ID, set string) {
	s.t.Helper()
	s.exec(`INSERT INTO endpoint_health (endpoint_id, workspace_id, failures, failing_since)
		VALUES ($1, 'w', 20, now() - interval '5 minutes')`, uuid(endpoint))
	s.exec("UPDATE endpoint_health SET "+set+" WHERE endpoint_id = $1", uuid(endpoint))
}

func TestRelease(t *testing.T) {
	t.Parallel()
	const free = "NOT parked AND task IS NULL AND held_reason IS NULL AND held_until IS NULL AND next_attempt_at <= now()"

	t.Run("LetsTheOldestGoAndDoubles", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		ep, ids := s.park(webhook.HeldInFlight, 2, 4)
		s.release()
		s.wants(ids[0], free)
		s.wants(ids[1], free)
		s.wants(ids[2], "parked")
		s.wants(ids[3], "parked")
		if !s.parkedIs(ep, "release_count = 4 AND next_check_at > now()") {
			t.Error("the ramp did not go on")
		}
	})

	t.Run("FeedTakesWhatWasLetGo", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		_, ids := s.park(webhook.HeldInFlight, 1, 1)
		s.release()
		must(t, s.feed().runOnce(t.Context()))
		s.wants(ids[0], "task IS NOT NULL")
	})

	t.Run("ForgetsAnEndpointWithNothingParked", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		ep, _ := s.park(webhook.HeldInFlight, 2, 2)
		s.release()
		if !query[bool](s, "SELECT count(*) = 0 FROM parked_endpoints WHERE endpoint_id = $1", uuid(ep)) {
			t.Error("the row is still there")
		}
	})

	t.Run("LosesNothingThatIsBeingParkedMeanwhile", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		ep, ids := s.park(webhook.HeldInFlight, 2, 1)
		other := s.delivery(ep, "task = 'c_x'")
		worker, err := s.raw.Begin(t.Context())
		must(t, err)
		defer worker.Rollback(t.Context())
		_, err = worker.Exec(t.Context(), "UPDATE deliveries SET parked = true, task = NULL, held_reason = 'max_in_flight' WHERE id = $1", uuid(other))
		must(t, err)
		s.release() // sees nothing else parked, and forgets the endpoint
		_, err = worker.Exec(t.Context(), `INSERT INTO parked_endpoints (endpoint_id, workspace_id, reason, next_check_at)
			VALUES ($1, 'w', 'max_in_flight', now()) ON CONFLICT (endpoint_id) DO UPDATE SET next_check_at = excluded.next_check_at`, uuid(ep))
		must(t, err)
		must(t, worker.Commit(t.Context()))
		s.wants(ids[0], free)
		s.release()
		s.wants(other, free)
	})

	t.Run("LooksAtNoEndpointBeforeItsTime", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		_, ids := s.park(webhook.HeldInFlight, 2, 1)
		s.exec("UPDATE parked_endpoints SET next_check_at = now() + interval '1 minute'")
		s.release()
		s.wants(ids[0], "parked")
	})

	t.Run("PassesOverWhatAnotherHasInHand", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		busy, held := s.park(webhook.HeldInFlight, 2, 1)
		_, ids := s.park(webhook.HeldInFlight, 2, 1)
		must(t, pgx.BeginFunc(t.Context(), s.raw, func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), "SELECT FROM parked_endpoints WHERE endpoint_id = $1 FOR UPDATE", uuid(busy))
			s.release()
			return err
		}))
		s.wants(held[0], "parked")
		s.wants(ids[0], free)
	})

	t.Run("ANotDueDeliveryStaysForItsTime", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		_, ids := s.park(webhook.HeldEndpointDisabled, 2, 1)
		s.exec("UPDATE deliveries SET next_attempt_at = now() + interval '5 minutes'")
		s.release()
		s.wants(ids[0], "NOT parked AND next_attempt_at > now() + interval '4 minutes'")
	})

	t.Run("ReleasesARateOfASecond", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		ep, ids := s.park(webhook.HeldRateLimit, 1, 5)
		s.exec("UPDATE endpoints SET rate_limit = 3 WHERE id = $1", uuid(ep))
		s.release()
		if n := query[int](s, "SELECT count(*) FROM deliveries WHERE NOT parked"); n != 3 {
			t.Errorf("let %d go, want 3", n)
		}
		s.wants(ids[3], "parked")
	})

	t.Run("GoesSlowlyWhileAttemptsFail", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		ep, _ := s.park(webhook.HeldBreakerOpen, 8, 9)
		s.health(ep, "failures = 2")
		s.release()
		if n := query[int](s, "SELECT count(*) FROM deliveries WHERE NOT parked"); n != 2 {
			t.Errorf("let %d go, want 2", n)
		}
		if !s.parkedIs(ep, "release_count = 2") {
			t.Error("the ramp did not fall back")
		}
		s.exec("DELETE FROM endpoint_health")
		s.exec("UPDATE parked_endpoints SET next_check_at = now()")
		s.release()
		if !s.parkedIs(ep, "release_count = 4") {
			t.Error("the ramp did not go on after a success")
		}
	})

	t.Run("ADisabledEndpointsStay", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		ep, ids := s.park(webhook.HeldInFlight, 8, 1)
		s.exec("UPDATE endpoints SET is_active = false, disabled_at = now() WHERE id = $1", uuid(ep))
		s.release()
		s.wants(ids[0], "parked AND held_until IS NOT NULL")
		if !s.parkedIs(ep, "reason = 'endpoint_disabled' AND release_count = 1 AND next_check_at > now() + interval '50 minutes'") {
			t.Error("the endpoint does not wait")
		}
	})

	t.Run("ADeletedEndpointsAreCanceledWhole", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		ep, _ := s.park(webhook.HeldBreakerOpen, 1, 1)
		s.many(1500, "endpoint_id = '"+uuid(ep)+"', parked = true, held_reason = 'breaker_open'")
		bystander := s.delivery(s.endpoint(), "")
		s.exec("UPDATE endpoints SET deleted_at = now() WHERE id = $1", uuid(ep))
		s.release()
		if n := query[int](s, `SELECT count(*) FROM deliveries WHERE status = 'canceled' AND reason = 'endpoint_deleted'
			AND completed_at IS NOT NULL AND NOT parked AND endpoint_id = $1`, uuid(ep)); n != 1501 {
			t.Errorf("canceled %d of 1501", n)
		}
		s.wants(bystander, "status = 'pending'")
		if n := query[int](s, "SELECT count(*) FROM parked_endpoints"); n != 0 {
			t.Error("the endpoint is still looked after")
		}
	})
}

func TestReleaseBehindBreaker(t *testing.T) {
	t.Parallel()

	t.Run("NothingGoesWhileItIsOpen", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		ep, ids := s.park(webhook.HeldInFlight, 8, 2)
		s.health(ep, "open_until = now() + interval '25 seconds'")
		s.release()
		s.wants(ids[0], "parked")
		if !s.parkedIs(ep, "reason = 'breaker_open' AND next_check_at > now() + interval '20 seconds' AND next_check_at < now() + interval '26 seconds'") {
			t.Error("the endpoint is not looked at when the breaker is due")
		}
	})

	t.Run("ExactlyOneProbeGoes", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		ep, ids := s.park(webhook.HeldBreakerOpen, 8, 3)
		s.health(ep, "open_until = now() - interval '1 second'")
		for range 2 {
			s.release()
			s.exec("UPDATE parked_endpoints SET next_check_at = now() - interval '1 second'")
		}
		s.wants(ids[0], "NOT parked")
		s.wants(ids[1], "parked")
		s.wants(ids[2], "parked")
		if !query[bool](s, "SELECT probe_id = $2 AND probe_at IS NOT NULL FROM endpoint_health WHERE endpoint_id = $1", uuid(ep), uuid(ids[0])) {
			t.Error("the probe is not known as one")
		}
	})

	t.Run("ADueProbeGoesPastOlderOnesThatAreNot", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		ep, ids := s.park(webhook.HeldBreakerOpen, 8, 3)
		s.health(ep, "open_until = now() - interval '1 second'")
		s.exec("UPDATE deliveries SET next_attempt_at = now() + interval '2 hours' WHERE id = $1", uuid(ids[0]))
		s.release()
		s.wants(ids[0], "parked")
		s.wants(ids[1], "NOT parked AND next_attempt_at <= now()")
		s.wants(ids[2], "parked")
		if !query[bool](s, "SELECT probe_id = $1 FROM endpoint_health", uuid(ids[1])) {
			t.Error("the probe is not known as one")
		}
	})

	t.Run("AProbeKeepsItsPlaceInItsWorkspacesLine", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		ep, ids := s.park(webhook.HeldBreakerOpen, 8, 2)
		s.health(ep, "open_until = now() - interval '1 second'")
		s.exec("UPDATE deliveries SET next_attempt_at = now() - interval '1 hour'")
		s.release()
		s.wants(ids[0], "NOT parked AND next_attempt_at < now() - interval '59 minutes'")
		s.exec("DELETE FROM endpoint_health")
		s.exec("UPDATE parked_endpoints SET next_check_at = now()")
		s.release() // no probe: it goes to the end
		s.wants(ids[1], "NOT parked AND next_attempt_at > now() - interval '1 minute'")
	})

	t.Run("NoProbeGoesBeforeItsTime", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		ep, ids := s.park(webhook.HeldBreakerOpen, 8, 2)
		s.health(ep, "open_until = now() - interval '1 second'")
		s.exec("UPDATE deliveries SET next_attempt_at = now() + CASE WHEN id = $1 THEN interval '2 hours' ELSE interval '1 hour' END", uuid(ids[0]))
		s.release()
		s.wants(ids[0], "parked")
		s.wants(ids[1], "parked")
		if !query[bool](s, "SELECT probe_id IS NULL FROM endpoint_health") {
			t.Error("a delivery that is not due is the probe")
		}
		if !s.parkedIs(ep, "next_check_at BETWEEN now() + interval '59 minutes' AND now() + interval '61 minutes'") {
			t.Error("the endpoint is not looked at when the first is due")
		}
		s.exec("UPDATE deliveries SET next_attempt_at = now() WHERE id = $1", uuid(ids[1]))
		s.exec("UPDATE parked_endpoints SET next_check_at = now()")
		s.release()
		s.wants(ids[1], "NOT parked")
		if !query[bool](s, "SELECT probe_id = $1 FROM endpoint_health", uuid(ids[1])) {
			t.Error("the one that is due is not the probe")
		}
	})

	t.Run("ALoneProbeLeavesNothingToLookAfter", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		ep, ids := s.park(webhook.HeldBreakerOpen, 8, 1)
		s.health(ep, "open_until = now() - interval '1 second'")
		s.release()
		s.wants(ids[0], "NOT parked")
		if query[int](s, "SELECT count(*) FROM parked_endpoints") != 0 {
			t.Error("the endpoint is still looked after")
		}
	})

	t.Run("AProbeThatGotLostIsReplaced", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		ep, ids := s.park(webhook.HeldBreakerOpen, 8, 2)
		s.health(ep, "open_until = now() - interval '100 seconds', probe_id = gen_random_uuid(), probe_at = now() - interval '91 seconds'")
		s.release()
		s.wants(ids[0], "NOT parked")
		if !query[bool](s, "SELECT probe_id = $2 FROM endpoint_health WHERE endpoint_id = $1", uuid(ep), uuid(ids[0])) {
			t.Error("the probe is not known as one")
		}
	})
}
