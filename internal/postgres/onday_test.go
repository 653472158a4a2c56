package postgres_test

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
)

// busy makes a database whose days' own tables are named by statements.
func (s *stage) busy() *postgres.DB {
	s.t.Helper()
	db := s.open(oneKey)
	db.NameDaysFrom(0)
	return db
}

// dbOf names days' own tables for a busy day, and all days' otherwise.
func (s *stage) dbOf(busy bool) *postgres.DB {
	if busy {
		return s.busy()
	}
	return s.db
}

// group is of events accepted now and their deliveries.
func (s *stage) group(now time.Time, events, fanout int) (*webhook.Group, []webhook.Member) {
	g := &webhook.Group{MadeAt: now}
	var ids webhook.IDSource
	var members []webhook.Member
	for n := range events {
		e := webhook.Event{ID: ids.Next(now), WorkspaceID: "w", Type: "a.b", CreatedAt: now, Body: bytes.Repeat([]byte("x"), 420), Deliveries: fanout}
		g.Events = append(g.Events, e)
		for range fanout {
			m := webhook.Member{DeliveryID: ids.Next(now), EndpointID: s.end, EventID: e.ID, WorkspaceID: "w"}
			members = append(members, m)
			g.Deliveries = append(g.Deliveries, webhook.NewDelivery{ID: m.DeliveryID, Event: n, EndpointID: s.end, Task: "c_1"})
		}
	}
	return g, members
}

// acceptsNow commits n events with a delivery each.
func (s *stage) acceptsNow(db *postgres.DB, n int) []webhook.Member {
	s.t.Helper()
	g, members := s.group(time.Now(), n, 1)
	_, err := postgres.NewIngest(db).Commit(s.t.Context(), g)
	must(s.t, err)
	return members
}

// fillToday inserts n deliveries of now.
func (s *stage) fillToday(n int) {
	s.t.Helper()
	s.exec(`INSERT INTO deliveries (id, workspace_id, event_id, endpoint_id, event_type, task, next_attempt_at)
		SELECT encode(substr(uuid_send($1), 1, 6) || substr(uuid_send(gen_random_uuid()), 1, 10), 'hex')::uuid, 'w', $1, $2, repeat('a', 200), 'c_x', now()
		FROM generate_series(1, $3)`, pg(webhook.NewID(time.Now())), pg(s.end), n)
}

// Both ways to name a day's tables do the same.
func TestBusyDay(t *testing.T) {
	t.Parallel()
	for name, busy := range map[string]bool{"IsNamed": true, "IsNotNamed": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setup(t)
			db := s.dbOf(busy)
			s.exec("CREATE TABLE used (of text)")
			s.exec(`CREATE FUNCTION use() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
				INSERT INTO used VALUES (TG_ARGV[0] || ' ' || TG_OP); RETURN NULL; END $$`)
			day := "deliveries_p" + time.Now().UTC().Format("20060102")
			s.exec("CREATE TRIGGER used AFTER INSERT OR UPDATE ON " + day + " FOR EACH STATEMENT EXECUTE FUNCTION use('the day')")
			s.exec("CREATE TRIGGER used AFTER INSERT OR UPDATE ON deliveries FOR EACH STATEMENT EXECUTE FUNCTION use('all days')")

			members := s.acceptsNow(db, 3)
			s.marked(1, "accepted")
			found, err := s.deliver(db).Guard(t.Context(), members)
			must(t, err)
			for _, m := range members {
				if st := found[m.DeliveryID]; st.Status != webhook.StatusPending || st.Task != "c_1" || !st.EndpointActive || st.EndpointVersion == 0 {
					t.Errorf("a delivery stands as %+v", st)
				}
			}
			s.exec("DELETE FROM stats_marks")
			s.records(db, []webhook.Outcome{outcome(members[0], "c_1", 0, 200), outcome(members[1], "c_1", 0, 200)}, true, true)
			s.marked(1, "recorded")
			// With others in the group, which name all days.
			s.records(db, []webhook.Outcome{outcome(members[2], "c_1", 0, 500), outcome(members[0], "c_1", 0, 200)}, true, true)
			s.holds("SELECT count(*) = 4 AND count(DISTINCT (delivery_id, number)) = 4 FROM attempts")
			s.holds("SELECT count(*) = 2 FROM deliveries WHERE status = 'success' AND attempts > 0 AND task IS NULL AND completed_at IS NOT NULL")
			s.holds("SELECT count(*) = 3 FROM events")
			want := "all days INSERT, all days UPDATE, all days UPDATE, all days UPDATE"
			if busy {
				want = "all days UPDATE, the day INSERT, the day UPDATE, the day UPDATE"
			}
			if got := query[string](s, "SELECT string_agg(of, ', ' ORDER BY of) FROM used"); got != want {
				t.Errorf("changed were: %s; want: %s", got, want)
			}
			s.count()
		})
	}
}

