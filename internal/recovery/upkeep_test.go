package recovery

import (
	"log/slog"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/postgres"
)

func TestUpkeep(t *testing.T) {
	t.Parallel()
	upkeepOf := func(s *stage) *upkeep {
		return &upkeep{
			store: postgres.NewUpkeep(s.db), disableAfter: 5 * day,
			logger: slog.New(slog.DiscardHandler), metrics: newMetrics(nil),
		}
	}

	t.Run("DisablesWhatFailedForFiveDays", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		ep := s.endpoint()
		s.health(ep, "failing_since = now() - interval '5 days 1 minute'")
		must(t, upkeepOf(s).runOnce(t.Context()))
		if !query[bool](s, `SELECT NOT is_active AND disabled_at IS NOT NULL AND disabled_reason = 'failing' AND version > 1
			FROM endpoints WHERE id = $1`, uuid(ep)) {
			t.Error("still active")
		}
		if !query[bool](s, "SELECT endpoints_version = 1 FROM workspaces WHERE id = 'w'") {
			t.Error("the workspace's version did not move")
		}
		if !query[bool](s, "SELECT count(*) = 0 FROM endpoint_health") {
			t.Error("its run of failures would disable it again as soon as it is enabled")
		}
	})

	t.Run("LeavesAShorterRunAndASingleOldFailure", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		shorter, silent := s.endpoint(), s.endpoint()
		s.health(shorter, "failing_since = now() - interval '4 days 23 hours'")
		s.health(silent, "failures = 20, failing_since = now() - interval '9 days', updated_at = now() - interval '9 days'")
		must(t, upkeepOf(s).runOnce(t.Context()))
		if n := query[int](s, "SELECT count(*) FROM endpoints WHERE is_active"); n != 2 {
			t.Errorf("%d of 2 are active", n)
		}
		if !query[bool](s, "SELECT endpoints_version = 0 FROM workspaces WHERE id = 'w'") {
			t.Error("the workspace's version moved")
		}
	})

	t.Run("LeavesWhatFailedFewTimes", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		few, enough := s.endpoint(), s.endpoint()
		s.health(few, "failures = 19, failing_since = now() - interval '5 days 1 minute'")
		s.health(enough, "failures = 20, failing_since = now() - interval '5 days 1 minute'")
		must(t, upkeepOf(s).runOnce(t.Context()))
		if left := query[string](s, "SELECT string_agg(id::text, ',') FROM endpoints WHERE is_active"); left != uuid(few) {
			t.Errorf("active: %s, want %s", left, uuid(few))
		}
	})

	t.Run("ForgetsHowDeletedAndDisabledEndpointsFailed", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		deleted, disabled, other := s.endpoint(), s.endpoint(), s.endpoint()
		s.health(deleted, "failures = 1")
		s.health(disabled, "failures = 3, open_until = now()")
		s.exec("UPDATE endpoints SET is_active = false, disabled_at = now(), disabled_reason = 'manual' WHERE id = $1", uuid(disabled))
		s.health(other, "failures = 2")
		s.exec("UPDATE endpoints SET deleted_at = now(), secret = NULL WHERE id = $1", uuid(deleted))
		must(t, upkeepOf(s).runOnce(t.Context()))
		if left := query[string](s, "SELECT string_agg(failures::text, ',') FROM endpoint_health"); left != "2" {
			t.Errorf("left are those with failures %s", left)
		}
	})

	t.Run("ForgetsWorkersThatAreLongGone", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.exec(`INSERT INTO workers (id, host, heartbeat_at) VALUES
			('gone', 'h', now() - interval '61 minutes'), ('silent', 'h', now() - interval '59 minutes')`)
		must(t, upkeepOf(s).runOnce(t.Context()))
		if left := query[string](s, "SELECT string_agg(id, ',') FROM workers"); left != "silent" {
			t.Errorf("left: %s", left)
		}
	})

	t.Run("MeasuresTheOldestDue", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		store := postgres.NewUpkeep(s.db)
		ep := s.endpoint()
		s.delivery(ep, "next_attempt_at = now() + interval '1 hour'")
		unheld, held, err := store.OldestDue(t.Context())
		must(t, err)
		if unheld != 0 || held != 0 {
			t.Errorf("%s and %s with nothing due", unheld, held)
		}
		s.deliveryOf(midnight(2), ep, "next_attempt_at = now() - interval '2 hours'")
		s.delivery(ep, "task = 'c_x', next_attempt_at = now() - interval '3 hours'")
		s.delivery(ep, "parked = true, held_reason = 'rate_limit', next_attempt_at = now() - interval '4 hours'")
		unheld, held, err = store.OldestDue(t.Context())
		must(t, err)
		if unheld.Truncate(time.Hour) != 2*time.Hour || held.Truncate(time.Hour) != 3*time.Hour {
			t.Errorf("%s and %s", unheld, held)
		}
	})
}
