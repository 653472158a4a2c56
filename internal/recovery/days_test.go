package recovery

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
)

func (s *stage) hasTable(name string) bool {
	s.t.Helper()
	return query[bool](s, "SELECT to_regclass($1) IS NOT NULL", name)
}

// midnight is the start of the day that was n days ago.
func midnight(n int) time.Time { return time.Now().UTC().Truncate(day).AddDate(0, 0, -n) }

func TestPartitions(t *testing.T) {
	t.Parallel()

	t.Run("AreMadeOnceByAnyNumberOfProcesses", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		from := midnight(-30)
		var all sync.WaitGroup
		for range 4 {
			db := open(t, s.url)
			all.Go(func() {
				if err := db.EnsurePartitions(context.Background(), from, 6); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		for i := range 6 {
			for _, table := range []string{"events", "deliveries", "attempts"} {
				if name := table + "_p" + from.AddDate(0, 0, i).Format("20060102"); !s.hasTable(name) {
					t.Errorf("%s is missing", name)
				}
			}
		}
	})

	t.Run("HoldTheirDayAndHaveAllIndexes", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		from := midnight(-40)
		must(t, s.db.EnsurePartitions(t.Context(), from, 1))
		name := "deliveries_p" + from.Format("20060102")
		for _, at := range []time.Time{from, from.Add(day - time.Millisecond)} {
			id := s.deliveryOf(at, s.endpoint(), "")
			if !query[bool](s, "SELECT count(*) = 1 FROM "+name+" WHERE id = $1", uuid(id)) {
				t.Errorf("%s is elsewhere", at)
			}
		}
		if !query[bool](s, `SELECT (SELECT count(*) FROM pg_index WHERE indrelid = 'deliveries'::regclass)
			= (SELECT count(*) FROM pg_index WHERE indrelid = '`+name+`'::regclass)`) {
			t.Error("indexes are missing, or there twice")
		}
	})

	t.Run("AreMadeWhileOthersWrite", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		must(t, pgx.BeginFunc(t.Context(), s.raw, func(tx pgx.Tx) error {
			if _, err := tx.Exec(t.Context(), "UPDATE deliveries SET attempts = 0"); err != nil {
				return err
			}
			return s.db.EnsurePartitions(t.Context(), midnight(-50), 1)
		}))
	})

	t.Run("ReachFourteenDaysAheadAndOneBack", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		reg := prometheus.NewRegistry()
		now := midnight(-100).Add(13 * time.Hour)
		p := &partitions{store: s.db, ahead: 14, now: func() time.Time { return now }, metrics: newMetrics(reg)}
		must(t, p.runOnce(t.Context()))
		for n, want := range map[int]bool{-2: false, -1: true, 0: true, 14: true, 15: false} {
			if name := "events_p" + now.AddDate(0, 0, n).Format("20060102"); s.hasTable(name) != want {
				t.Errorf("%s: there is %v", name, !want)
			}
		}
		families, err := reg.Gather()
		must(t, err)
		for _, f := range families {
			if f.GetName() == "postrider_recovery_partitions_ahead" && f.GetMetric()[0].GetGauge().GetValue() != 14 {
				t.Errorf("the gauge says %v", f)
			}
		}
	})
}

// keep runs retention with these numbers of days.
func (s *stage) keep(deliveries, payloads int) error {
	r := &retention{
		store: postgres.NewRetention(s.db), deliveries: time.Duration(deliveries) * day, payloads: time.Duration(payloads) * day,
		clock: postgres.NewAudit(s.db).Clock, metrics: newMetrics(nil),
	}
	return r.runOnce(s.t.Context())
}

func (s *stage) event(at time.Time, external string) webhook.ID {
	s.t.Helper()
	id := webhook.NewID(at)
	s.exec(`INSERT INTO events (id, workspace_id, external_id, type, created_at, body, deliveries)
		VALUES ($1, 'w', $2, 'a.b', now(), 'body', 3)`, uuid(id), external)
	s.exec("INSERT INTO event_ids (workspace_id, id, event_id) VALUES ('w', $2, $1)", uuid(id), external)
	return id
}

