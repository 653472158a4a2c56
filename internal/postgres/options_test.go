package postgres_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/recovery/turns"
	"github.com/postrider/postrider/internal/webhook"
)

func TestOptions(t *testing.T) {
	t.Parallel()

	t.Run("ComeBackWithTheEvent", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		at := time.Now().Add(time.Hour).UTC().Truncate(time.Microsecond)
		other := webhook.NewID(time.Now())
		g := s.groupOf("plain", "for", "at", "both", "")
		g.Events[1].Targets = []webhook.ID{s.end, other, s.end}
		g.Events[2].DeliverAt = at
		g.Events[3].Options = webhook.Options{Targets: []webhook.ID{other}, DeliverAt: at}
		s.commits(s.db, g)
		s.wantStored(5)
		for i := range g.Events {
			e, err := postgres.NewEvents(s.db).Get(t.Context(), "w", g.Events[i].PublicID())
			must(t, err)
			if want := g.Events[i].Options; !slices.Equal(e.Targets, want.Targets) || !e.DeliverAt.Equal(want.DeliverAt) || e.Deliveries != 2 {
				t.Errorf("event %d is %+v, want %+v", i, e, want)
			}
		}
		all, _, err := postgres.NewEvents(s.db).List(t.Context(), "w", webhook.EventFilter{}, webhook.Page{Limit: 10})
		must(t, err)
		given := 0
		for i := range all {
			if all[i].Given() {
				given++
			}
		}
		if len(all) != 5 || given != 3 {
			t.Errorf("a list has %d events, %d with options", len(all), given)
		}
		s.holds("SELECT count(*) = 4 FROM deliveries WHERE next_attempt_at = $1 AND deliver_at = $1", at)
		s.holds("SELECT count(*) = 6 FROM deliveries WHERE next_attempt_at <= now() AND deliver_at IS NULL")
	})

	t.Run("OfAnEventGivenTwiceAreTheFirstOnes", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		first, second := s.groupOf("own"), s.groupOf("own", "")
		first.Events[0].Targets = []webhook.ID{s.end}
		second.Events[0].DeliverAt = time.Now().Add(time.Hour)
		second.Events[1].DeliverAt = time.Now().Add(time.Hour)
		s.commits(s.db, first)
		if dups := s.commits(s.db, second); len(dups) != 1 {
			t.Errorf("duplicates: %v", dups)
		}
		s.wantStored(2)
		s.holds("SELECT count(*) = 2 FROM deliveries WHERE deliver_at IS NULL")
	})

	t.Run("StayWhenPayloadsExpire", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		g := s.groupOf("own")
		g.Events[0].Options = webhook.Options{Targets: []webhook.ID{s.end}, DeliverAt: time.Now().Add(-time.Hour)}
		s.commits(s.db, g)
		s.exec("UPDATE deliveries SET " + isFailed)
		must(t, postgres.NewRetention(s.db).DropBodies(t.Context(), time.Now().UTC().Truncate(24*time.Hour)))
		e, err := postgres.NewEvents(s.db).Get(t.Context(), "w", "own")
		must(t, err)
		if e.Body != nil || len(e.Targets) != 1 || e.DeliverAt.IsZero() {
			t.Errorf("the event is %+v", e)
		}
	})
}

func TestMigrationOfOptionsReachesACopyThatWaitsForItsTurn(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.commits(s.db, s.groupOf("own"))
	s.exec("UPDATE deliveries SET " + isFailed)
	m := migrator(t, s.url)
	for name := ""; name != "00015_publish_options.sql"; {
		var err error
		name, err = m.Down(t.Context())
		must(t, err)
	}
	// As the release before leaves it when the day's tables are too busy to be swapped.
	today := time.Now().UTC().Truncate(24 * time.Hour)
	bare := "events_p" + today.Format("20060102") + "_bare"
	lo, hi := pg(webhook.FirstID(today)).String(), pg(webhook.FirstID(today.AddDate(0, 0, 1))).String()
	s.exec("CREATE TABLE " + bare + " (LIKE events INCLUDING ALL, CONSTRAINT day CHECK (id >= '" + lo + "' AND id < '" + hi + "'))")
	s.exec("INSERT INTO " + bare + " (id, workspace_id, external_id, type, created_at, deliveries) SELECT id, workspace_id, external_id, type, created_at, deliveries FROM events")
	_, err := m.Up(t.Context())
	must(t, err)
	must(t, postgres.NewRetention(s.db).DropBodies(t.Context(), today))
	e, err := postgres.NewEvents(s.db).Get(t.Context(), "w", "own")
	must(t, err)
	if e.Body != nil || e.Given() {
		t.Errorf("the event is %+v", e)
	}
}

