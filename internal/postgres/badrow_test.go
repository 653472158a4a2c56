package postgres_test

import (
	"testing"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// refuse makes Postgres refuse attempts with this body, as it would a value of a
// kind that nobody thought of.
func (s *stage) refuse(body string) {
	s.t.Helper()
	s.exec("ALTER TABLE attempts ADD CHECK (response_body IS DISTINCT FROM '" + body + "'::bytea)")
}

func TestRecordOfABadRow(t *testing.T) {
	t.Parallel()

	t.Run("KeepsItsNeighboursAndTheAttempt", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		s.refuse("poison")
		var outcomes []webhook.Outcome
		want := make([]bool, 40)
		for i := range want {
			want[i] = i%9 != 5 // some are strays
			task := "c_1"
			if !want[i] {
				task = "c_stale"
			}
			code := 200
			if i%3 == 2 || !want[i] {
				code = 500
			}
			outcomes = append(outcomes, outcome(s.pending(i%2, "c_1"), task, 0, code))
		}
		for _, i := range []int{0, 7, 8, 14, 39} { // 14 is a stray, 8 a failure
			outcomes[i].Attempt.ResponseBody = []byte("poison")
		}
		s.records(s.db, outcomes, want...)
		for _, o := range outcomes {
			s.numbered(o.Delivery, 1)
		}
		s.holds("SELECT count(*) = 5 FROM attempts WHERE response_body IS NULL AND request_headers = ''")
		s.wants(outcomes[0].Delivery, "status = 'success'")
		s.wants(outcomes[8].Delivery, "task = 'r_next'")
		s.holds("SELECT error_class = 'internal' FROM attempts WHERE delivery_id = $1", pg(outcomes[8].Delivery.DeliveryID))
		failures := 0
		for _, o := range outcomes {
			if o.Status != webhook.StatusSuccess {
				failures++
			}
		}
		s.holds("SELECT failures <= $1 FROM endpoint_health", failures) // each was counted once
	})

	t.Run("ThatCanNotBeStoredAtAllIsInvalidAlone", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		outcomes := []webhook.Outcome{
			outcome(s.pending(0, "c_1"), "c_1", 0, 200), outcome(s.pending(0, "c_1"), "c_1", 0, 500), outcome(s.pending(0, "c_1"), "c_1", 0, 500),
		}
		outcomes[1].Attempt.StartedAt = time.Date(300_000, 1, 1, 0, 0, 0, 0, time.UTC)
		decided, err := s.deliver(s.db).Record(t.Context(), outcomes)
		wantCode(t, err, webhook.CodeInvalid)
		if !decided[0] || decided[1] || !decided[2] {
			t.Errorf("decided: %v", decided)
		}
		s.numbered(outcomes[0].Delivery, 1)
		s.numbered(outcomes[1].Delivery, 0)
		s.numbered(outcomes[2].Delivery, 1)
		s.wants(outcomes[1].Delivery, "status = 'pending' AND task = 'c_1'") // as it was
	})
}

func TestRecordWhoseAnswerGetsLost(t *testing.T) {
	t.Parallel()
	s := setup(t)
	far, p := s.behind()
	stale := s.set(s.pending(0, ""), "task = 'r_other', attempts = 3, schedule_start = 1")
	failed := outcome(s.pending(0, "c_1"), "c_1", 0, 500)
	failed.Status, failed.NextTask = webhook.StatusFailed, ""
	outcomes := []webhook.Outcome{
		outcome(s.pending(1, "c_1"), "c_1", 0, 200), outcome(s.pending(0, "c_1"), "c_1", 0, 500), failed, outcome(stale, "c_1", 0, 500),
	}
	outcomes[0].Attempt.StartedAt = time.Now().Add(-time.Minute) // before the run of failures
	p.armed.Store(true)
	_, err := s.deliver(far).Record(t.Context(), outcomes)
	wantCode(t, err, webhook.CodeUnavailable)
	if p.armed.Load() {
		t.Fatal("no answer was swallowed")
	}
	var rows []string
	for _, o := range outcomes {
		rows = append(rows, s.row(o.Delivery))
	}
	// Again, with one more that was not in it, and in another order.
	late := outcome(s.pending(0, "c_1"), "c_1", 0, 200)
	again := []webhook.Outcome{late, outcomes[3], outcomes[2], outcomes[1], outcomes[0]}
	for range 2 {
		s.records(far, again, true, false, true, true, true)
	}
	for i, o := range outcomes {
		if row := s.row(o.Delivery); row != rows[i] {
			t.Errorf("the row was %s and is %s", rows[i], row)
		}
	}
	s.numbered(late.Delivery, 1)
	s.holds("SELECT count(*) = 5 FROM attempts")
	s.wants(stale, "attempts = 4 AND schedule_start = 2")
	s.holds("SELECT failures = 3 FROM endpoint_health") // nor does the breaker count them twice

	// Failures alone, whose fence is gone now, were no conflict of the statement's own.
	s.records(far, outcomes[1:3], true, true)
	s.holds("SELECT count(*) = 5 FROM attempts")
	s.holds("SELECT failures = 3 FROM endpoint_health")
}

func TestRecordInConflict(t *testing.T) {
	t.Parallel()
	for name, state := range map[string]string{"OfADeadlock": "40P01", "OfASerialization": "40001"} {
		t.Run(name+"IsTriedAgain", func(t *testing.T) {
			t.Parallel()
			s := setup(t)
			// A sequence counts also what is rolled back: the first two tries fail.
			s.exec("CREATE SEQUENCE tries")
			s.exec(`CREATE FUNCTION conflict() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
				IF nextval('tries') <= 2 THEN RAISE EXCEPTION 'conflict' USING ERRCODE = '` + state + `'; END IF; RETURN NULL; END $$`)
			s.exec("CREATE TRIGGER conflict AFTER INSERT ON attempts FOR EACH STATEMENT EXECUTE FUNCTION conflict()")
			m := s.pending(0, "c_1")
			s.records(s.db, []webhook.Outcome{outcome(m, "c_1", 0, 500)}, true)
			s.numbered(m, 1)
			s.holds("SELECT last_value = 3 FROM tries")
			s.holds("SELECT failures = 1 FROM endpoint_health")
		})
	}
}
