package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
)

// rollUp lets a leader merge and add up all there is.
func (s *stage) rollUp() {
	s.t.Helper()
	store := postgres.NewStats(s.db)
	for _, step := range []func(context.Context, time.Time) (bool, error){store.Merge, store.RollUp} {
		for steps, more := 0, true; more; steps++ {
			var err error
			more, err = step(context.Background(), time.Now())
			must(s.t, err)
			if steps > 1000 {
				s.t.Fatal("it does not end")
			}
		}
	}
}

// unrolled is which parts of a day wait to be added up, and rolled what was.
const (
	isOver   = "end_minute <= extract(epoch FROM now()) / 60 - 125"
	unrolled = "SELECT coalesce(string_agg(minutes::text, ' ' ORDER BY end_minute, minutes), '') FROM stats_unrolled WHERE " + isOver
	rolled   = "SELECT coalesce(string_agg(minutes::text, ' ' ORDER BY start_minute, minutes), '') FROM stats_rollups WHERE endpoint_id = '00000000-0000-0000-0000-000000000000'"
)

func TestStatsRollUpDaysAndTheirQuarters(t *testing.T) {
	t.Parallel()
	s := setup(t)
	noon := time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -3).Add(12 * time.Hour)
	var old []webhook.Member
	for _, at := range []time.Duration{-12 * time.Hour, -time.Minute, 0, time.Hour, 12*time.Hour - time.Minute, 12 * time.Hour} {
		old = append(old, s.pendingAt(noon.Add(at), "c_1"))
	}
	s.count()
	if got := query[string](s, unrolled); got != "" {
		t.Errorf("out of date: %s", got)
	}
	// Of the quarters one has two; the last delivery is of the next day.
	if got := query[string](s, rolled); got != "360 1440 360 360 360 360 1440" {
		t.Errorf("rolled up: %s", got)
	}
	s.set(old[3], isSuccess)
	s.agrees("marked")
	s.countMarked(time.Now())
	if got := query[string](s, unrolled); got != "360 1440" {
		t.Errorf("out of date: %s", got)
	}
	s.agrees("out of date")
	s.rollUp()
	s.agrees("again")
	if got := query[string](s, unrolled); got != "" {
		t.Errorf("out of date: %s", got)
	}
}

// Their windows are read from what is rolled up, and from the hours where that is not
// so: what is right above would be so without rollups, too.
func TestStatsReadRollups(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.pending(3, "c_1")
	s.pending(2, "c_1")
	s.count()
	s.exec("UPDATE stats_rollups SET packed = '\\x000100000005' WHERE minutes = 360")
	s.exec("UPDATE stats_rollups SET packed = '\\x000100000007' WHERE minutes = 1440")
	for i, want := range []int64{0, 0, 10, 14} {
		st, err := postgres.NewStats(s.db).Stats(t.Context(), "w", s.end, webhook.StatsWindows()[i], time.Now())
		must(t, err)
		if got := st.Total().Status(webhook.StatusPending); got != want {
			t.Errorf("%s: %d, want %d", webhook.StatsWindows()[i].Name, got, want)
		}
	}
	s.exec("DELETE FROM stats_rollups WHERE start_minute = (SELECT min(start_minute) FROM stats_rollups WHERE minutes = 1440)")
	if got := s.stats(s.end); got.Total().Status(webhook.StatusPending) != 8 {
		t.Errorf("one of a day that is not rolled up and seven of one that is: %d", got.Total().Status(webhook.StatusPending))
	}
}

// What the release before counted has no bytes.
func TestStatsReadWhatIsNotPacked(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.set(s.pending(3, "c_1"), isSuccess)
	s.pending(0, "c_1")
	s.count()
	s.exec("DELETE FROM stats_rollups")
	s.exec("UPDATE stats_tallies SET packed = NULL")
	s.agrees("not packed")
	s.exec("INSERT INTO stats_unrolled SELECT start_minute / 360 * 360 + 360, 360, workspace_id FROM stats_tallies ON CONFLICT DO NOTHING")
	s.exec("INSERT INTO stats_unrolled SELECT start_minute / 1440 * 1440 + 1440, 1440, workspace_id FROM stats_tallies ON CONFLICT DO NOTHING")
	s.rollUp()
	s.agrees("rolled up from that")
	s.holds("SELECT count(*) >= 4 FROM stats_rollups")
}

func TestStatsRollUpMoreEndpointsThanAPage(t *testing.T) {
	t.Parallel()
	s := setup(t)
	at := time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -2).Add(time.Hour)
	s.exec(`INSERT INTO deliveries (id, workspace_id, event_id, endpoint_id, event_type, next_attempt_at)
		SELECT (left($1::uuid::text, 13) || substr(gen_random_uuid()::text, 14))::uuid, 'w', $1, (lpad(to_hex(n / 2 + 1), 32, '0'))::uuid, 'a.b', now()
		FROM generate_series(0, 4201) n`, pg(webhook.FirstID(at)))
	s.countMarked(time.Now()) // too many to be counted live
	s.rollUp()
	s.agrees("rolled up")
	s.holds("SELECT count(*) = 2102 AND count(DISTINCT endpoint_id) = 2102 FROM stats_rollups WHERE minutes = 360")
	s.holds("SELECT count(*) = 2102 AND count(DISTINCT endpoint_id) = 2102 FROM stats_rollups WHERE minutes = 1440")
	s.holds("SELECT count(*) = 2101 FROM stats_rollups WHERE minutes = 1440 AND packed = '\\x000100000002'") // two pending, of each but all
}

// Not before the minutes are one: what is added up are hours.
func TestStatsRollUpNothingThatIsNotMerged(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.pending(2, "c_1")
	store := postgres.NewStats(s.db)
	s.countMarked(time.Now().AddDate(0, 0, -2)) // as it was then
	s.holds("SELECT bool_and(minutes = 1) FROM stats_tallies")
	if more, err := store.RollUp(t.Context(), time.Now()); err != nil || more {
		t.Errorf("rolled up minutes: %t, %v", more, err)
	}
	s.rollUp()
	s.agrees("rolled up")
	s.holds("SELECT count(*) = 4 FROM stats_rollups")
}

func TestStatsSurviveAKillWhileTheyAreRolledUp(t *testing.T) {
	t.Parallel()
	s := setup(t)
	m := s.pending(2, "c_1")
	s.count()
	s.set(m, isSuccess)
	store := postgres.NewStats(s.db)
	s.countMarked(time.Now())
	s.killed("stats_unrolled", func() error { // with the old ones removed and new ones there
		_, err := store.RollUp(context.Background(), time.Now())
		return err
	})
	s.agrees("killed")
	s.rollUp()
	s.agrees("rolled up after all")
}
