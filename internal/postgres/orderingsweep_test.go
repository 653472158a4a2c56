package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
)

func TestOrderingSweep(t *testing.T) {
	t.Parallel()
	sweep := func(s *stage) (passed int) {
		s.t.Helper()
		store := postgres.NewOrdering(s.db)
		for after := (webhook.Line{}); ; {
			out, err := store.Sweep(context.Background(), after, 2)
			must(s.t, err)
			passed += out.Passed
			if after = out.Last; after == (webhook.Line{}) {
				return passed
			}
		}
	}
	for name, end := range map[string]string{"Success": isSuccess, "Failed": isFailed, "Canceled": isCanceled} {
		t.Run("PassesTheTurnOfAHeadThatEndedUnseenAs"+name, func(t *testing.T) {
			t.Parallel()
			s := setup(t)
			all := s.accepts(s.db, time.Now(), "k", "k", "k", "l", "l", "m", "m", "n", "o")
			s.set(all[0].Member, end)
			s.set(all[1].Member, end+", parked = false") // nor did this one leave its line
			if n := sweep(s); n != 1 {
				t.Errorf("%d turns passed", n)
			}
			s.wants(all[2].Member, feeds)
			s.wants(all[4].Member, waitsForTurn)
			s.wants(all[6].Member, waitsForTurn)
			if n := sweep(s); n != 0 {
				t.Errorf("%d turns passed once more", n)
			}
		})
	}
	t.Run("FindsAHeadThatWaitsForItself", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		all := s.accepts(s.db, time.Now(), "k", "k")
		s.set(all[0].Member, "task = NULL, parked = true, held_reason = 'ordering'")
		sweep(s)
		s.wants(all[0].Member, feeds)
		s.wants(all[1].Member, waitsForTurn)
	})
	t.Run("FindsALineWithoutAHead", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		all := s.accepts(s.db, time.Now(), "k", "k")
		s.set(all[0].Member, isFailed)
		s.exec("UPDATE ordering_keys SET head_seq = NULL, head_id = NULL, moved_at = now() - interval '2 hours'")
		sweep(s)
		s.wants(all[1].Member, feeds)
	})
	t.Run("FindsAHeadWhoseDayIsGone", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		all := s.accepts(s.db, time.Now(), "k", "k")
		s.exec("DELETE FROM deliveries WHERE id = $1", pg(all[0].DeliveryID))
		sweep(s)
		s.wants(all[1].Member, feeds)
	})
	t.Run("ForgetsWhatWasIdleForAnHourAndRepeatsNoNumber", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		first := s.accepts(s.db, time.Now(), "k", "held", "young")
		s.ends(first[0], 500)
		s.ends(first[2], 500)
		was := query[int64](s, "SELECT last_seq FROM ordering_keys WHERE ordering_key = 'k'")
		s.exec("UPDATE ordering_keys SET moved_at = now() - interval '61 minutes' WHERE ordering_key <> 'young'")
		sweep(s)
		s.holds("SELECT array_agg(ordering_key ORDER BY ordering_key) = '{held,young}' FROM ordering_keys")
		// One from before, retried by hand, goes alone, and the new ones do not mind.
		again := s.accepts(s.db, time.Now(), "k", "k")
		s.holds("SELECT head_seq > $1 FROM ordering_keys WHERE ordering_key = 'k'", was)
		_, err := postgres.NewDeliveries(s.db).Retry(t.Context(), "w", first[0].DeliveryID)
		must(t, err)
		s.wants(first[0].Member, "NOT parked AND status = 'pending'")
		s.goesTo(s.ends(again[0], 200), &again[1])
	})
}
