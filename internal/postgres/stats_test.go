package postgres_test

import (
	"context"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
)

// month is a window that holds all of a test's deliveries.
var month = webhook.StatsWindows()[3]

// counted is what stats say, in words that a statement can say too.
func counted(t *webhook.Tally) string {
	out := fmt.Sprintf("pending %d success %d failed %d canceled %d attempts %d", t.Status(webhook.StatusPending),
		t.Status(webhook.StatusSuccess), t.Status(webhook.StatusFailed), t.Status(webhook.StatusCanceled), t.Attempts())
	return fmt.Sprint(out, " errors ", t.Errors()[webhook.ClassStatus], " ", t.Errors()[webhook.ClassTimeout])
}

// truth is the same, read from the rows themselves.
func (s *stage) truth(condition string, args ...any) string {
	s.t.Helper()
	return query[string](s, `WITH d AS (SELECT * FROM deliveries WHERE `+condition+`), a AS (SELECT a.* FROM attempts a JOIN d ON d.id = a.delivery_id)
		SELECT format('pending %s success %s failed %s canceled %s attempts %s errors %s %s', count(*) FILTER (WHERE status = 'pending'),
			count(*) FILTER (WHERE status = 'success'), count(*) FILTER (WHERE status = 'failed'), count(*) FILTER (WHERE status = 'canceled'),
			(SELECT count(*) FROM a), (SELECT count(*) FROM a WHERE error_class = 'status'), (SELECT count(*) FROM a WHERE error_class = 'timeout')) FROM d`, args...)
}

func (s *stage) stats(endpoint webhook.ID) webhook.Stats {
	s.t.Helper()
	st, err := postgres.NewStats(s.db).Stats(context.Background(), "w", endpoint, month, time.Now())
	must(s.t, err)
	return st
}

// agrees fails the test where stats differ from the truth, for the workspace or
// for an endpoint.
func (s *stage) agrees(when string) {
	s.t.Helper()
	for endpoint, want := range map[webhook.ID]string{
		{}:    s.truth("workspace_id = 'w'"),
		s.end: s.truth("workspace_id = 'w' AND endpoint_id = $1", pg(s.end)),
	} {
		st := s.stats(endpoint)
		if got := counted(st.Total()); got != want {
			s.t.Errorf("%s, endpoint %s:\n got %s\nwant %s", when, endpoint, got, want)
		}
	}
	nobody := webhook.NewID(time.Now())
	several, err := postgres.NewStats(s.db).StatsOf(context.Background(), "w", []webhook.ID{nobody, s.end}, month, time.Now())
	must(s.t, err)
	if none, got, want := several[0].Total(), counted(several[1].Total()), s.truth("workspace_id = 'w' AND endpoint_id = $1", pg(s.end)); none.Deliveries() != 0 || got != want {
		s.t.Errorf("%s, among others:\n got %s\nwant %s, and none of another: %v", when, got, want, none)
	}
}

// count lets a leader count all that is marked.
func (s *stage) count() {
	s.t.Helper()
	s.agrees("counted live")
	s.countMarked(time.Now())
	s.holds("SELECT count(*) = 0 FROM stats_marks")
	s.agrees("counted before")
	s.rollUp()
	s.agrees("rolled up")
}

// countMarked lets a leader whose clock says now count what is marked.
func (s *stage) countMarked(now time.Time) {
	s.t.Helper()
	for _, m := range s.ready(query[int](s, "SELECT count(DISTINCT (workspace_id, minute)) FROM stats_marks")) {
		must(s.t, postgres.NewStats(s.db).Count(context.Background(), m, now))
	}
}

// killed lets run come to where it waits for the table, and ends its session there.
func (s *stage) killed(table string, run func() error) {
	s.t.Helper()
	hold, err := s.raw.Begin(s.t.Context())
	must(s.t, err)
	_, err = hold.Exec(s.t.Context(), "LOCK TABLE "+table+" IN SHARE MODE")
	must(s.t, err)
	done := make(chan error, 1)
	go func() { done <- run() }()
	s.eventually(blocked)
	s.exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
	if err := <-done; err == nil {
		s.t.Error("it was not killed")
	}
	must(s.t, hold.Rollback(s.t.Context()))
}