func TestRetention(t *testing.T) {
	t.Parallel()

	t.Run("DropsWholeOldDays", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		old, kept := midnight(3).Add(day-time.Minute), midnight(2)
		s.event(old, "old")
		s.event(kept, "kept")
		s.deliveryOf(old, s.endpoint(), "status = 'success', next_attempt_at = NULL, completed_at = now()")
		must(t, s.keep(2, 2))
		for _, table := range []string{"events", "deliveries", "attempts"} {
			if s.hasTable(table + "_p" + old.Format("20060102")) {
				t.Errorf("%s of the old day is still there", table)
			}
			if !s.hasTable(table + "_p" + kept.Format("20060102")) {
				t.Errorf("%s of the kept day is gone", table)
			}
		}
		if ids := query[string](s, "SELECT string_agg(id, ',') FROM event_ids"); ids != "kept" {
			t.Errorf("ids left: %s", ids)
		}
		must(t, s.keep(2, 2))
	})

	t.Run("FailsWhatIsPendingFirst", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		old, ep := midnight(3), s.endpoint()
		ids := []webhook.ID{
			s.deliveryOf(old, ep, ""), s.deliveryOf(old, ep, "task = 'c_x'"), s.deliveryOf(old, ep, "parked = true, held_reason = 'rate_limit'"),
		}
		done := s.deliveryOf(old, ep, "status = 'canceled', reason = 'canceled', next_attempt_at = NULL, completed_at = now()")
		newer := s.deliveryOf(midnight(2), ep, "")
		n, err := postgres.NewRetention(s.db).Expire(t.Context(), old)
		must(t, err)
		if n != len(ids) {
			t.Errorf("expired %d", n)
		}
		for _, id := range ids {
			s.wants(id, "status = 'failed' AND reason = 'expired' AND completed_at IS NOT NULL")
		}
		s.wants(done, "status = 'canceled' AND reason = 'canceled'")
		s.wants(newer, "status = 'pending'")
	})

	t.Run("DropsNoDayWithPendingRows", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		id := s.deliveryOf(midnight(3), s.endpoint(), "")
		store := postgres.NewRetention(s.db)
		if err := store.DropDay(t.Context(), midnight(3)); err == nil {
			t.Error("dropped")
		}
		s.wants(id, "status = 'pending'")
		must(t, s.keep(2, 2))
		if s.hasTable("deliveries_p" + midnight(3).Format("20060102")) {
			t.Error("still there")
		}
	})

	t.Run("WaitsForNoBusyTableAndTriesAgain", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		must(t, pgx.BeginFunc(t.Context(), s.raw, func(tx pgx.Tx) error {
			if _, err := tx.Exec(t.Context(), "UPDATE deliveries SET attempts = 0"); err != nil {
				return err
			}
			if err := s.keep(2, 2); err == nil {
				t.Error("dropped a day under a running transaction")
			}
			return nil
		}))
		must(t, s.keep(2, 2))
		if s.hasTable("events_p" + midnight(3).Format("20060102")) {
			t.Error("still there")
		}
	})

	t.Run("FinishesAnInterruptedDrop", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		name := "attempts_p" + midnight(3).Format("20060102")
		s.exec("ALTER TABLE attempts DETACH PARTITION " + name)
		must(t, s.keep(2, 2))
		if s.hasTable(name) {
			t.Error("the detached table is still there")
		}
	})

	t.Run("ForgetsPayloadsOfOldDaysOnly", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		old, newer := s.event(midnight(3), "old"), s.event(midnight(2), "newer")
		pending := s.deliveryOf(midnight(3), s.endpoint(), "")
		for range 2 {
			must(t, s.keep(30, 2))
		}
		if !query[bool](s, `SELECT body IS NULL AND external_id = 'old' AND type = 'a.b' AND deliveries = 3
			FROM events WHERE id = $1`, uuid(old)) {
			t.Error("the old event is not what it should be")
		}
		if !query[bool](s, "SELECT body = 'body' FROM events WHERE id = $1", uuid(newer)) {
			t.Error("the newer event lost its body")
		}
		s.wants(pending, "status = 'failed' AND reason = 'expired'")
		name := "events_p" + midnight(3).Format("20060102")
		if s.hasTable(name+"_bare") || s.hasTable(name+"_full") {
			t.Error("something is left over")
		}
		must(t, s.keep(2, 2))
		if s.hasTable(name) {
			t.Error("the day can't be dropped any more")
		}
	})

	t.Run("FinishesAnInterruptedSwap", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		old := s.event(midnight(3), "old")
		must(t, pgx.BeginFunc(t.Context(), s.raw, func(tx pgx.Tx) error {
			if _, err := tx.Exec(t.Context(), "SELECT FROM events LIMIT 1"); err != nil {
				return err
			}
			if err := s.keep(30, 2); err == nil {
				t.Error("swapped a table in use")
			}
			return nil
		}))
		must(t, s.keep(30, 2))
		if !query[bool](s, "SELECT body IS NULL FROM events WHERE id = $1", uuid(old)) {
			t.Error("the body is still there")
		}
	})
}