// marked wants so many minutes to be marked: a minute once, and none of other times.
func (s *stage) marked(n int, when string) {
	s.t.Helper()
	got := query[string](s, "SELECT format('%s of %s', count(DISTINCT (workspace_id, minute)), count(*)) FROM stats_marks WHERE abs(minute - extract(epoch FROM now()) / 60) < 5")
	if want := fmt.Sprintf("%d of %d", n, n); got != want {
		s.t.Errorf("%s: marked are %s minutes, want %s", when, got, want)
	}
}

// Plans are kept for the statements that name the day, and for no others.
func TestBusyDayPlansOnlyItsOwnOnce(t *testing.T) {
	t.Parallel()
	s := setup(t)
	db := s.busy()
	s.exec(`CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		IF current_setting('plan_cache_mode') <> TG_ARGV[0] THEN RAISE '% is planned by %', TG_TABLE_NAME, current_setting('plan_cache_mode'); END IF;
		RETURN NULL; END $$`)
	day := "deliveries_p" + time.Now().UTC().Format("20060102")
	s.exec("CREATE TRIGGER tell AFTER INSERT OR UPDATE ON " + day + " FOR EACH STATEMENT EXECUTE FUNCTION tell('force_generic_plan')")
	s.exec("CREATE TRIGGER tell AFTER INSERT OR UPDATE ON deliveries FOR EACH STATEMENT EXECUTE FUNCTION tell('force_custom_plan')")
	members := s.acceptsNow(db, 2)
	g, _ := s.group(time.Now(), 2, 1)
	g.Events[1].DeliverAt = time.Now().Add(time.Hour)
	_, err := postgres.NewIngest(db).Commit(t.Context(), g)
	must(t, err)
	s.records(db, []webhook.Outcome{outcome(members[0], "c_1", 0, 200), outcome(members[1], "c_1", 0, 500)}, true, true)
	_, err = s.deliver(db).HandOver(t.Context(), members, "r_next", "c_2")
	must(t, err)
}

func TestBusyDayThatIsGone(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]string{
		"IsLookedForAmongAllDays": "DROP TABLE %[1]s",
		"AsIsOneThatIsDetached":   "ALTER TABLE deliveries DETACH PARTITION %[1]s; ALTER TABLE %[1]s RENAME TO put_aside",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setup(t)
			db := s.busy()
			kept, gone := s.acceptsNow(db, 1)[0], s.delivered(time.Now().AddDate(0, 0, -2))
			s.records(db, []webhook.Outcome{outcome(gone, "c_1", 0, 200)}, true) // its table is known
			s.exec(fmt.Sprintf(end, "deliveries_p"+gone.DeliveryID.Day().Format("20060102")))
			found, err := s.deliver(db).Guard(t.Context(), []webhook.Member{gone, gone, gone, gone, kept})
			must(t, err)
			if _, ok := found[gone.DeliveryID]; ok || found[kept.DeliveryID].Task != "c_1" {
				t.Errorf("found %v", found)
			}
			s.records(db, []webhook.Outcome{outcome(gone, "c_1", 0, 200), outcome(kept, "c_1", 0, 200)}, true, true)
			s.holds("SELECT count(*) = 1 FROM deliveries WHERE id = $1 AND status = 'success'", pg(kept.DeliveryID))
		})
	}
	t.Run("IsNoDayToAcceptInto", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		db := s.busy()
		s.acceptsNow(db, 1)
		s.exec("DROP TABLE attempts_p" + time.Now().UTC().Format("20060102"))
		s.acceptsNow(db, 1) // needs none of it
		s.exec("ALTER TABLE events_p" + time.Now().UTC().Format("20060102") + " RENAME TO of_another_name")
		s.acceptsNow(db, 1)
		s.holds("SELECT count(*) = 3 FROM events")
	})
}