func TestDelayedDelivery(t *testing.T) {
	t.Parallel()
	setup := func(t *testing.T, in time.Duration) (*stage, webhook.Member) {
		t.Helper()
		s := setup(t)
		g := s.groupOf("")
		g.Events[0].DeliverAt = time.Now().Add(in)
		g.Deliveries = g.Deliveries[1:] // feed's
		s.commits(s.db, g)
		d := g.Deliveries[0]
		return s, webhook.Member{DeliveryID: d.ID, EndpointID: d.EndpointID, EventID: g.Events[0].ID, WorkspaceID: "w"}
	}
	claim := func(s *stage) int {
		s.t.Helper()
		chunks, _, err := postgres.NewFeed(s.db).Claim(context.Background(), turns.Room{Live: 100}, time.Now())
		must(s.t, err)
		n := 0
		for _, c := range chunks {
			if lane, _ := webhook.LaneOf(c.Task); lane != webhook.LaneDeliver {
				s.t.Errorf("a first attempt goes by %s", c.Task)
			}
			n += len(c.Members)
		}
		return n
	}

	t.Run("IsFedWhenItsTimeHasCome", func(t *testing.T) {
		t.Parallel()
		s, m := setup(t, time.Hour)
		if n := claim(s); n != 0 {
			t.Fatalf("%d were claimed an hour early", n)
		}
		s.set(m, "next_attempt_at = now(), deliver_at = now()")
		if n := claim(s); n != 1 {
			t.Errorf("%d were claimed", n)
		}
	})

	t.Run("TakesNobodysTurn", func(t *testing.T) {
		t.Parallel()
		s, _ := setup(t, time.Hour)
		insert := `INSERT INTO deliveries (id, workspace_id, event_id, endpoint_id, event_type, next_attempt_at)
			SELECT (left($1::text, 8) || substr(gen_random_uuid()::text, 9))::uuid, w, gen_random_uuid(), gen_random_uuid(), 'a.b', now() + $2::interval FROM `
		today := pg(webhook.FirstID(time.Now().UTC().Truncate(24 * time.Hour).Add(time.Hour))).String()
		s.exec(insert+"generate_series(1, 2500), (VALUES ('busy')) v(w)", today, "-1 minute")
		s.exec(insert+"(SELECT 'later' || n FROM generate_series(1, 300) n) v(w)", today, "1 hour")
		s.exec(insert+"(VALUES ('w-other')) v(w)", today, "-1 second")
		feed, claimed := postgres.NewFeed(s.db), 0
		for range 20 {
			chunks, more, err := feed.Claim(context.Background(), turns.Room{Live: 10_000, Bulk: 10_000}, time.Now())
			must(t, err)
			for _, c := range chunks {
				claimed += len(c.Members)
			}
			if !more {
				break
			}
		}
		if claimed != 2501 {
			t.Errorf("%d were claimed, want what is due", claimed)
		}
		s.holds("SELECT count(*) = 301 FROM deliveries WHERE task IS NULL AND next_attempt_at > now()")
	})

	t.Run("TellsTheWorkerSinceWhen", func(t *testing.T) {
		t.Parallel()
		s, m := setup(t, time.Hour)
		plain := s.pending(0, "")
		standing, err := postgres.NewDeliver(s.db, postgres.Breaker{}).Guard(t.Context(), []webhook.Member{m, plain})
		must(t, err)
		if at := standing[m.DeliveryID].DeliverAt; time.Until(at) < 50*time.Minute || standing[m.DeliveryID].DueIn < 50*time.Minute {
			t.Errorf("the standing is %+v", standing[m.DeliveryID])
		}
		if !standing[plain.DeliveryID].DeliverAt.IsZero() {
			t.Errorf("another's standing is %+v", standing[plain.DeliveryID])
		}
	})

	t.Run("IsCanceledAndRetried", func(t *testing.T) {
		t.Parallel()
		s, m := setup(t, time.Hour)
		store := postgres.NewDeliveries(s.db)
		d, err := store.Cancel(t.Context(), "w", m.DeliveryID)
		must(t, err)
		if d.Status != webhook.StatusCanceled {
			t.Errorf("canceled, it is %+v", d)
		}
		_, err = store.Retry(t.Context(), "w", m.DeliveryID)
		must(t, err)
		s.wants(m, "status = 'pending' AND next_attempt_at <= now() AND task IS NULL")
	})

	t.Run("GoesWithItsEndpoint", func(t *testing.T) {
		t.Parallel()
		s, m := setup(t, time.Hour)
		must(t, postgres.NewEndpoints(s.db).Delete(t.Context(), "w", s.end))
		s.wants(m, "status = 'canceled' AND reason = 'endpoint_deleted'")
	})

	t.Run("OverduesNobodysFigures", func(t *testing.T) {
		t.Parallel()
		s, _ := setup(t, time.Hour)
		row, err := dbsqlc.New(s.raw).OldestDue(t.Context())
		must(t, err)
		if row.UnheldS != 0 || row.HeldS != 0 {
			t.Errorf("the oldest due is %+v", row)
		}
	})
}

