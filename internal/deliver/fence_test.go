package deliver

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// during answers with a status after do, which happens while the request runs.
func during(code int, do func()) func(int, webhook.Request) webhook.Response {
	return func(int, webhook.Request) webhook.Response {
		do()
		return webhook.Response{StatusCode: code}
	}
}

func TestGuard(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, set string }{
		{"DropsWhatAnotherTaskHolds", "task = 'r_other'"},
		{"DropsWhatFeedHolds", "task = NULL"},
		{"DropsWhatAWorkerHolds", "task = 'w_other'"},
		{"DropsWhatIsParked", "task = NULL, parked = true, held_reason = 'rate_limit'"},
		{"DropsWhatIsDelivered", "status = 'success', task = NULL, next_attempt_at = NULL, completed_at = now()"},
		{"DropsWhatHasFailed", "status = 'failed', task = NULL, next_attempt_at = NULL, completed_at = now()"},
		{"DropsWhatIsCanceled", "status = 'canceled', task = NULL, next_attempt_at = NULL, completed_at = now()"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := setup(t)
			e := s.endpoint()
			m, neighbour := s.delivery(e, newTask), s.delivery(e, newTask)
			s.change(m, c.set)
			row := "SELECT to_jsonb(d)::text FROM deliveries d WHERE id = $1"
			before := query[string](s, row, uuid(m.DeliveryID))
			s.process(chunk(newTask, m, neighbour))
			if after := query[string](s, row, uuid(m.DeliveryID)); after != before {
				t.Errorf("the row became %s", after)
			}
			s.wants(neighbour, "status = 'success'")
			if n := len(s.sender.requests()); n != 1 {
				t.Errorf("%d requests, want the neighbour's", n)
			}
		})
	}

	t.Run("DropsWhatIsNotThere", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		m := s.delivery(s.endpoint(), newTask)
		ghost := m
		ghost.DeliveryID = webhook.NewID(time.Now())
		s.process(chunk(newTask, ghost, m))
		s.wants(m, "status = 'success'")
	})

	t.Run("DropsATaskThatRunsAgain", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		m := s.delivery(s.endpoint(), newTask)
		for range 3 {
			s.process(chunk(newTask, m))
		}
		if n := len(s.sender.requests()); n != 1 {
			t.Errorf("%d requests", n)
		}
	})

	t.Run("SaysWhenPostgresCanNotBeAsked", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		m := s.delivery(s.endpoint(), newTask)
		s.exec("ALTER TABLE endpoint_health RENAME TO elsewhere")
		if err := s.runner.Process(t.Context(), chunk(newTask, m)); err == nil {
			t.Error("the task ends though nobody looked at its members")
		}
		s.exec("ALTER TABLE elsewhere RENAME TO endpoint_health")
		s.process(chunk(newTask, m))
		s.wants(m, "status = 'success'")
	})
}