// ready takes marks until those of n minutes can be counted. They wait for other
// databases' transactions too: a snapshot's oldest is the server's.
func (s *stage) ready(n int) []webhook.StatsMinute {
	s.t.Helper()
	deadline := time.Now().Add(time.Minute)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		minutes, err := postgres.NewStats(s.db).Take(context.Background(), -time.Second, 1000)
		must(s.t, err)
		distinct := map[webhook.StatsMinute]bool{}
		for _, m := range minutes {
			distinct[m] = true
		}
		if len(distinct) >= n {
			return minutes
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("ready after a minute: %v, want %d", minutes, n)
		}
		<-tick.C
	}
}

func TestStatsAreRightWhateverHappensToADelivery(t *testing.T) {
	t.Parallel()
	for name, act := range map[string]func(*stage, webhook.Member){
		"Success": func(s *stage, m webhook.Member) {
			s.records(s.db, []webhook.Outcome{outcome(m, "c_1", 0, 200)}, true)
		},
		"FailureThenSuccess": func(s *stage, m webhook.Member) {
			s.records(s.db, []webhook.Outcome{outcome(m, "c_1", 0, 500)}, true)
			s.count()
			s.records(s.db, []webhook.Outcome{outcome(m, "r_next", 1, 200)}, true)
		},
		"FailedAndRetriedByHand": func(s *stage, m webhook.Member) {
			o := outcome(m, "c_1", 0, 500)
			o.Status, o.NextTask, o.Delay = webhook.StatusFailed, "", 0
			s.exec("INSERT INTO events (id, workspace_id, type, created_at, body, deliveries) VALUES ($1, 'w', 'a.b', now(), '{}', 1)", pg(m.EventID))
			s.records(s.db, []webhook.Outcome{o}, true)
			s.count()
			_, err := postgres.NewDeliveries(s.db).Retry(s.t.Context(), "w", m.DeliveryID)
			must(s.t, err)
			s.count()
			s.records(s.db, []webhook.Outcome{outcome(m, "c_lost", 1, 200)}, true)
		},
		"SuccessAfterItWasCanceled": func(s *stage, m webhook.Member) {
			_, err := postgres.NewDeliveries(s.db).Cancel(s.t.Context(), "w", m.DeliveryID)
			must(s.t, err)
			s.count()
			s.records(s.db, []webhook.Outcome{outcome(m, "c_1", 0, 200)}, true)
		},
		"AttemptWithoutFence": func(s *stage, m webhook.Member) {
			s.records(s.db, []webhook.Outcome{outcome(m, "c_other", 0, 500)}, false)
		},
		"Replay": func(s *stage, m webhook.Member) {
			s.set(m, isSuccess)
			s.count()
			r := webhook.Replay{ID: webhook.NewID(time.Now()), WorkspaceID: "w", EventID: m.EventID, Since: m.EventID.Time(), Until: m.EventID.Time().Add(time.Millisecond)}
			must(s.t, postgres.NewReplays(s.db).ReplayEvent(s.t.Context(), &r, "a.b", []webhook.ID{s.end}))
		},
		"Expiry": func(s *stage, m webhook.Member) {
			n, err := postgres.NewRetention(s.db).Expire(s.t.Context(), m.DeliveryID.Day())
			must(s.t, err)
			if n == 0 {
				s.t.Error("nothing expired")
			}
		},
	} {
		for days, age := range map[int]string{0: "Today", 3: "DaysLater"} {
			t.Run(name+age, func(t *testing.T) {
				t.Parallel()
				s := setup(t)
				other := s.endpoint("w").ID
				near := s.pending(days, "c_1")
				s.set(near, "endpoint_id = '"+uuidOf(other)+"'")
				m := s.pending(days, "c_1")
				s.count()
				act(s, m)
				s.count()
			})
		}
	}
}

func uuidOf(id webhook.ID) string { return fmt.Sprintf("%x", id[:]) }