// delivered inserts a delivery of another day.
func (s *stage) delivered(day time.Time) webhook.Member {
	s.t.Helper()
	m := webhook.Member{DeliveryID: webhook.NewID(day), EndpointID: s.end, EventID: webhook.NewID(day), WorkspaceID: "w"}
	s.exec("INSERT INTO deliveries (id, workspace_id, event_id, endpoint_id, event_type, task, next_attempt_at) VALUES ($1, 'w', $2, $3, 'a.b', 'c_1', now())",
		pg(m.DeliveryID), pg(m.EventID), pg(m.EndpointID))
	return m
}

// A plan that is kept must not be of an empty table, which is read as a whole.
func TestDayIsBusyOnceItIsLarge(t *testing.T) {
	t.Parallel()
	s := setup(t)
	db := s.open(oneKey)
	today := time.Now().UTC().Truncate(24 * time.Hour)
	names := func(now time.Time) bool { return db.Names(context.Background(), today, now) }
	now := time.Now()
	if names(now) {
		t.Error("an empty day's table is named")
	}
	s.fillToday(30_000)
	if names(now.Add(5 * time.Second)) {
		t.Error("it was looked at again at once")
	}
	if !names(now.Add(11 * time.Second)) {
		t.Error("a large day's table is not named")
	}
}

// A partitioned table in a statement whose plan is kept would lock every day.
func TestBusyDaysStatementsNameNoOtherTables(t *testing.T) {
	t.Parallel()
	parents := regexp.MustCompile(`(?i)\b(FROM|JOIN|INTO|UPDATE|USING|TABLE|ONLY)\s+(events|deliveries|attempts)\b`)
	for _, statement := range postgres.OwnStatements(time.Now()) {
		if found := parents.FindString(statement); found != "" {
			t.Errorf("%q in\n%s", found, statement)
		}
	}
}

// A trigger of a partitioned table that runs by the statement sees nothing of those
// that name a day's own: what it does has to be done beside them, as marking is.
func TestBusyDaysMissNoTriggers(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.holds(`SELECT string_agg(tgname, ' ' ORDER BY tgname) = 'stats_mark_insert stats_mark_update' FROM pg_trigger
		WHERE tgrelid IN ('events'::regclass, 'deliveries'::regclass, 'attempts'::regclass) AND NOT tgisinternal AND tgtype & 1 = 0`)
}

// A migration locks the partitioned table first and then its days: who did it the
// other way round would meet it in a deadlock.
func TestBusyDayIsLockedAfterAllDays(t *testing.T) {
	t.Parallel()
	s := setup(t)
	db := s.busy()
	for name, prepare := range map[string]func() (write func() error){
		"Record": func() func() error {
			members := s.acceptsNow(s.db, 2)
			return func() error {
				_, err := s.deliver(db).Record(t.Context(), []webhook.Outcome{outcome(members[0], "c_1", 0, 200), outcome(members[1], "c_1", 0, 500)})
				return err
			}
		},
		"Commit": func() func() error {
			g, _ := s.group(time.Now(), 2, 1)
			g.Events[1].DeliverAt = time.Now().Add(time.Hour)
			return func() error {
				_, err := postgres.NewIngest(db).Commit(t.Context(), g)
				return err
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			must(t, prepare()()) // so that the connection knows the statements: learning one locks, too
			write := prepare()
			tx, err := s.raw.Begin(t.Context())
			must(t, err)
			defer tx.Rollback(context.Background())
			_, err = tx.Exec(t.Context(), "LOCK TABLE ONLY events, ONLY deliveries, ONLY attempts IN ACCESS EXCLUSIVE MODE")
			must(t, err)
			done := make(chan error, 1)
			go func() { done <- write() }()
			s.eventually(blocked)
			day := "_p" + time.Now().UTC().Format("20060102")
			_, err = tx.Exec(t.Context(), "LOCK TABLE events"+day+", deliveries"+day+", attempts"+day+" IN ACCESS EXCLUSIVE MODE NOWAIT")
			if err != nil {
				t.Errorf("the day is locked before all days: %v", err)
			}
			must(t, tx.Rollback(t.Context()))
			must(t, <-done)
		})
	}
}

// Nobody made the day: there was no scheduler, or others were in the way.
func TestADayThatIsMissingIsMadeByWhoAccepts(t *testing.T) {
	t.Parallel()
	s := setup(t)
	today := time.Now().UTC()
	for _, table := range []string{"events", "deliveries", "attempts"} {
		s.exec("DROP TABLE " + table + "_p" + today.Format("20060102"))
	}
	members := s.acceptsNow(s.db, 2)
	s.holds("SELECT count(*) = 2 FROM deliveries WHERE id = ANY($1)", []any{pg(members[0].DeliveryID), pg(members[1].DeliveryID)})
}
