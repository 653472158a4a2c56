package postgres_test

import (
	"testing"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// fails records n failures of the stage's endpoint, made at that time.
func (s *stage) fails(n int, at time.Time) []webhook.Outcome {
	s.t.Helper()
	outcomes := make([]webhook.Outcome, n)
	for i := range outcomes {
		outcomes[i] = outcome(s.pending(0, "c_1"), "c_1", 0, 500)
		outcomes[i].Attempt.StartedAt, outcomes[i].Attempt.Duration = at, time.Millisecond
	}
	s.records(s.db, outcomes)
	return outcomes
}

func (s *stage) wantHealth(condition string, args ...any) {
	s.t.Helper()
	if !query[bool](s, "SELECT count(*) = 1 FROM endpoint_health WHERE "+condition, args...) {
		s.t.Errorf("not so: %s; there is %s", condition, query[string](s, "SELECT coalesce(jsonb_agg(h), '[]')::text FROM endpoint_health h"))
	}
}

const open, closed = "open_until BETWEEN now() + interval '25 seconds' AND now() + interval '30 seconds'", "open_until IS NULL"

func TestBreaker(t *testing.T) {
	t.Parallel()
	now := time.Now()
	ago := func(d time.Duration) time.Time { return now.Add(-d) }

	t.Run("OpensAfterTwentyFailuresOverAMinute", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		s.fails(1, ago(61*time.Second))
		s.fails(18, ago(30*time.Second))
		s.wantHealth("failures = 19 AND " + closed)
		s.fails(1, now)
		s.wantHealth("failures = 20 AND " + open)
	})

	t.Run("StaysClosedAfterAnyNumberWithinAMinute", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		s.fails(50, ago(59*time.Second))
		s.fails(50, now)
		s.wantHealth("failures = 100 AND " + closed)
	})

	t.Run("StaysClosedAfterNineteenOverAnHour", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		s.fails(1, ago(time.Hour))
		s.fails(18, now)
		s.wantHealth("failures = 19 AND " + closed)
	})

	t.Run("TakesAttemptsForWhenTheyFailedAndNotForWhenTheyStarted", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		var outcomes []webhook.Outcome
		for range 15 { // they ran for a minute, until now
			o := outcome(s.pending(0, "c_1"), "c_1", 0, 0)
			o.Attempt.StartedAt, o.Attempt.Duration = ago(time.Minute), time.Minute
			outcomes = append(outcomes, o)
		}
		s.records(s.db, outcomes)
		s.fails(15, now)
		s.wantHealth("failures = 30 AND " + closed)
	})

	t.Run("DoesNotGoByTheClockOfAWorker", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		now := time.Now() // this test may have waited for others
		s.fails(15, now)
		s.fails(15, now.Add(5*time.Minute)) // a worker's whose clock is ahead
		s.wantHealth("failures = 30 AND " + closed + " AND updated_at <= now()")
	})

	t.Run("TakesThoseThatAreRecordedLateForWhenTheyWere", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		// Postgres was away after the first of them, for longer than the window.
		s.fails(10, ago(10*time.Minute))
		s.fails(10, ago(10*time.Minute-5*time.Second))
		s.wantHealth("failures = 20 AND " + closed)
	})

	t.Run("CountsARunAnewAfterASuccess", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		s.fails(19, ago(2*time.Minute))
		o := outcome(s.pending(0, "c_1"), "c_1", 0, 200)
		o.Recovers, o.Attempt.StartedAt = true, ago(time.Minute)
		before, after := outcome(s.pending(0, "c_1"), "c_1", 0, 500), outcome(s.pending(0, "c_1"), "c_1", 0, 500)
		before.Attempt.StartedAt, after.Attempt.StartedAt = ago(90*time.Second), now
		s.records(s.db, []webhook.Outcome{after, o, before}) // a group of all three
		s.wantHealth("failures = 1 AND " + closed)
	})

	t.Run("HoldsWithoutPuttingItsProbeOff", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		hold := func(reason string, in time.Duration) {
			t.Helper()
			m := s.pending(0, "c_1")
			must(t, s.deliver(s.db).Park(t.Context(), []webhook.Hold{{Delivery: m, Task: "c_1", Reason: reason, For: in}}))
		}
		hold(webhook.HeldBreakerOpen, time.Second)
		s.exec("UPDATE parked_endpoints SET next_check_at = now() - interval '1 second'") // due, as the probe is
		for _, reason := range []string{webhook.HeldBreakerOpen, webhook.HeldInFlight, webhook.HeldRateLimit, webhook.HeldEndpointDisabled} {
			hold(reason, time.Second)
			s.holds("SELECT next_check_at < now() AND reason = $1 FROM parked_endpoints", reason)
		}
		hold(webhook.HeldSecretSealed, time.Minute) // would go round and round
		s.holds("SELECT next_check_at > now() + interval '50 seconds' FROM parked_endpoints")
	})

	t.Run("CountsTheTimeOfFailingAnewAfterASilence", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		s.fails(4, ago(7*24*time.Hour))
		s.fails(4, now)
		s.wantHealth("failures = 8 AND failing_since > now() - interval '1 hour' AND " + closed)
	})

	t.Run("CountsItOnOverADay", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		for days := 5; days >= 0; days-- {
			s.fails(4, ago(time.Duration(days)*24*time.Hour))
		}
		s.wantHealth("failures = 24 AND failing_since < now() - interval '119 hours' AND open_until IS NOT NULL")
	})

	t.Run("StaysOpenOverASilence", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		s.fails(1, ago(8*24*time.Hour))
		s.fails(19, ago(7*24*time.Hour))
		s.exec("UPDATE endpoint_health SET open_until = now() - interval '6 days', opens = 3")
		s.fails(1, now)
		s.wantHealth("failures = 21 AND failing_since > now() - interval '1 hour' AND opens = 3 AND open_until < now() - interval '5 days'")
	})

	t.Run("ClosesOnASuccessAndLetsGoWhatIsHeld", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		s.fails(1, ago(time.Hour))
		s.fails(20, now)
		s.wantHealth(open)
		other := s.endpoint("w")
		for _, end := range []webhook.ID{s.end, other.ID} {
			s.exec(`INSERT INTO parked_endpoints (endpoint_id, workspace_id, reason, next_check_at)
				VALUES ($1, 'w', 'breaker_open', now() + interval '1 hour')`, pg(end))
		}
		o := outcome(s.pending(0, "c_1"), "c_1", 0, 200)
		o.Recovers = true
		s.records(s.db, []webhook.Outcome{o})
		s.holds("SELECT count(*) = 0 FROM endpoint_health")
		s.holds("SELECT next_check_at <= now() AND release_count = 2 FROM parked_endpoints WHERE endpoint_id = $1", pg(s.end))
		s.holds("SELECT next_check_at > now() FROM parked_endpoints WHERE endpoint_id = $1", pg(other.ID))
	})

	t.Run("StaysOpenLongerAfterEachFailedProbe", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		s.fails(1, ago(time.Hour))
		s.fails(20, now)
		for i, pause := range []int{30, 60, 120, 240, 480, 600, 600} {
			probe := outcome(s.pending(0, "c_1"), "c_1", 0, 500)
			probe.Probe = true
			s.exec("UPDATE endpoint_health SET open_until = now() - interval '1 second', probe_id = $1, probe_at = now()", pg(probe.Delivery.DeliveryID))
			s.fails(1, now) // not the probe: somebody's that was under way
			s.wantHealth("open_until < now() AND probe_id = $1 AND opens = $2", pg(probe.Delivery.DeliveryID), i)
			s.records(s.db, []webhook.Outcome{probe})
			s.wantHealth(`probe_id IS NULL AND opens = $1 AND open_until BETWEEN now() + make_interval(secs => $2 - 5) AND now() + make_interval(secs => $2)`, i+1, pause)
		}
	})

	t.Run("LeavesOtherEndpointsAlone", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		first := s.end
		s.fails(19, ago(time.Hour))
		s.end = s.endpoint("w").ID
		s.fails(19, ago(time.Hour))
		s.fails(1, now)
		s.wantHealth("endpoint_id = $1 AND failures = 20 AND "+open, pg(s.end))
		s.wantHealth("endpoint_id = $1 AND failures = 19 AND "+closed, pg(first))
		failing, err := s.deliver(s.db).Failing(t.Context())
		must(t, err)
		if len(failing) != 2 {
			t.Errorf("failing: %v", failing)
		}
		// Of a group that has both.
		var group []webhook.Outcome
		ends := []webhook.ID{s.endpoint("w").ID, s.endpoint("w").ID}
		for i, n := range []int{3, 2} {
			for s.end = ends[i]; n > 0; n-- {
				group = append(group, outcome(s.pending(0, "c_1"), "c_1", 0, 500))
			}
		}
		s.records(s.db, group)
		s.wantHealth("endpoint_id = $1 AND failures = 3", pg(ends[0]))
		s.wantHealth("endpoint_id = $1 AND failures = 2", pg(ends[1]))
	})

	t.Run("DisablesAnEndpointThatSaysItIsGone", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		other := s.endpoint("w")
		o := s.gone(s.pending(0, "c_1"))
		was := query[int64](s, "SELECT endpoints_version FROM workspaces WHERE id = 'w'")
		s.records(s.db, []webhook.Outcome{o}, true)
		s.holds("SELECT NOT is_active AND disabled_reason = 'gone' AND disabled_at IS NOT NULL FROM endpoints WHERE id = $1", pg(s.end))
		s.holds("SELECT is_active FROM endpoints WHERE id = $1", pg(other.ID))
		s.holds("SELECT endpoints_version = $1 FROM workspaces WHERE id = 'w'", was+1)
	})
}
