package postgres_test

import "testing"

// The CHECK constraints repeat the state machine: whatever a bug writes, no row
// gets into a state that nobody would come for.
func TestDeliveryStates(t *testing.T) {
	t.Parallel()
	s := setup(t)
	states := map[string]string{
		"Unheld":   "",
		"Held":     "task = 'c_1'",
		"Parked":   isParked,
		"Success":  isSuccess,
		"Failed":   isFailed,
		"Canceled": isCanceled,
	}
	illegal := map[string][]string{
		"Unheld": {
			"next_attempt_at = NULL", "completed_at = now()", "status = 'success'", "status = 'failed'", "status = 'canceled'",
			"status = 'held'", "status = NULL", "parked = true", "parked = NULL", "attempts = NULL", "schedule_start = NULL",
			"status = 'success', next_attempt_at = NULL", "status = 'failed', completed_at = now()",
			"parked = true, held_reason = 'x', task = 'c_1'", "endpoint_id = NULL", "event_id = NULL", "event_type = NULL",
		},
		"Held": {
			"next_attempt_at = NULL", "parked = true, held_reason = 'x'",
			"status = 'success', next_attempt_at = NULL, completed_at = now()",
			"status = 'failed', next_attempt_at = NULL, completed_at = now()",
			"status = 'canceled', next_attempt_at = NULL, completed_at = now()",
		},
		"Parked": {
			"next_attempt_at = NULL", "task = 'c_1'", "held_reason = NULL",
			"status = 'success', next_attempt_at = NULL, completed_at = now()",
			"status = 'canceled', next_attempt_at = NULL, completed_at = now()",
		},
		"Success":  {"status = 'pending'", "next_attempt_at = now()", "completed_at = NULL", "task = 'c_1'", "parked = true, held_reason = 'x'"},
		"Failed":   {"status = 'pending'", "next_attempt_at = now()", "completed_at = NULL", "task = 'c_1'", "status = 'pending', next_attempt_at = now()"},
		"Canceled": {"status = 'pending'", "completed_at = NULL", "status = 'pending', completed_at = NULL"},
	}
	for name, state := range states {
		t.Run(name, func(t *testing.T) {
			m := s.pending(1, "")
			if state != "" {
				s.set(m, state)
			}
			was := s.row(m)
			for _, change := range illegal[name] {
				s.refuses("UPDATE deliveries SET "+change+" WHERE id = $1", pg(m.DeliveryID))
			}
			if is := s.row(m); is != was {
				t.Errorf("the row was %s and is %s", was, is)
			}
		})
	}
}

func TestOtherStates(t *testing.T) {
	t.Parallel()
	s := setup(t)
	for _, change := range []string{
		"is_active = false", "disabled_at = now()", "secret = NULL", "events = '{}'", "events = NULL", "timeout_s = 0", "timeout_s = 61",
		"max_in_flight = 0", "max_in_flight = 10001", "rate_limit = 0", "workspace_id = 'nobodys'",
	} {
		s.refuses("UPDATE endpoints SET " + change)
	}
	for _, id := range []string{"", "a b", "ü", "a.b", string(make([]byte, 65))} {
		s.refuses("INSERT INTO workspaces (id, name) VALUES ($1, 'W')", id)
	}
	s.exec("UPDATE endpoints SET is_active = false, disabled_at = now()")
	s.exec("UPDATE endpoints SET deleted_at = now(), secret = NULL")
}