// Whoever changed something while a mark was there relies on it, and may commit
// after the mark was taken.
func TestStatsWaitForWhoReliesOnAMark(t *testing.T) {
	t.Parallel()
	s := setup(t)
	m := s.pending(0, "c_1") // marks
	store := postgres.NewStats(s.db)
	tx, err := s.raw.Begin(t.Context())
	must(t, err)
	_, err = tx.Exec(t.Context(), "UPDATE deliveries SET "+isSuccess+" WHERE id = $1", pg(m.DeliveryID))
	must(t, err)
	s.holds("SELECT count(*) = 1 FROM stats_marks") // it made none of its own
	minutes, err := store.Take(t.Context(), -time.Second, 10)
	must(t, err)
	if len(minutes) > 0 {
		t.Errorf("ready while a writer may rely on it: %v", minutes)
	}
	// Asked for by name it is not counted either, and the mark stays.
	must(t, store.Count(t.Context(), webhook.StatsMinute{Workspace: "w", Minute: int32(m.DeliveryID.Time().Unix() / 60)}, time.Now()))
	s.holds("SELECT count(*) = 1 FROM stats_marks")
	must(t, tx.Commit(t.Context()))
	s.count()
}

// A snapshot of a whole transaction may show a mark that was taken since.
func TestStatsMarkAlwaysInATransactionWithOneSnapshot(t *testing.T) {
	t.Parallel()
	s := setup(t)
	m := s.pending(0, "c_1")
	tx, err := s.raw.BeginTx(t.Context(), pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
	must(t, err)
	_, err = tx.Exec(t.Context(), "UPDATE deliveries SET "+isSuccess+" WHERE id = $1", pg(m.DeliveryID))
	must(t, err)
	must(t, tx.Commit(t.Context()))
	s.holds("SELECT count(*) = 2 FROM stats_marks")
}

// A dump has the numbers of its own server's transactions, which another one comes to
// only after years.
func TestStatsCountWhatADumpHadTaken(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.pending(0, "c_1")
	s.exec("UPDATE stats_marks SET taken = true, barrier = '281474976710656'")
	s.count()
}

func TestStatsSurviveAKillWhileTheyAreCounted(t *testing.T) {
	t.Parallel()
	s := setup(t)
	m := s.pending(0, "c_1")
	s.count()
	s.records(s.db, []webhook.Outcome{outcome(m, "c_1", 0, 200)}, true)
	store := postgres.NewStats(s.db)
	minutes := s.ready(1)
	s.killed("stats_tallies", func() error { return store.Count(context.Background(), minutes[0], time.Now()) })
	s.holds("SELECT count(*) = 1 FROM stats_marks")
	s.count()
}

// What does not fit is not counted live, and said to be older.
func TestStatsBoundWhatIsCountedLive(t *testing.T) {
	t.Parallel()
	s := setup(t)
	at := time.Now().Add(-2 * time.Minute)
	s.exec(`INSERT INTO deliveries (id, workspace_id, event_id, endpoint_id, event_type, next_attempt_at)
		SELECT (left($1::uuid::text, 13) || substr(gen_random_uuid()::text, 14))::uuid, 'w', $1, $2, 'a.b', now() FROM generate_series(1, 2001)`,
		pg(webhook.FirstID(at)), pg(s.end))
	marked := query[time.Time](s, "SELECT marked_at FROM stats_marks")
	if st := s.stats(s.end); st.Total().Deliveries() != 0 || !st.AsOf.Equal(marked) {
		t.Errorf("%d deliveries as of %s, marked at %s", st.Total().Deliveries(), st.AsOf, marked)
	}
	store := postgres.NewStats(s.db)
	must(t, store.Count(t.Context(), s.ready(1)[0], time.Now()))
	s.agrees("counted before")
	if st := s.stats(s.end); !st.AsOf.After(marked) {
		t.Errorf("as of %s, marked at %s", st.AsOf, marked)
	}
}

func TestStatsMergeOldHours(t *testing.T) {
	t.Parallel()
	s := setup(t)
	store := postgres.NewStats(s.db)
	begin := time.Now().Truncate(time.Hour).Add(-5 * time.Hour)
	for i, at := range []time.Duration{0, 3 * time.Minute, 59 * time.Minute, 60 * time.Minute} {
		m := webhook.Member{DeliveryID: webhook.NewID(begin.Add(at)), WorkspaceID: "w"}
		s.exec(`INSERT INTO deliveries (id, workspace_id, event_id, endpoint_id, event_type, task, next_attempt_at)
			VALUES ($1, 'w', $1, $2, 'a.b', 'c_1', now())`, pg(m.DeliveryID), pg(s.end))
		if i > 0 {
			s.records(s.db, []webhook.Outcome{outcome(m, "c_1", 0, 200)}, true)
		}
	}
	for _, m := range s.ready(4) { // as it was then
		must(t, store.Count(t.Context(), m, begin.Add(time.Hour)))
	}
	s.holds("SELECT count(*) = 8 AND bool_and(minutes = 1) FROM stats_tallies")
	s.agrees("by the minute")
	before := s.stats(s.end)
	if more, err := store.Merge(t.Context(), begin.Add(time.Hour)); err != nil || more {
		t.Errorf("merged too early: %t, %v", more, err)
	}
	for range 2 {
		if more, err := store.Merge(t.Context(), time.Now()); err != nil || !more {
			t.Errorf("merged: %t, %v", more, err)
		}
	}
	if more, err := store.Merge(t.Context(), time.Now()); err != nil || more {
		t.Errorf("merged what is merged: %t, %v", more, err)
	}
	s.holds("SELECT count(*) = 4 AND bool_and(minutes = 60) FROM stats_tallies")
	if after := s.stats(s.end); !reflect.DeepEqual(after.Total(), before.Total()) {
		t.Errorf("before %v, after %v", before.Total(), after.Total())
	}
	s.exec("UPDATE deliveries SET "+isFailed+" WHERE id < $1", pg(webhook.FirstID(begin.Add(time.Minute))))
	s.count() // of an hour that is merged
	s.holds("SELECT count(*) = 4 AND bool_and(minutes = 60) FROM stats_tallies")
}

func TestStatsCountWhatIsOlderThanTheyAre(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.exec("ALTER TABLE deliveries DISABLE TRIGGER USER")
	s.exec("INSERT INTO workspaces (id, name) VALUES ('x', 'X')")
	for i := range 40 {
		m := s.pending(i%4, "c_1")
		if i%3 == 0 {
			s.records(s.db, []webhook.Outcome{outcome(m, "c_1", 0, 200)}, true)
		}
		if i%7 == 0 {
			s.set(m, "workspace_id = 'x'")
		}
	}
	s.exec("ALTER TABLE deliveries ENABLE TRIGGER USER")
	s.holds("SELECT count(*) = 0 FROM stats_marks")
	for steps := 0; ; steps++ {
		more, err := postgres.NewStats(s.db).Backfill(t.Context(), time.Now())
		must(t, err)
		if !more {
			break
		}
		if steps > 100 {
			t.Fatal("it does not end")
		}
	}
	s.agrees("counted before")
	s.holds("SELECT done FROM stats_backfill")
	s.holds("SELECT count(*) > 0 FROM stats_tallies WHERE workspace_id = 'x'")
}

func TestStatsGoWithTheirDay(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.set(s.pending(4, "c_1"), isSuccess)
	kept := s.pending(3, "c_1")
	s.count()
	day := time.Now().AddDate(0, 0, -4).UTC().Truncate(24 * time.Hour)
	must(t, postgres.NewRetention(s.db).DropDay(t.Context(), day))
	// The release before may remove tallies while this one rolls them up.
	s.exec("INSERT INTO stats_rollups SELECT workspace_id, endpoint_id, minutes, start_minute - 14400, packed FROM stats_rollups")
	n, err := postgres.NewStats(s.db).Remove(t.Context())
	must(t, err)
	if n != 2 {
		t.Errorf("removed %d rows", n)
	}
	s.agrees("after its day")
	s.wants(kept, "status = 'pending'")
	s.holds("SELECT count(*) = 2 FROM stats_tallies")
	s.rollUp()
	s.holds("SELECT count(*) = 4 FROM stats_rollups") // all and the endpoint, a quarter and its day
}

// Who changes tables waits for who counts before it asks for any lock: whoever accepts
// would stand behind it.
func TestRetentionWaitsForWhoCountsWithoutALock(t *testing.T) {
	t.Parallel()
	s := setup(t)
	day := time.Now().AddDate(0, 0, -4).UTC().Truncate(24 * time.Hour)
	hold, err := s.raw.Begin(t.Context())
	must(t, err)
	_, err = hold.Exec(t.Context(), "SELECT pg_advisory_xact_lock(7041972115)")
	must(t, err)
	if err := postgres.NewRetention(s.db).DropDay(t.Context(), day); err == nil {
		t.Error("the day was dropped while its minutes are counted")
	}
	must(t, hold.Rollback(t.Context()))
	must(t, postgres.NewRetention(s.db).DropDay(t.Context(), day))
}

func TestStatsCountNothingOfOtherWorkspaces(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.exec("INSERT INTO workspaces (id, name) VALUES ('x', 'X')")
	s.set(s.pending(0, "c_1"), "workspace_id = 'x'")
	s.pending(0, "c_1")
	s.count()
}

// Of one endpoint's deliveries with durations and latencies of 1 ms to 1 s.
func TestStatsQuantilesAreCloseToTheTruth(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.exec(`INSERT INTO deliveries (id, workspace_id, event_id, endpoint_id, event_type, status, completed_at, attempts)
		SELECT (lpad(to_hex($1::bigint), 12, '0') || lpad(to_hex(n), 20, '0'))::uuid, 'w',
			(lpad(to_hex($1::bigint), 12, '0') || lpad(to_hex(n), 20, '0'))::uuid, $2, 'a.b', 'success', to_timestamp($1 / 1000.0) + n * interval '1 ms', 1
		FROM generate_series(1, 1000) n`, time.Now().Add(-time.Minute).UnixMilli(), pg(s.end))
	s.exec(`INSERT INTO attempts (delivery_id, workspace_id, id, number, started_at, duration_us, request_headers)
		SELECT id, 'w', id, 1, now(), date_part('epoch', completed_at) * 1000000 - ('x' || left(replace(id::text, '-', ''), 12))::bit(48)::bigint * 1000, '' FROM deliveries`)
	check := func(when string) {
		total := s.stats(s.end)
		for name, of := range map[string]func(float64) (time.Duration, bool){"duration": total.Total().Duration, "latency": total.Total().Latency} {
			for _, q := range []float64{0.5, 0.95, 0.99} {
				got, ok := of(q)
				want := time.Duration(q * float64(time.Second))
				if off := float64(got-want) / float64(want); !ok || off > 0.045 || off < -0.045 {
					t.Errorf("%s: %s p%.0f is %s, %.1f %% off", when, name, 100*q, got, 100*off)
				}
			}
		}
	}
	check("live")
	s.count()
	check("counted before")
}

// Slices meet without a gap, and none counts what another did.
func TestStatsCountEachMillisecondOfAMinuteOnce(t *testing.T) {
	t.Parallel()
	s := setup(t)
	minute := time.Now().Add(-2 * time.Minute).Truncate(time.Minute)
	s.exec(`INSERT INTO deliveries (id, workspace_id, event_id, endpoint_id, event_type, next_attempt_at)
		SELECT (lpad(to_hex($1::bigint + ms), 12, '0') || lpad(to_hex(ms), 20, '0'))::uuid, 'w',
			(lpad(to_hex($1::bigint + ms), 12, '0') || lpad(to_hex(ms), 20, '0'))::uuid, $2, 'a.b', now()
		FROM (SELECT second * 1000 + off AS ms FROM generate_series(0, 59) second, unnest(ARRAY[0, 1, 499, 500, 998, 999]) off) x`, minute.UnixMilli(), pg(s.end))
	s.count()
}

// A mark is by the way: what is written must never fail for it.
func TestStatsMarksRefuseNoWrite(t *testing.T) {
	t.Parallel()
	s := setup(t)
	m := s.pending(0, "c_1")
	s.exec("UPDATE deliveries SET event_id = 'ffffffff-ffff-ffff-ffff-ffffffffffff' WHERE id = $1", pg(m.DeliveryID))
	s.wants(m, "status = 'pending'")
	s.count() // and leaves no mark for ever
}

// Postgres is slow, here for another's lock: what is left of the minute is counted with
// pauses.
func TestStatsPauseAfterASliceThatTookLong(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.pending(0, "c_1")
	store := postgres.NewStats(s.db)
	minutes := s.ready(1)
	hold, err := s.raw.Begin(t.Context())
	must(t, err)
	_, err = hold.Exec(t.Context(), "LOCK TABLE attempts")
	must(t, err)
	done := make(chan error, 1)
	go func() { done <- store.Count(context.Background(), minutes[0], time.Now()) }()
	s.eventually(blocked)
	<-time.After(20 * time.Millisecond)
	must(t, hold.Rollback(t.Context()))
	must(t, <-done)
	if p := store.Paused(); p < 80*time.Millisecond {
		t.Errorf("paused for %s after a slice of 20 ms and more", p)
	}
	s.agrees("counted with pauses")
}
