package postgres_test

import (
	"testing"
	"time"

	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
)

// event inserts the event of a delivery, with its body.
func (s *stage) event(m webhook.Member) webhook.Member {
	s.t.Helper()
	s.exec(`INSERT INTO events (id, workspace_id, type, created_at, body, deliveries) VALUES ($1, 'w', 'a.b', now(), '{}', 1)`, pg(m.EventID))
	return m
}

func TestRetryByHand(t *testing.T) {
	t.Parallel()
	s := setup(t)
	store := postgres.NewDeliveries(s.db)
	for name, state := range map[string]string{"Failed": isFailed, "Canceled": isCanceled} {
		t.Run("StartsAFreshScheduleOf"+name, func(t *testing.T) {
			m := s.set(s.event(s.pending(2, "")), state+", attempts = 4, schedule_start = 1")
			d, err := store.Retry(t.Context(), "w", m.DeliveryID)
			must(t, err)
			if d.Status != webhook.StatusPending || d.Attempts != 4 || d.NextAttemptAt == nil || d.Error != "" {
				t.Errorf("got %+v", d)
			}
			s.wants(m, "status = 'pending' AND task IS NULL AND NOT parked AND next_attempt_at <= now() AND schedule_start = 4 AND attempts = 4 AND reason IS NULL AND completed_at IS NULL")
		})
	}
	for name, state := range map[string]string{"Pending": "task = 'c_1'", "Unheld": "task = NULL", "Parked": isParked, "Success": isSuccess} {
		t.Run("Refuses"+name, func(t *testing.T) {
			m := s.set(s.event(s.pending(2, "")), state)
			was := s.row(m)
			_, err := store.Retry(t.Context(), "w", m.DeliveryID)
			wantCode(t, err, webhook.CodeNotRetryable)
			if is := s.row(m); is != was {
				t.Errorf("the row was %s and is %s", was, is)
			}
		})
	}
	t.Run("RefusesWhatHasNoPayloadAnyMore", func(t *testing.T) {
		m := s.set(s.event(s.pending(2, "")), isFailed)
		s.exec("UPDATE events SET body = NULL WHERE id = $1", pg(m.EventID))
		_, err := store.Retry(t.Context(), "w", m.DeliveryID)
		wantCode(t, err, webhook.CodeNotRetryable)
	})
	t.Run("IsNobodyElses", func(t *testing.T) {
		m := s.set(s.event(s.pending(2, "")), isFailed)
		_, err := store.Retry(t.Context(), "other", m.DeliveryID)
		wantCode(t, err, webhook.CodeNotFound)
		s.wants(m, "status = 'failed'")
	})
	t.Run("RefusesADeletedEndpoints", func(t *testing.T) {
		m := s.set(s.event(s.pending(2, "")), isFailed)
		must(t, postgres.NewEndpoints(s.db).Delete(t.Context(), "w", s.end))
		_, err := store.Retry(t.Context(), "w", m.DeliveryID)
		wantCode(t, err, webhook.CodeNotRetryable)
		s.wants(m, "status = 'failed'")
	})
}

func TestCancelByHand(t *testing.T) {
	t.Parallel()
	s := setup(t)
	store := postgres.NewDeliveries(s.db)
	for name, state := range map[string]string{"Held": "task = 'c_1'", "Unheld": "task = NULL", "Parked": isParked} {
		t.Run("Ends"+name, func(t *testing.T) {
			m := s.set(s.pending(1, ""), state)
			d, err := store.Cancel(t.Context(), "w", m.DeliveryID)
			must(t, err)
			if d.Status != webhook.StatusCanceled || d.Error == "" || d.CompletedAt == nil {
				t.Errorf("got %+v", d)
			}
			s.wants(m, "status = 'canceled' AND reason = 'canceled' AND task IS NULL AND NOT parked AND held_reason IS NULL AND held_until IS NULL AND next_attempt_at IS NULL")
		})
	}
	for name, state := range map[string]string{"Success": isSuccess, "Failed": isFailed, "Canceled": isCanceled} {
		t.Run("Refuses"+name, func(t *testing.T) {
			m := s.set(s.pending(1, ""), state)
			was := s.row(m)
			_, err := store.Cancel(t.Context(), "w", m.DeliveryID)
			wantCode(t, err, webhook.CodeNotCancelable)
			if is := s.row(m); is != was {
				t.Errorf("the row was %s and is %s", was, is)
			}
		})
	}
	_, err := store.Cancel(t.Context(), "other", s.pending(1, "").DeliveryID)
	wantCode(t, err, webhook.CodeNotFound)
	_, err = store.Cancel(t.Context(), "w", webhook.NewID(time.Unix(1, 0))) // of a day that never was
	wantCode(t, err, webhook.CodeNotFound)
}