func TestMissingEventsAreNotThoseForOthers(t *testing.T) {
	t.Parallel()
	s := setup(t)
	g := s.groupOf("for-it", "for-others", "for-all")
	g.Deliveries = nil
	g.Events[0].Targets = []webhook.ID{webhook.NewID(time.Now()), s.end}
	g.Events[1].Targets = []webhook.ID{webhook.NewID(time.Now())}
	s.commits(s.db, g)
	n, err := postgres.NewReplays(s.db).Count(t.Context(), &webhook.Replay{
		WorkspaceID: "w", EndpointID: s.end, Since: time.Now().Add(-time.Hour), Until: time.Now().Add(time.Hour),
		Statuses: []webhook.Status{webhook.StatusMissing},
	}, func(string, []byte) bool { return true })
	must(t, err)
	if n != 2 {
		t.Errorf("%d are missing, want two of three", n)
	}
}

// asMade sorts deliveries as the group has them: their ids are of one millisecond.
func asMade(g *webhook.Group, all []webhook.Delivery) {
	place := func(d webhook.Delivery) int {
		return slices.IndexFunc(g.Deliveries, func(n webhook.NewDelivery) bool { return n.ID == d.ID })
	}
	slices.SortFunc(all, func(a, b webhook.Delivery) int { return place(a) - place(b) })
}

