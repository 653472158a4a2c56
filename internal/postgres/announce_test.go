package postgres_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
)

// telling is setup where that workspace is told of what happens.
func telling(t *testing.T, ws webhook.WorkspaceID) *stage {
	t.Helper()
	s := setup(t)
	db, err := postgres.Open(context.Background(), postgres.Config{URL: s.url, Keys: [][]byte{oneKey}, Operations: ws})
	must(t, err)
	t.Cleanup(db.Close)
	s.db = db
	return s
}

// told fails the test unless n rows of the kind wait, all of which are as the
// condition says.
func (s *stage) told(kind string, n int, condition string, args ...any) {
	s.t.Helper()
	args = append([]any{kind, n}, args...)
	if !query[bool](s, "SELECT count(*) = $2 AND coalesce(bool_and("+condition+"), true) FROM operational_events WHERE kind = $1", args...) {
		s.t.Errorf("%s: not %d with %s %v; there is %s", kind, n, condition, args[2:],
			query[string](s, "SELECT coalesce(jsonb_agg(o), '[]')::text FROM operational_events o"))
	}
}

// exhausted is the last failure that an endpoint's schedule has room for.
func exhausted(m webhook.Member, task string) webhook.Outcome {
	o := outcome(m, task, 0, 503)
	o.Status, o.NextTask, o.Delay = webhook.StatusFailed, "", 0
	return o
}

// gone is a 410 to a request that was made with the endpoint as it is now.
func (s *stage) gone(m webhook.Member) webhook.Outcome {
	s.t.Helper()
	o := exhausted(m, "c_1")
	o.Disable, o.Attempt.StatusCode = true, 410
	o.EndpointVersion = s.versionOf(m.EndpointID)
	return o
}

// versionOf is an endpoint's present one.
func (s *stage) versionOf(id webhook.ID) int64 {
	s.t.Helper()
	return query[int64](s, "SELECT version FROM endpoints WHERE id = $1", pg(id))
}

func recovers(m webhook.Member) webhook.Outcome {
	o := outcome(m, "c_1", 0, 200)
	o.Recovers = true
	return o
}

// opens makes failures that open the breaker, the last of them with a 500.
func (s *stage) opens() {
	s.t.Helper()
	s.fails(1, time.Now().Add(-time.Hour))
	s.fails(19, time.Now())
}

func (s *stage) disableFailing() {
	s.t.Helper()
	_, err := postgres.NewUpkeep(s.db).DisableFailing(context.Background(), time.Minute, 20, "failing")
	must(s.t, err)
}

func (s *stage) expire(daysAgo int) {
	s.t.Helper()
	day := time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -daysAgo)
	_, err := postgres.NewRetention(s.db).Expire(context.Background(), day)
	must(s.t, err)
}

