package postgres_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/recovery/turns"
	"github.com/postrider/postrider/internal/webhook"
)

// The scheduler's own tests, in internal/recovery, run on these stores. Here is
// what they do not look at.

func TestFeedClaim(t *testing.T) {
	t.Parallel()
	claim := func(s *stage, limit int) []webhook.Chunk {
		s.t.Helper()
		chunks, _, err := postgres.NewFeed(s.db).Claim(context.Background(), turns.Room{Live: limit}, time.Now())
		must(s.t, err)
		return chunks
	}
	claimed := func(chunks []webhook.Chunk) (ids []webhook.ID) {
		for _, c := range chunks {
			for _, m := range c.Members {
				ids = append(ids, m.DeliveryID)
			}
		}
		return ids
	}

	t.Run("TakesTheLongestDueOfAllDays", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		var oldest []webhook.ID
		for i := range 9 {
			// The younger an event, the longer it is due.
			m := s.set(s.pending(3-i%3, ""), "next_attempt_at = now() - interval '1 minute' * "+string(rune('1'+i)))
			if i >= 5 {
				oldest = append(oldest, m.DeliveryID)
			}
		}
		if got := claimed(claim(s, 4)); !slices.Equal(newestFirst(got), newestFirst(oldest)) {
			t.Errorf("claimed %v, want %v", got, oldest)
		}
		s.holds("SELECT count(*) = 4 FROM deliveries WHERE task IS NOT NULL")
	})

	t.Run("PassesOverWhatAnotherHasInHand", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		locked, free := s.pending(1, ""), s.pending(1, "")
		other, err := s.raw.Begin(t.Context())
		must(t, err)
		_, err = other.Exec(t.Context(), "SELECT FROM deliveries WHERE id = $1 FOR UPDATE", pg(locked.DeliveryID))
		must(t, err)
		if got := claimed(claim(s, 10)); !slices.Equal(got, []webhook.ID{free.DeliveryID}) {
			t.Errorf("claimed %v", got)
		}
		must(t, other.Rollback(t.Context()))
		if got := claimed(claim(s, 10)); !slices.Equal(got, []webhook.ID{locked.DeliveryID}) {
			t.Errorf("then claimed %v", got)
		}
	})
}

func TestAuditHeld(t *testing.T) {
	t.Parallel()
	s := setup(t)
	// Rows of one transaction are due at the same instant, more of them than a page.
	want := map[webhook.ID]bool{}
	for i := range 30 {
		m := s.set(s.pending(i%3, "c_"+string(rune('a'+i%4))), "next_attempt_at = '2024-01-01'::timestamptz + interval '1 second' * "+string(rune('0'+i/10)))
		want[m.DeliveryID] = true
	}
	s.set(s.pending(0, "c_z"), "next_attempt_at = '2024-01-02'") // later than until
	s.set(s.pending(0, ""), "next_attempt_at = '2024-01-01'")    // feed's
	store, until := postgres.NewAudit(s.db), time.Date(2024, 1, 1, 12, 0, 0, 0, time.UTC)
	pages := 0
	for after, more := (time.Time{}), true; more; pages++ {
		held, last, err := store.Held(t.Context(), after, until, 7)
		must(t, err)
		for _, c := range held {
			for _, m := range c.Members {
				if !want[m.DeliveryID] {
					t.Errorf("%s is not held, or was there before", m.DeliveryID)
				}
				delete(want, m.DeliveryID)
			}
		}
		after, more = last, !last.IsZero()
	}
	if len(want) != 0 || pages < 3 {
		t.Errorf("%d are missing after %d pages", len(want), pages)
	}
}

func TestRetention(t *testing.T) {
	t.Parallel()
	s := setup(t)
	store, ctx := postgres.NewRetention(s.db), t.Context()
	m, kept := s.event(s.pending(3, "c_1")), s.event(s.pending(2, "c_1"))
	day := m.DeliveryID.Day()
	s.set(s.pending(3, ""), isParked)
	done := s.set(s.pending(3, ""), isSuccess)
	for id, event := range map[string]webhook.ID{"old": m.EventID, "young": kept.EventID} {
		s.exec("INSERT INTO event_ids (workspace_id, id, event_id) VALUES ('w', $1, $2)", id, pg(event))
	}

	n, err := store.Expire(ctx, day)
	must(t, err)
	if n != 2 {
		t.Errorf("%d expired", n)
	}
	s.wants(m, "status = 'failed' AND reason = 'expired' AND task IS NULL AND next_attempt_at IS NULL AND completed_at IS NOT NULL")
	s.wants(done, "status = 'success' AND reason IS NULL")
	s.wants(kept, "status = 'pending' AND task = 'c_1'")

	must(t, store.DropBodies(ctx, day))
	must(t, store.DropBodies(ctx, day)) // has nothing left to do
	s.holds("SELECT body IS NULL AND type = 'a.b' FROM events WHERE id = $1", pg(m.EventID))
	s.holds("SELECT body = '{}' FROM events WHERE id = $1", pg(kept.EventID))
	bodies, err := s.deliver(s.db).Events(ctx, []webhook.Member{m, kept})
	must(t, err)
	if _, ok := bodies[m.EventID]; ok || len(bodies) != 1 {
		t.Errorf("bodies: %v", bodies)
	}
	_, err = postgres.NewDeliveries(s.db).Retry(ctx, "w", m.DeliveryID)
	wantCode(t, err, webhook.CodeNotRetryable)
	// A caller's own id still finds the event, and is still the same event.
	e, err := postgres.NewEvents(s.db).Get(ctx, "w", "old")
	if err != nil || e.ID != m.EventID || e.Body != nil {
		t.Errorf("got %+v, %v", e, err)
	}

	must(t, store.DropDay(ctx, day))
	s.holds("SELECT count(*) = 0 FROM deliveries WHERE id < $1", pg(webhook.FirstID(day.AddDate(0, 0, 1))))
	for _, id := range []string{"old", m.EventID.Format(webhook.EventPrefix)} {
		_, err = postgres.NewEvents(s.db).Get(ctx, "w", id)
		wantCode(t, err, webhook.CodeNotFound)
	}
	if dups := s.commits(s.db, s.groupOf("young", "old")); len(dups) != 1 {
		t.Errorf("duplicates: %v", dups)
	}
	days, err := store.Days(ctx)
	must(t, err)
	if slices.ContainsFunc(days, day.Equal) || !slices.ContainsFunc(days, kept.DeliveryID.Day().Equal) {
		t.Errorf("days: %v", days)
	}
}