func TestFence(t *testing.T) {
	t.Parallel()

	for _, c := range []struct{ name, set string }{
		{"LetsASuccessWinOverAnotherHolder", "task = 'r_other', next_attempt_at = now() + interval '1 hour'"},
		{"LetsASuccessWinOverAParkedRow", "task = NULL, parked = true, held_reason = 'breaker_open', held_until = now()"},
		{"LetsASuccessWinOverACancellation", "status = 'canceled', reason = 'canceled', task = NULL, next_attempt_at = NULL, completed_at = now()"},
		{"LetsASuccessWinOverAFailure", "status = 'failed', attempts = 4, task = NULL, next_attempt_at = NULL, completed_at = now()"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := setup(t)
			m := s.delivery(s.endpoint(), newTask)
			s.sender.answers(during(200, func() { s.change(m, c.set) }))
			s.process(chunk(newTask, m))
			s.wants(m, "status = 'success' AND task IS NULL AND NOT parked AND held_reason IS NULL AND reason IS NULL")
		})
	}

	for _, c := range []struct{ name, set, want string }{
		{"AStrayFailureLeavesAnotherHolder", "task = 'r_other', next_attempt_at = now() + interval '1 hour'", "status = 'pending' AND task = 'r_other' AND next_attempt_at > now() + interval '59 minutes'"},
		{"AStrayFailureLeavesACancellation", "status = 'canceled', reason = 'canceled', task = NULL, next_attempt_at = NULL, completed_at = now()", "status = 'canceled' AND reason = 'canceled'"},
		{"AStrayFailureLeavesASuccess", "status = 'success', task = NULL, next_attempt_at = NULL, completed_at = now()", "status = 'success'"},
		{"AStrayFailureLeavesAParkedRow", "task = NULL, parked = true, held_reason = 'breaker_open'", "status = 'pending' AND parked"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := setup(t)
			m := s.delivery(s.endpoint(), newTask)
			s.sender.answers(during(500, func() { s.change(m, c.set) }))
			s.process(chunk(newTask, m))
			s.wants(m, c.want)
			s.wants(m, "attempts = 1 AND schedule_start = 1") // counted, and no retry spent
			s.wantsAttempt(m, 1, "status_code = 500")
			if n := len(s.retries.tasks()); n != 0 {
				t.Errorf("%d tasks for what is somebody else's", n)
			}
		})
	}

	t.Run("ATaskRunTwiceSpendsOneRetry", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		m := s.delivery(s.endpoint(), retried)
		begun := s.sender.hold()
		s.sender.answers(status(500))
		one, two := s.begin(chunk(retried, m)), s.begin(chunk(retried, m))
		receive(t, begun)
		receive(t, begun)
		before := s.clock()
		s.sender.letAllGo()
		receive(t, one)
		receive(t, two)
		s.wants(m, "status = 'pending' AND attempts = 2 AND schedule_start = 1")
		s.wantsDelay(m, before, time.Minute, time.Minute)
		s.wantsAttempt(m, 1, "true")
		s.wantsAttempt(m, 2, "true")
	})

	t.Run("AnUndecidedRowGoesToFeedAndNotBeforeItsTime", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		m := s.delivery(s.endpoint(), newTask)
		s.sender.answers(during(500, func() { s.change(m, "attempts = 1, next_attempt_at = now() + interval '1 hour'") }))
		s.process(chunk(newTask, m))
		s.wants(m, "status = 'pending' AND task IS NULL AND attempts = 2 AND next_attempt_at > now() + interval '59 minutes'")
	})

	t.Run("AnOutcomeThatCanNotBeStoredIsLeftToAudit", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		m := s.delivery(s.endpoint(), newTask)
		s.sender.answers(status(500))
		s.store.onRecord(func(func() ([]bool, error)) ([]bool, error) {
			return []bool{false}, webhook.Errorf(webhook.CodeInvalid, "refused")
		})
		s.process(chunk(newTask, m))
		s.wants(m, "status = 'pending' AND task LIKE 'r\\_%' AND attempts = 0 AND next_attempt_at <= now()")
		if n := len(s.retries.tasks()); n != 0 {
			t.Errorf("%d tasks, want one that never was", n)
		}
	})
}

func TestPostgresAway(t *testing.T) {
	t.Parallel()
	s := setup(t)
	e := s.endpoint()
	s.sender.answers(status(500))
	var away atomic.Bool
	tried := make(chan bool, 100)
	away.Store(true)
	s.store.onRecord(func(do func() ([]bool, error)) ([]bool, error) {
		if away.Load() {
			select {
			case tried <- true:
			default:
			}
			return nil, webhook.Errorf(webhook.CodeUnavailable, "away")
		}
		return do()
	})
	m, next := s.delivery(e, newTask), s.delivery(e, "c_next")
	first := s.begin(chunk(newTask, m))
	receive(t, tried)
	receive(t, tried) // so the first try is known to have failed
	second := s.begin(chunk("c_next", next))
	receive(t, tried)
	if n := len(s.sender.requests()); n != 1 {
		t.Errorf("%d requests, though the first can't be recorded", n)
	}
	away.Store(false)
	must(t, receive(t, first))
	must(t, receive(t, second))
	s.wants(m, "status = 'pending' AND attempts = 1 AND task LIKE 'r\\_%'")
	s.wants(next, "status = 'pending' AND attempts = 1 AND task LIKE 'r\\_%'")
}