func TestAnnounce(t *testing.T) {
	t.Parallel()

	t.Run("FailingOnceAnOutage", func(t *testing.T) {
		t.Parallel()
		s := telling(t, "ops")
		s.fails(1, time.Now().Add(-time.Hour))
		s.fails(18, time.Now())
		s.told("endpoint.failing", 0, "true")
		s.fails(1, time.Now())
		s.fails(30, time.Now())
		probe := outcome(s.pending(0, "c_1"), "c_1", 0, 500)
		probe.Probe = true
		s.exec("UPDATE endpoint_health SET probe_id = $1, probe_at = now()", pg(probe.Delivery.DeliveryID))
		s.records(s.db, []webhook.Outcome{probe})
		s.wantHealth("opens = 1")
		s.told("endpoint.failing", 1, `endpoint_id = $3 AND workspace_id = 'w' AND delivery_id IS NULL AND detail->>'reason' = 'breaker_open'
			AND (detail->>'failures')::int = 20 AND (detail->>'status_code')::int = 500 AND detail->>'error_class' = 'status'
			AND (detail->>'failing_since')::timestamptz < now() - interval '59 minutes'`, pg(s.end))
	})

	t.Run("FailingWithWhatFailedLast", func(t *testing.T) {
		t.Parallel()
		s := telling(t, "ops")
		s.fails(19, time.Now().Add(-time.Hour))
		earlier, last := outcome(s.pending(0, "c_1"), "c_1", 0, 502), outcome(s.pending(0, "c_1"), "c_1", 0, 0)
		last.Attempt.ErrorClass, last.Attempt.Duration = webhook.ClassTimeout, time.Minute
		s.records(s.db, []webhook.Outcome{last, earlier, outcome(s.pending(0, "c_1"), "c_1", 0, 503)})
		s.told("endpoint.failing", 1, "detail->>'error_class' = 'timeout' AND (detail->>'status_code')::int = 0 AND (detail->>'failures')::int = 22")
	})

	t.Run("RecoveredOnceAndOnlyWhereTheBreakerWasOpen", func(t *testing.T) {
		t.Parallel()
		s := telling(t, "ops")
		s.fails(5, time.Now())
		s.records(s.db, []webhook.Outcome{recovers(s.pending(0, "c_1"))})
		s.told("endpoint.recovered", 0, "true")
		s.opens()
		s.records(s.db, []webhook.Outcome{recovers(s.pending(0, "c_1")), recovers(s.pending(0, "c_1"))})
		s.records(s.db, []webhook.Outcome{recovers(s.pending(0, "c_1"))})
		s.told("endpoint.recovered", 1, "endpoint_id = $3 AND (detail->>'failures')::int = 20", pg(s.end))
		s.opens() // the next outage is another
		s.told("endpoint.failing", 2, "true")
	})

	t.Run("DisabledOnceByThe410", func(t *testing.T) {
		t.Parallel()
		s := telling(t, "ops")
		m := s.pending(0, "c_1")
		s.records(s.db, []webhook.Outcome{s.gone(m)}, true)
		s.told("delivery.exhausted", 0, "true") // its schedule was not used up, and it is told of
		late := []webhook.Outcome{s.gone(s.pending(0, "c_1")), s.gone(s.pending(1, "c_1"))}
		s.records(s.db, late, true, true)
		s.told("endpoint.disabled", 1, `endpoint_id = $3 AND delivery_id = $4 AND event_id = $5 AND detail->>'reason' = 'gone'
			AND (detail->>'status_code')::int = 410`, pg(s.end), pg(m.DeliveryID), pg(m.EventID))
		s.told("delivery.exhausted", 2, "delivery_id = ANY($3) AND detail->>'reason' = 'gone' AND (detail->>'status_code')::int = 410",
			[]pgtype.UUID{pg(late[0].Delivery.DeliveryID), pg(late[1].Delivery.DeliveryID)})
	})

	t.Run("EachOfTwoThatA410FailedTogetherOnce", func(t *testing.T) {
		t.Parallel()
		s := telling(t, "ops")
		s.records(s.db, []webhook.Outcome{s.gone(s.pending(0, "c_1")), s.gone(s.pending(1, "c_1"))}, true, true)
		s.told("endpoint.disabled", 1, "true")
		s.told("delivery.exhausted", 1, "detail->>'reason' = 'gone'")
		s.holds("SELECT count(DISTINCT delivery_id) = 2 FROM operational_events")
	})

	t.Run("ExpiredWhatHasNoPayloadAnyMore", func(t *testing.T) {
		t.Parallel()
		s := telling(t, "ops")
		s.pending(1, "")
		s.expire(1)
		settle := func(task, reason string, status webhook.Status) {
			m := s.pending(1, "c_1")
			must(t, s.deliver(s.db).Settle(t.Context(), []webhook.Member{m}, task, status, reason))
		}
		settle("c_1", webhook.ReasonPayloadExpired, webhook.StatusFailed)
		settle("c_other", webhook.ReasonPayloadExpired, webhook.StatusFailed) // which has it no more
		settle("c_1", webhook.ReasonEndpointDeleted, webhook.StatusCanceled)
		s.told("delivery.expired", 1, `deliveries = 2 AND endpoint_id = $3 AND day = (now() AT TIME ZONE 'UTC')::date - 1
			AND detail->>'reason' = 'expired'`, pg(s.end))
	})

	t.Run("DisabledOnceByTwoAtATime", func(t *testing.T) {
		t.Parallel()
		s := telling(t, "ops")
		lock, err := s.raw.Begin(t.Context())
		must(t, err)
		_, err = lock.Exec(t.Context(), "SELECT FROM endpoints WHERE id = $1 FOR UPDATE", pg(s.end))
		must(t, err)
		var both sync.WaitGroup
		for range 2 {
			// The later success leaves no run of failures, whose row would be a lock.
			older, newer := s.gone(s.pending(0, "c_1")), outcome(s.pending(0, "c_1"), "c_1", 0, 200)
			older.Attempt.StartedAt = time.Now().Add(-time.Minute)
			both.Go(func() {
				if _, err := s.deliver(s.db).Record(context.Background(), []webhook.Outcome{older, newer}); err != nil {
					t.Error(err)
				}
			})
		}
		s.eventually(`SELECT count(*) = 2 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`)
		must(t, lock.Rollback(t.Context()))
		both.Wait()
		s.told("endpoint.disabled", 1, "true")
	})

	t.Run("DisabledForFailingTooLongAndNotByHand", func(t *testing.T) {
		t.Parallel()
		s := telling(t, "ops")
		s.opens()
		byHand := s.endpoint("w")
		_, err := postgres.NewEndpoints(s.db).Update(t.Context(), byHand.WorkspaceID, byHand.ID, func(e *webhook.Endpoint) error {
			e.IsActive = false
			return nil
		})
		must(t, err)
		s.disableFailing()
		s.disableFailing()
		s.holds("SELECT count(*) = 2 FROM endpoints WHERE NOT is_active")
		s.told("endpoint.disabled", 1, `endpoint_id = $3 AND delivery_id IS NULL AND detail->>'reason' = 'failing'
			AND (detail->>'failures')::int = 20 AND (detail->>'failing_since')::timestamptz < now() - interval '59 minutes'`, pg(s.end))
	})

	t.Run("ExhaustedOnceByTheAttemptThatDecidedIt", func(t *testing.T) {
		t.Parallel()
		s := telling(t, "ops")
		m, retried, strays := s.pending(0, "c_1"), s.pending(0, "c_1"), s.pending(1, "c_1")
		group := []webhook.Outcome{exhausted(m, "c_1"), outcome(retried, "c_1", 0, 500), exhausted(strays, "c_other")}
		s.records(s.db, group, true, true, false)
		s.records(s.db, group, true, true, false) // whoever lost the answer
		s.records(s.db, []webhook.Outcome{exhausted(m, "c_1")}, false)
		s.told("delivery.exhausted", 1, `endpoint_id = $3 AND delivery_id = $4 AND event_id = $5 AND (detail->>'attempts')::int = 1
			AND (detail->>'status_code')::int = 503 AND detail->>'error_class' = 'status'`, pg(s.end), pg(m.DeliveryID), pg(m.EventID))
	})

	t.Run("ExpiredAsACountForEachEndpointAndDay", func(t *testing.T) {
		t.Parallel()
		s := telling(t, "ops")
		first := s.end
		for range 3 {
			s.pending(3, "")
		}
		s.pending(2, "c_1")
		s.expire(3)
		id := query[string](s, "SELECT id::text FROM operational_events")
		s.pending(3, "c_1") // another page
		s.end = s.endpoint("w").ID
		s.pending(3, "")
		s.expire(3)
		s.expire(3)
		s.expire(2)
		s.told("delivery.expired", 3, "delivery_id IS NULL AND detail->>'reason' = 'expired'")
		s.holds(`SELECT deliveries = 4 AND id::text <> $2 FROM operational_events
			WHERE endpoint_id = $1 AND day = (now() AT TIME ZONE 'UTC')::date - 3`, pg(first), id)
		s.holds("SELECT deliveries = 1 FROM operational_events WHERE endpoint_id = $1 AND day = (now() AT TIME ZONE 'UTC')::date - 2", pg(first))
		s.holds("SELECT deliveries = 1 FROM operational_events WHERE endpoint_id = $1", pg(s.end))
	})

	// everything happens to endpoints of the workspace w.
	everything := func(s *stage) {
		s.opens()
		s.records(s.db, []webhook.Outcome{recovers(s.pending(0, "c_1"))})
		s.records(s.db, []webhook.Outcome{exhausted(s.pending(0, "c_1"), "c_1")})
		s.records(s.db, []webhook.Outcome{s.gone(s.pending(0, "c_1"))})
		s.end = s.endpoint("w").ID
		s.opens()
		s.disableFailing()
		s.pending(3, "")
		s.expire(3)
		s.holds("SELECT count(*) = 2 FROM endpoints WHERE NOT is_active")
		s.holds("SELECT count(*) = 3 FROM deliveries WHERE status = 'failed'")
	}
	for ws, want := range map[webhook.WorkspaceID]int{"ops": 7, "w": 0, "": 0} {
		t.Run(map[webhook.WorkspaceID]string{"ops": "AllOfIt", "w": "NothingOfTheWorkspaceThatIsTold", "": "NothingWhereNobodyIsTold"}[ws], func(t *testing.T) {
			t.Parallel()
			s := telling(t, ws)
			everything(s)
			s.holds("SELECT count(*) = $1 FROM operational_events", want)
		})
	}
}
