package postgres_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
)

// patch changes the stage's endpoint.
func (s *stage) patch(edit func(*webhook.Endpoint)) {
	s.t.Helper()
	_, err := postgres.NewEndpoints(s.db).Update(context.Background(), "w", s.end, func(e *webhook.Endpoint) error {
		edit(e)
		return nil
	})
	must(s.t, err)
}

func (s *stage) active(want bool) {
	s.t.Helper()
	s.holds("SELECT is_active = $2 FROM endpoints WHERE id = $1", pg(s.end), want)
}

func TestGone(t *testing.T) {
	t.Parallel()
	moves := func(e *webhook.Endpoint) { e.URL = "https://example.com/new" }

	t.Run("LeavesAnEndpointThatWasChangedSince", func(t *testing.T) {
		t.Parallel()
		s := telling(t, "ops")
		old := s.gone(s.pending(0, "c_1"))
		s.patch(moves)
		was := query[int64](s, "SELECT endpoints_version FROM workspaces WHERE id = 'w'")
		s.records(s.db, []webhook.Outcome{old}, true)
		s.active(true)
		s.holds("SELECT endpoints_version = $1 FROM workspaces WHERE id = 'w'", was)
		s.told("endpoint.disabled", 0, "true")
		s.told("delivery.exhausted", 1, "delivery_id = $3 AND detail->>'reason' = 'gone'", pg(old.Delivery.DeliveryID))
		now := s.gone(s.pending(0, "c_1"))
		s.records(s.db, []webhook.Outcome{now}, true)
		s.active(false)
		s.told("endpoint.disabled", 1, "delivery_id = $3", pg(now.Delivery.DeliveryID))
	})

	t.Run("LeavesOneThatWasEnabledAgain", func(t *testing.T) {
		t.Parallel()
		s := telling(t, "ops")
		first, late := s.gone(s.pending(0, "c_1")), s.gone(s.pending(0, "c_1"))
		s.records(s.db, []webhook.Outcome{first}, true)
		s.patch(func(e *webhook.Endpoint) { e.IsActive = true })
		s.records(s.db, []webhook.Outcome{late}, true)
		s.active(true)
		s.told("endpoint.disabled", 1, "true")
	})

	t.Run("OfSeveralAtOnceIsTheNewest", func(t *testing.T) {
		t.Parallel()
		s := telling(t, "ops")
		first, newest, last := s.gone(s.pending(2, "c_1")), s.pending(1, "c_1"), s.gone(s.pending(0, "c_1"))
		s.patch(moves)
		s.records(s.db, []webhook.Outcome{first, s.gone(newest), last}, true, true, true)
		s.active(false)
		s.told("endpoint.disabled", 1, "delivery_id = $3", pg(newest.DeliveryID))
		s.told("delivery.exhausted", 2, "delivery_id = ANY($3)", []pgtype.UUID{pg(first.Delivery.DeliveryID), pg(last.Delivery.DeliveryID)})
	})

	for name, ws := range map[string]webhook.WorkspaceID{"LeavesOneThatChangesWhileItWaits": "", "TellsNothingOfThat": "ops"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := telling(t, ws)
			late := s.gone(s.pending(0, "c_1"))
			change, err := s.raw.Begin(t.Context())
			must(t, err)
			_, err = change.Exec(t.Context(), "UPDATE endpoints SET url = 'https://example.com/new', version = version + 1 WHERE id = $1", pg(s.end))
			must(t, err)
			done := make(chan error, 1)
			go func() {
				_, err := s.deliver(s.db).Record(context.Background(), []webhook.Outcome{late})
				done <- err
			}()
			s.eventually(blocked)
			must(t, change.Commit(t.Context()))
			must(t, <-done)
			s.active(true)
			s.told("endpoint.disabled", 0, "true")
		})
	}
}
