package postgres_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
)

func (s *stage) deliver(db *postgres.DB) *postgres.Deliver {
	return postgres.NewDeliver(db, postgres.Breaker{Failures: 20, Window: time.Minute, DisableAfter: 5 * 24 * time.Hour})
}

// outcome is an attempt's with a status code, made a second ago for a row that
// task held and that had seen attempts.
func outcome(m webhook.Member, task string, seen, code int) webhook.Outcome {
	o := webhook.Outcome{Delivery: m, Task: task, Seen: seen, Status: webhook.StatusSuccess, Attempt: webhook.Attempt{
		ID: webhook.NewID(time.Now()), StartedAt: time.Now().Add(-time.Second), Duration: time.Second, StatusCode: code,
		RequestHeaders: []webhook.Header{{Name: "A", Value: "b"}}, ResponseBody: []byte("answer"),
	}}
	if code/100 != 2 {
		o.Status, o.NextTask, o.Delay = webhook.StatusPending, "r_next", time.Minute
		o.Attempt.Error, o.Attempt.ErrorClass = "status", webhook.ClassStatus
	}
	return o
}

// records fails the test where the outcomes' verdicts are others.
func (s *stage) records(db *postgres.DB, outcomes []webhook.Outcome, want ...bool) {
	s.t.Helper()
	got, err := s.deliver(db).Record(context.Background(), outcomes)
	must(s.t, err)
	for i := range want {
		if got[i] != want[i] {
			s.t.Errorf("outcome %d decided: %t", i, got[i])
		}
	}
}

// numbered fails the test unless the delivery has n attempts, numbered from 1
// without a gap, and its row says so.
func (s *stage) numbered(m webhook.Member, n int) {
	s.t.Helper()
	s.wants(m, "attempts = "+string(rune('0'+n)))
	s.holds(`SELECT count(*) = $2 AND coalesce(array_agg(number ORDER BY number), '{}') = ARRAY(SELECT generate_series(1, $2::int))
		FROM attempts WHERE delivery_id = $1 AND workspace_id = 'w'`, pg(m.DeliveryID), n)
}

