package postgres_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/postrider/postrider/internal/pgtest"
	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/webhook"
)

// take publishes nowhere, and fails with err.
func (s *stage) take(limit int, err error) (taken []webhook.Operation) {
	s.t.Helper()
	n, got := postgres.NewOperations(s.db).Take(context.Background(), limit, func(_ context.Context, ops []webhook.Operation) error {
		taken = append(taken, ops...)
		return err
	})
	if !errors.Is(got, err) || err == nil && n != len(taken) || err != nil && n != 0 {
		s.t.Errorf("take of %d: %d, %v", len(taken), n, got)
	}
	return taken
}

func (s *stage) waits(at time.Time) webhook.ID {
	s.t.Helper()
	id := webhook.NewID(at)
	s.exec("INSERT INTO operational_events (id, kind, workspace_id, endpoint_id, detail) VALUES ($1, 'endpoint.failing', 'w', $2, '{}')",
		pg(id), pg(s.end))
	return id
}

func idsOf(ops []webhook.Operation) (ids []webhook.ID) {
	for _, o := range ops {
		ids = append(ids, o.ID)
	}
	return ids
}

func TestOperationsTake(t *testing.T) {
	t.Parallel()

	t.Run("ForgetsWhatWasPublishedAndNothingElse", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		a, b, c := s.waits(time.Now().Add(-3*time.Second)), s.waits(time.Now().Add(-2*time.Second)), s.waits(time.Now())
		first := idsOf(s.take(2, errors.New("killed")))
		if again := idsOf(s.take(2, nil)); !slices.Equal(first, []webhook.ID{a, b}) || !slices.Equal(again, first) {
			t.Errorf("took %v, then %v, want both times %v", first, again, []webhook.ID{a, b})
		}
		if rest := idsOf(s.take(10, nil)); !slices.Equal(rest, []webhook.ID{c}) {
			t.Errorf("then took %v, want %v", rest, c)
		}
		if none := s.take(10, nil); len(none) != 0 {
			t.Errorf("then took %v", none)
		}
	})

	t.Run("PassesOverWhatAnotherHasInHand", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		s.waits(time.Now())
		_, err := postgres.NewOperations(s.db).Take(t.Context(), 10, func(context.Context, []webhook.Operation) error {
			free := s.waits(time.Now())
			if got := idsOf(s.take(10, nil)); !slices.Equal(got, []webhook.ID{free}) {
				t.Errorf("another took %v, want %v", got, free)
			}
			return nil
		})
		must(t, err)
		s.holds("SELECT count(*) = 0 FROM operational_events")
	})

	t.Run("SaysWhatClientsKnowTheEventBy", func(t *testing.T) {
		t.Parallel()
		s := telling(t, "ops")
		own, generated, lost := s.event(s.pending(2, "c_1")), s.event(s.pending(0, "c_1")), s.pending(1, "c_1")
		s.exec("UPDATE events SET external_id = 'order-7' WHERE id = $1", pg(own.EventID))
		for _, m := range []webhook.Member{own, generated, lost} {
			s.records(s.db, []webhook.Outcome{exhausted(m, "c_1")}, true)
		}
		taken := make(map[webhook.ID]webhook.Operation)
		for _, o := range s.take(10, nil) {
			taken[o.DeliveryID] = o
		}
		for name, want := range map[string]struct {
			m         webhook.Member
			event, of string
		}{
			"own":       {own, "order-7", "a.b"},
			"generated": {generated, generated.EventID.Format(webhook.EventPrefix), "a.b"},
			"lost":      {lost, lost.EventID.Format(webhook.EventPrefix), ""},
		} {
			o := taken[want.m.DeliveryID]
			if o.EventID != want.event || o.EventType != want.of || o.URL != "https://example.com" || o.EndpointID != s.end ||
				o.Type != webhook.DeliveryExhausted || o.WorkspaceID != "w" || o.Detail.Attempts != 1 || o.Detail.StatusCode != 503 {
				t.Errorf("%s: %+v", name, o)
			}
		}
	})

	t.Run("LeavesADaysExpiredUntilTheyAreCounted", func(t *testing.T) {
		t.Parallel()
		s := telling(t, "ops")
		s.pending(3, "")
		s.expire(3)
		s.exec("UPDATE operational_events SET occurred_at = now() - interval '30 seconds'")
		if early := s.take(10, nil); len(early) != 0 {
			t.Errorf("took %+v", early)
		}
		s.exec("UPDATE operational_events SET occurred_at = now() - interval '61 seconds'")
		got := s.take(10, nil)
		if len(got) != 1 || got[0].Deliveries != 1 || !got[0].Day.Equal(time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -3)) {
			t.Errorf("took %+v", got)
		}
	})
}

func TestOperationsDrop(t *testing.T) {
	t.Parallel()
	s := setup(t)
	drop := func(before time.Time, keep, want int) {
		t.Helper()
		n, err := postgres.NewOperations(s.db).Drop(t.Context(), before, keep)
		if err != nil || n != want {
			t.Errorf("dropped %d, %v, want %d", n, err, want)
		}
	}
	now := time.Now()
	var ids []webhook.ID
	for i := range 6 {
		ids = append(ids, s.waits(now.Add(time.Duration(i-6)*time.Hour)))
	}
	drop(now.Add(-7*time.Hour), 6, 0)
	drop(now.Add(-5*time.Hour-time.Minute), 6, 1)
	drop(now.Add(-7*time.Hour), 3, 2)
	if left := idsOf(s.take(10, nil)); !slices.Equal(left, ids[3:]) {
		t.Errorf("left %v, want %v", left, ids[3:])
	}
}

func TestOperationalStatementsLockOneDay(t *testing.T) {
	t.Parallel()
	url := pgtest.New(t)
	db, err := postgres.Open(t.Context(), postgres.Config{URL: url})
	must(t, err)
	t.Cleanup(db.Close)
	today := time.Now().UTC().Truncate(24 * time.Hour)
	must(t, db.EnsurePartitions(t.Context(), today.AddDate(0, 0, -30), 40))
	lo, hi := pg(webhook.FirstID(today)), pg(webhook.FirstID(today.AddDate(0, 0, 1)))
	ids, workspaces := []pgtype.UUID{pg(webhook.NewID(today))}, []string{"w"}
	for name, statement := range map[string]func(*dbsqlc.Queries) error{
		"AnnounceExhausted": func(q *dbsqlc.Queries) error {
			return q.AnnounceExhausted(context.Background(), dbsqlc.AnnounceExhaustedParams{
				Ids: ids, WorkspaceIds: workspaces, DeliveryIds: ids, StatusCodes: []int32{500}, ErrorClasses: []string{"status"}, Lo: lo, Hi: hi,
			})
		},
		"EventNames": func(q *dbsqlc.Queries) error {
			return second(q.EventNames(context.Background(), dbsqlc.EventNamesParams{WorkspaceIds: workspaces, Ids: ids, Lo: lo, Hi: hi}))
		},
	} {
		if n := locksOf(t, url, statement); n > maxDayLocks {
			t.Errorf("%s takes %d locks", name, n)
		}
	}
}