func TestOutcomes(t *testing.T) {
	t.Parallel()
	s := setup(t)
	store := postgres.NewOutcomes(s.db)
	g := s.groupOf("a", "b", "c")
	s.commits(s.db, g)
	awaited := make([]webhook.Awaited, len(g.Events))
	for i := range g.Events {
		awaited[i] = webhook.Awaited{WorkspaceID: "w", EventID: g.Events[i].ID}
	}
	wantSettled := func(want ...webhook.ID) {
		t.Helper()
		got, err := store.Settled(t.Context(), awaited)
		must(t, err)
		if !slices.Equal(newestFirst(got), newestFirst(want)) {
			t.Errorf("settled are %v, want %v", got, want)
		}
	}
	set := func(n int, assignments string) {
		s.exec("UPDATE deliveries SET "+assignments+" WHERE id = $1", pg(g.Deliveries[n].ID))
	}
	a, b, c := g.Events[0].ID, g.Events[1].ID, g.Events[2].ID
	wantSettled()
	set(0, isSuccess)
	wantSettled() // its other one is not
	set(1, "attempts = 1")
	wantSettled(a)
	set(2, isCanceled)
	set(3, "task = NULL, parked = true, held_reason = 'max_in_flight'")
	wantSettled(a) // such a hold is over before long
	set(3, "held_reason = 'ordering'")
	wantSettled(a)
	set(3, "held_reason = 'breaker_open'")
	wantSettled(a, b)
	set(4, isFailed)
	set(5, isFailed)
	s.exec(`INSERT INTO deliveries (id, workspace_id, event_id, endpoint_id, event_type, replay_id, next_attempt_at)
		VALUES ($1, 'w', $2, $3, 'a.b', $1, now())`, pg(webhook.NewID(c.Time())), pg(c), pg(s.end))
	wantSettled(a, b, c) // a replay's are not waited for

	t.Run("AreReadWithTheLastAttempts", func(t *testing.T) {
		s.exec(`INSERT INTO attempts (delivery_id, workspace_id, id, number, started_at, duration_us, status_code, error, error_class, request_headers)
			SELECT $1, 'w', gen_random_uuid(), n, now(), 1, 500 + n, 'n' || n, 'status', '' FROM generate_series(1, 1) n`, pg(g.Deliveries[1].ID))
		got, err := store.Of(t.Context(), awaited[0])
		must(t, err)
		asMade(g, got)
		if len(got) != 2 || got[0].Status != webhook.StatusSuccess || got[1].StatusCode != 501 || got[1].Error != "n1" ||
			got[1].ErrorClass != webhook.ClassStatus || got[1].EndpointID != s.end || got[1].ID != g.Deliveries[1].ID {
			t.Errorf("got %+v", got)
		}
		got, err = store.Of(t.Context(), awaited[1])
		must(t, err)
		asMade(g, got)
		if len(got) != 2 || got[1].HeldReason != webhook.HeldBreakerOpen || got[0].Error == "" {
			t.Errorf("got %+v", got)
		}
		if got, err = store.Of(t.Context(), awaited[2]); err != nil || len(got) != 2 {
			t.Errorf("got %+v, %v", got, err)
		}
	})

	t.Run("AreAnotherWorkspacesForNobody", func(t *testing.T) {
		other := webhook.Awaited{WorkspaceID: "other", EventID: a}
		if got, err := store.Of(t.Context(), other); err != nil || len(got) != 0 {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}

// Looking after waiting publishers and telling them goes by key, within a day.
func TestOutcomesGoByKey(t *testing.T) {
	t.Parallel()
	s := setup(t)
	today := time.Now().UTC().Truncate(24 * time.Hour)
	s.seed(today)
	conn := s.planner()
	day := today.AddDate(0, 0, -20)
	rows, err := s.raw.Query(t.Context(), "SELECT event_id FROM deliveries WHERE workspace_id = 'w' AND id >= $1 ORDER BY id LIMIT 200", pg(webhook.FirstID(day)))
	must(t, err)
	events, err := pgx.CollectRows(rows, pgx.RowTo[pgtype.UUID])
	must(t, err)
	var firsts, nexts []pgtype.UUID
	for _, e := range events {
		at := webhook.ID(e.Bytes).Time()
		firsts, nexts = append(firsts, pg(webhook.FirstID(at))), append(nexts, pg(webhook.FirstID(at.Add(time.Millisecond))))
	}
	lo, hi := pg(webhook.FirstID(day)), pg(webhook.FirstID(day.AddDate(0, 0, 1)))
	workspaces := slices.Repeat([]string{"w"}, len(events))
	wantPlan(t, conn, 1, "_pkey", dbsqlc.SettledEvents, workspaces, events, firsts, nexts, lo, hi, webhook.PassingHolds())
	wantPlan(t, conn, 2, "_pkey", dbsqlc.OutcomesOfEvent, "w", firsts[0], nexts[0], events[0], int32(1000))
}

func TestSettledEventsLocksOneDay(t *testing.T) {
	t.Parallel()
	s := setup(t)
	today := time.Now().UTC().Truncate(24 * time.Hour)
	must(t, s.db.EnsurePartitions(t.Context(), today.AddDate(0, 0, -105), 120))
	id := webhook.NewID(time.Now())
	n := locksOf(t, s.url, func(q *dbsqlc.Queries) error {
		_, err := q.SettledEvents(t.Context(), dbsqlc.SettledEventsParams{
			WorkspaceIds: []string{"w"}, EventIds: []pgtype.UUID{pg(id)}, Firsts: []pgtype.UUID{pg(webhook.FirstID(id.Time()))},
			Nexts: []pgtype.UUID{pg(webhook.FirstID(id.Time().Add(time.Millisecond)))}, Lo: pg(webhook.FirstID(today)), Hi: pg(webhook.FirstID(today.AddDate(0, 0, 1))),
			PassingHolds: webhook.PassingHolds(),
		})
		return err
	})
	if n > maxDayLocks {
		t.Errorf("%d locks", n)
	}
}

// TestTraces: an attempt finds its publisher's trace, and an event without one costs
// and stores nothing.
func TestTraces(t *testing.T) {
	t.Parallel()
	s := setup(t)
	g := s.groupOf("plain", "traced", "both")
	trace := webhook.Trace{ID: [16]byte{1, 15: 2}, Span: [8]byte{3}, Sampled: true}
	g.Events[1].Trace, g.Events[2].Trace = trace, trace
	g.Events[2].Targets = []webhook.ID{s.end}
	s.commits(s.db, g)
	members := make([]webhook.Member, len(g.Events))
	for i := range g.Events {
		members[i] = webhook.Member{EventID: g.Events[i].ID, DeliveryID: g.Events[i].ID, WorkspaceID: "w"}
	}
	events, err := postgres.NewDeliver(s.db, postgres.Breaker{}).Events(t.Context(), members)
	must(t, err)
	for i, want := range []webhook.Trace{{}, trace, trace} {
		if got := events[g.Events[i].ID].Trace; got != want {
			t.Errorf("event %d is of %q, want %q", i, got, want)
		}
	}
	s.holds("SELECT count(*) = 1 FROM events WHERE trace IS NULL")
}
