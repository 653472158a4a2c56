package postgres_test

import (
	"testing"
	"time"

	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
)

func TestChangeBehindAnOpenBreaker(t *testing.T) {
	t.Parallel()
	// behind is a stage whose endpoint's breaker is open for long, with a probe out.
	behind := func(t *testing.T) (*stage, func(func(*webhook.Endpoint))) {
		s := setup(t)
		s.exec(`INSERT INTO endpoint_health (endpoint_id, workspace_id, failures, failing_since, open_until, opens, probe_id, probe_at)
			VALUES ($1, 'w', 40, now() - interval '1 hour', now() + interval '9 minutes', 5, $1, now())`, pg(s.end))
		s.exec(`INSERT INTO parked_endpoints (endpoint_id, workspace_id, reason, next_check_at)
			VALUES ($1, 'w', 'breaker_open', now() + interval '1 minute')`, pg(s.end))
		return s, func(edit func(*webhook.Endpoint)) {
			t.Helper()
			_, err := postgres.NewEndpoints(s.db).Update(t.Context(), "w", s.end, func(e *webhook.Endpoint) error { edit(e); return nil })
			must(t, err)
		}
	}
	long := 20 * time.Second
	for name, edit := range map[string]func(*webhook.Endpoint){
		"OfItsURLProbesAtOnce":     func(e *webhook.Endpoint) { e.URL = "https://example.org" },
		"OfItsHeadersProbesAtOnce": func(e *webhook.Endpoint) { e.Headers = map[string]string{"X-Token": "new"} },
		"OfItsTimeoutProbesAtOnce": func(e *webhook.Endpoint) { e.Timeout = &long },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, set := behind(t)
			set(edit)
			s.wantHealth("open_until <= now() AND probe_id IS NULL AND failures = 40 AND failing_since < now() - interval '59 minutes'")
			s.holds("SELECT next_check_at <= now() FROM parked_endpoints")
		})
	}

	t.Run("OfAHeaderInPlaceProbesAtOnce", func(t *testing.T) {
		t.Parallel()
		s, set := behind(t)
		set(func(e *webhook.Endpoint) { e.Headers = map[string]string{"X-Token": "old"} })
		s.exec("UPDATE endpoint_health SET open_until = now() + interval '9 minutes'")
		set(func(e *webhook.Endpoint) { e.Headers["X-Token"] = "new" })
		s.wantHealth("open_until <= now()")
	})

	t.Run("OfWhatItIsCalledDoesNot", func(t *testing.T) {
		t.Parallel()
		s, set := behind(t)
		set(func(e *webhook.Endpoint) { e.Description = "other" })
		s.wantHealth("open_until > now() + interval '8 minutes' AND probe_id IS NOT NULL")
		s.holds("SELECT next_check_at > now() FROM parked_endpoints")
	})

	t.Run("IsNotUndoneByTheProbeToWhereItWas", func(t *testing.T) {
		t.Parallel()
		s, set := behind(t)
		probe := outcome(s.pending(0, "c_1"), "c_1", 0, 500)
		probe.Probe = true
		s.exec("UPDATE endpoint_health SET probe_id = $1", pg(probe.Delivery.DeliveryID))
		set(func(e *webhook.Endpoint) { e.URL = "https://example.org" })
		s.records(s.db, []webhook.Outcome{probe})
		s.wantHealth("open_until <= now() AND opens = 5 AND failures = 41")
	})
}