func TestRecord(t *testing.T) {
	t.Parallel()

	t.Run("TakesSuccessesAndFailuresOfSeveralDays", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		var members []webhook.Member
		var outcomes []webhook.Outcome
		for i := range 12 {
			m := s.pending(i%3, "c_1")
			members, outcomes = append(members, m), append(outcomes, outcome(m, "c_1", 0, 200+i%2*300))
		}
		end := &outcomes[11]
		end.Status, end.NextTask, end.Delay = webhook.StatusFailed, "", 0
		s.records(s.db, outcomes, true, true, true, true, true, true, true, true, true, true, true, true)
		for i, m := range members {
			s.numbered(m, 1)
			switch {
			case i%2 == 0:
				s.wants(m, "status = 'success' AND task IS NULL AND completed_at IS NOT NULL")
			case i == 11:
				s.wants(m, "status = 'failed' AND task IS NULL AND completed_at IS NOT NULL")
			default:
				s.wants(m, "status = 'pending' AND task = 'r_next' AND next_attempt_at BETWEEN now() + interval '50 seconds' AND now() + interval '1 minute'")
			}
		}
		s.holds("SELECT count(DISTINCT tableoid) = 3 FROM attempts")
		s.holds("SELECT bool_and(response_body = 'answer' AND request_headers = '\\x01000141000162' AND duration_us = 1000000) FROM attempts")
		s.holds("SELECT count(*) = 6 FROM attempts WHERE error = 'status' AND error_class = 'status' AND status_code = 500")
		s.holds("SELECT count(*) = 6 FROM attempts WHERE error IS NULL AND error_class IS NULL AND status_code = 200")
	})

	t.Run("NumbersAttemptsFromTheRow", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		m := s.pending(0, "r_next")
		for seen := range 3 {
			s.records(s.db, []webhook.Outcome{outcome(m, "r_next", seen, 500)}, true)
			s.numbered(m, seen+1)
		}
		s.records(s.db, []webhook.Outcome{outcome(m, "r_next", 3, 200)}, true)
		s.numbered(m, 4)
		s.wants(m, "status = 'success' AND schedule_start = 0")
	})

	t.Run("LetsASuccessWinWhoeverHoldsTheRow", func(t *testing.T) {
		t.Parallel()
		for name, state := range map[string]string{
			"AnotherTask": "task = 'r_other', attempts = 1", "Nobody": "task = NULL", "Parked": isParked, "Canceled": isCanceled, "Failed": isFailed,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := setup(t)
				m := s.set(s.pending(0, "c_1"), state)
				s.records(s.db, []webhook.Outcome{outcome(m, "c_1", 0, 200)}, true)
				s.wants(m, `status = 'success' AND task IS NULL AND next_attempt_at IS NULL AND NOT parked
					AND held_reason IS NULL AND held_until IS NULL AND reason IS NULL AND completed_at IS NOT NULL`)
			})
		}
	})

	t.Run("KeepsTheTimeOfTheFirstSuccess", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		m := s.set(s.set(s.pending(0, ""), isSuccess), "completed_at = '2020-01-01'")
		s.records(s.db, []webhook.Outcome{outcome(m, "c_1", 0, 200)}, true)
		s.wants(m, "completed_at = '2020-01-01'")
	})

	t.Run("LetsAStaleFailureDecideNothing", func(t *testing.T) {
		t.Parallel()
		for name, state := range map[string]string{
			"AnotherTask": "task = 'r_other'", "AnotherAttemptSince": "attempts = 1", "Nobody": "task = NULL", "Parked": isParked,
			"Canceled": isCanceled, "Failed": isFailed, "Success": isSuccess,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := setup(t)
				m := s.set(s.pending(0, "c_1"), state)
				was := s.row(m)
				for _, status := range []webhook.Status{webhook.StatusPending, webhook.StatusFailed} {
					o := outcome(m, "c_1", 0, 500)
					o.Status = status
					s.records(s.db, []webhook.Outcome{o}, false)
				}
				// It happened, so it is kept and counted; it uses up no retry.
				s.holds("SELECT count(*) = 2 FROM attempts")
				s.set(m, "attempts = attempts - 2, schedule_start = schedule_start - 2")
				if is := s.row(m); is != was {
					t.Errorf("the row was %s and is %s", was, is)
				}
			})
		}
	})

	t.Run("LooksAtTheFenceOnlyOnceItHasTheRow", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		m := s.pending(0, "c_1")
		other, err := s.raw.Begin(t.Context())
		must(t, err)
		_, err = other.Exec(t.Context(), "UPDATE deliveries SET task = 'r_other', attempts = 4 WHERE id = $1", pg(m.DeliveryID))
		must(t, err)
		done := make(chan struct{})
		go func() {
			defer close(done)
			s.records(s.db, []webhook.Outcome{outcome(m, "c_1", 0, 500)}, false)
		}()
		s.eventually(blocked)
		must(t, other.Commit(t.Context()))
		<-done
		s.wants(m, "task = 'r_other' AND attempts = 5 AND schedule_start = 1")
		s.holds("SELECT count(*) = 1 FROM attempts WHERE number = 5")
	})

	t.Run("SpendsNoRetryOnAProbe", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		m := s.pending(0, "c_1")
		o := outcome(m, "c_1", 0, 500)
		o.Probe, o.NextTask = true, ""
		s.records(s.db, []webhook.Outcome{o}, true)
		s.wants(m, "attempts = 1 AND schedule_start = 1 AND task IS NULL AND status = 'pending'")
	})

	t.Run("IsNeverEarly", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		m := s.pending(0, "c_1")
		o := outcome(m, "c_1", 0, 500)
		o.Delay = time.Hour + 1 // a nanosecond more than what a row can say
		s.exec("CREATE TABLE before AS SELECT clock_timestamp() AS at")
		s.records(s.db, []webhook.Outcome{o}, true)
		s.wants(m, "next_attempt_at >= (SELECT at FROM before) + interval '1 hour 1 millisecond'")
	})

	t.Run("KeepsWhateverAReceiverSends", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		m, hostile := s.pending(0, "c_1"), s.pending(0, "c_1")
		o := outcome(hostile, "c_1", 0, 500)
		o.Attempt.ResponseBody = []byte("\x00\xff\xfe\x00")
		o.Attempt.ResponseHeaders = []webhook.Header{{Name: "X-\x00", Value: "\xff\x00"}, {Name: "Forged", Value: "a\r\nSet-Cookie: b"}}
		o.Attempt.Error = "the server said \x00\xff"
		s.records(s.db, []webhook.Outcome{outcome(m, "c_1", 0, 200), o}, true, true)
		attempts, _, err := postgres.NewDeliveries(s.db).Attempts(t.Context(), "w", hostile.DeliveryID, 0, webhook.Page{Limit: 5})
		must(t, err)
		a := attempts[0]
		if len(attempts) != 1 || !bytes.Equal(a.ResponseBody, o.Attempt.ResponseBody) || a.Error != "the server said \uFFFD" {
			t.Errorf("read %+v", a)
		}
		if h := a.ResponseHeaders; len(h) != 2 || h[0] != o.Attempt.ResponseHeaders[0] || h[1].Value != "a  Set-Cookie: b" {
			t.Errorf("read %q", h)
		}
	})
}
