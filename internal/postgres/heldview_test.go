package postgres_test

import (
	"testing"
	"time"

	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
)

// views are what each of the reads shows of a delivery.
func (s *stage) views(m webhook.Member) map[string]webhook.Delivery {
	s.t.Helper()
	ctx, store := s.t.Context(), postgres.NewDeliveries(s.db)
	one, err := store.Get(ctx, "w", m.DeliveryID)
	must(s.t, err)
	list, _, err := store.List(ctx, "w", webhook.DeliveryFilter{}, webhook.Page{Limit: 10})
	must(s.t, err)
	explained, err := postgres.NewExplain(s.db).Deliveries(ctx, "w", m.EventID, []webhook.ID{m.EndpointID})
	must(s.t, err)
	outcomes, err := postgres.NewOutcomes(s.db).Of(ctx, webhook.Awaited{EventID: m.EventID, WorkspaceID: "w"})
	must(s.t, err)
	if len(list) != 1 || len(outcomes) != 1 {
		s.t.Fatalf("%d and %d deliveries, want one", len(list), len(outcomes))
	}
	return map[string]webhook.Delivery{"get": one, "list": list[0], "explain": explained[m.EndpointID], "outcomes": outcomes[0]}
}

// Rows of what is parked stay as they were when an endpoint's pause gets longer.
func TestHeldUntil(t *testing.T) {
	t.Parallel()
	const (
		passed = "parked = true, task = NULL, held_until = now() - interval '5 minutes', held_reason = "
		coming = "parked = true, task = NULL, held_until = now() + interval '9 minutes', held_reason = "
	)
	for name, tt := range map[string]struct {
		row, openUntil, nextCheck, endpoint string
		reason                              string
		until                               time.Duration // from now; 0 is none
		probe                               bool          // whether it is the breaker's
	}{
		"IsWhereTheBreakerIsNow":         {passed + "'breaker_open'", "9 minutes", "1 minute", "", webhook.HeldBreakerOpen, 9 * time.Minute, false},
		"IsTheBreakersOfWhateverIsHeld":  {passed + "'max_in_flight'", "9 minutes", "1 minute", "", webhook.HeldBreakerOpen, 9 * time.Minute, false},
		"IsTheNextLookOnceAProbeIsDue":   {passed + "'breaker_open'", "-2 seconds", "4 minutes", "", webhook.HeldBreakerOpen, 4 * time.Minute, false},
		"IsNowWhileAProbeIsOut":          {passed + "'breaker_open'", "-5 minutes", "", "", webhook.HeldBreakerOpen, time.Nanosecond, false},
		"IsNowOfWhatIsYetToBeParked":     {"task = 'c_1'", "-5 minutes", "", "", webhook.HeldBreakerOpen, time.Nanosecond, false},
		"IsNoneOfTheProbe":               {"task = 'c_1'", "-2 seconds", "", "", "", 0, true},
		"IsTheNextLookInARamp":           {passed + "'max_in_flight'", "", "3 minutes", "", webhook.HeldInFlight, 3 * time.Minute, false},
		"StaysTheRowsWhereThatIsLater":   {coming + "'rate_limit'", "", "3 minutes", "", webhook.HeldRateLimit, 9 * time.Minute, false},
		"StaysTheRowsWhereNothingIs":     {passed + "'rate_limit'", "", "", "", webhook.HeldRateLimit, -5 * time.Minute, false},
		"IsNoneOfADisabledEndpoint":      {passed + "'breaker_open'", "9 minutes", "1 hour", "is_active = false, disabled_at = now()", webhook.HeldEndpointDisabled, 0, false},
		"IsNoneOfWhatWaitsForItsTurn":    {"parked = true, task = NULL, held_reason = 'ordering'", "9 minutes", "1 minute", "", webhook.HeldOrdering, 0, false},
		"IsNoneOfWhatIsNotParkedByARamp": {"task = NULL", "", "4 minutes", "", "", 0, false},
		"IsNoneOfWhatHasEnded":           {isFailed, "9 minutes", "1 minute", "is_active = false, disabled_at = now()", "", 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setup(t)
			m := s.set(s.event(s.pending(0, "")), tt.row)
			if tt.openUntil != "" {
				s.exec(`INSERT INTO endpoint_health (endpoint_id, workspace_id, failures, failing_since, open_until)
					VALUES ($1, 'w', 20, now() - interval '1 hour', now() + $2::interval)`, pg(s.end), tt.openUntil)
			}
			if tt.probe {
				s.exec("UPDATE endpoint_health SET probe_id = $1, probe_at = now()", pg(m.DeliveryID))
			}
			if tt.nextCheck != "" {
				s.exec(`INSERT INTO parked_endpoints (endpoint_id, workspace_id, reason, next_check_at)
					VALUES ($1, 'w', 'breaker_open', now() + $2::interval)`, pg(s.end), tt.nextCheck)
			}
			if tt.endpoint != "" {
				s.exec("UPDATE endpoints SET "+tt.endpoint+" WHERE id = $1", pg(s.end))
			}
			now := query[time.Time](s, "SELECT now()")
			for read, d := range s.views(m) {
				if d.HeldReason != tt.reason || (d.HeldUntil == nil) != (tt.until == 0) {
					t.Errorf("%s: held for %q until %v, want %q", read, d.HeldReason, d.HeldUntil, tt.reason)
					continue
				}
				if d.HeldUntil == nil {
					continue
				}
				if off := d.HeldUntil.Sub(now.Add(tt.until)).Abs(); off > 30*time.Second {
					t.Errorf("%s: held until %s, %s off", read, d.HeldUntil, off)
				}
				if d.HeldUntil.After(now) && !d.NextAttemptAt.Equal(*d.HeldUntil) {
					t.Errorf("%s: next attempt at %s, before it is let go", read, d.NextAttemptAt)
				}
			}
		})
	}
}
