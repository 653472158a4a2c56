package postgres_test

import (
	"maps"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
)

func TestFleet(t *testing.T) {
	t.Parallel()
	t.Run("CountsWhatIsHeldByReason", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		fleet := postgres.NewFleet(s.db)
		const parked = "parked = true, task = NULL, held_reason = "
		for _, reason := range []string{webhook.HeldRateLimit, webhook.HeldBreakerOpen, webhook.HeldRateLimit} {
			s.set(s.pending(0, ""), parked+"'"+reason+"'")
		}
		s.pending(0, "") // is not held
		held, err := fleet.Held(t.Context(), 100)
		must(t, err)
		if want := map[string]int{webhook.HeldRateLimit: 2, webhook.HeldBreakerOpen: 1}; !maps.Equal(held, want) {
			t.Errorf("held are %v, want %v", held, want)
		}
		held, err = fleet.Held(t.Context(), 2)
		must(t, err)
		if n := held[webhook.HeldRateLimit] + held[webhook.HeldBreakerOpen]; n != 2 {
			t.Errorf("of two that are looked at %d are held", n)
		}
	})
	t.Run("TellsOpenBreakersFromOthersThatFail", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		for _, open := range []string{"NULL", "NULL", "now() - interval '1 minute'"} { // a probe is due: open all the same
			s.exec("INSERT INTO endpoint_health (endpoint_id, workspace_id, failures, failing_since, open_until) VALUES ($1, 'w', 3, now(), "+open+")", pg(s.endpoint("w").ID))
		}
		open, failing, err := postgres.NewFleet(s.db).Breakers(t.Context())
		must(t, err)
		if open != 1 || failing != 2 {
			t.Errorf("%d are open and %d failing, want 1 and 2", open, failing)
		}
	})
	t.Run("CountsEndpointsInPages", func(t *testing.T) {
		t.Parallel()
		s := setup(t) // has one
		for range 3 {
			s.endpoint("w")
		}
		s.exec("UPDATE endpoints SET is_active = false, disabled_at = now(), disabled_reason = 'gone' WHERE id = $1", pg(s.endpoint("w").ID))
		s.exec("UPDATE endpoints SET deleted_at = now(), secret = NULL WHERE id = $1", pg(s.endpoint("w").ID))
		active, disabled, pages := 0, 0, 0
		for after := (webhook.ID{}); pages == 0 || !after.IsZero(); pages++ {
			a, d, last, err := postgres.NewFleet(s.db).Endpoints(t.Context(), after, 2)
			must(t, err)
			active, disabled, after = active+a, disabled+d, last
		}
		if active != 4 || disabled != 1 || pages != 4 { // the fourth is empty
			t.Errorf("%d active and %d disabled on %d pages, want 4 and 1 on 4", active, disabled, pages)
		}
	})
	t.Run("CountsWorkersThatLive", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		s.exec("INSERT INTO workers (id, host, heartbeat_at) VALUES ('a', 'h', now()), ('b', 'h', now() - interval '10 minutes')")
		if n, err := postgres.NewFleet(s.db).Workers(t.Context()); err != nil || n != 1 {
			t.Errorf("%d live (%v), want 1", n, err)
		}
	})
}

func TestPoolMetrics(t *testing.T) {
	t.Parallel()
	s := setup(t)
	reg := prometheus.NewRegistry()
	reg.MustRegister(s.db.Collector())
	before := poolFigures(t, reg)
	must(t, s.db.Ping(t.Context()))
	after := poolFigures(t, reg)
	if after["acquires_total"] <= before["acquires_total"] || after["connections"] < 1 || after["max_connections"] != 10 {
		t.Errorf("%v before a ping, %v after it", before, after)
	}
}

// poolFigures are by name, over all labels.
func poolFigures(t *testing.T, reg *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := reg.Gather()
	must(t, err)
	all := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			all[f.GetName()[len("postrider_postgres_pool_"):]] += m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	return all
}
