package postgres_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/postrider/postrider/internal/pgtest"
	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
	"github.com/postrider/postrider/test/e2e/stack"
)

// pair is a primary and its replica, whose lag is what a test says.
type pair struct {
	*stage
	primary, standby *stack.Postgres
	replica          *postgres.Replica
	reads            *prometheus.Registry
	clock            atomic.Int64 // how far it has gone since began
	began            time.Time
}

// now goes on when a test says so.
func (p *pair) now() time.Time { return p.began.Add(time.Duration(p.clock.Load())) }

func newPair(t *testing.T) *pair {
	t.Helper()
	primary := stack.BarePostgres(t, nil)
	must(t, postgres.Migrate(t.Context(), primary.URL))
	s := setupOn(t, primary.URL)
	p := &pair{stage: s, primary: primary, standby: primary.Standby(t), began: time.Now(), reads: prometheus.NewRegistry()}
	var err error
	p.replica, err = postgres.NewReplica(t.Context(), s.db, p.standby.URL, postgres.ReplicaConfig{
		MaxLag: 5 * time.Second, Patience: stack.Patience, ApplicationName: "lists", Registerer: p.reads, Now: p.now,
	})
	must(t, err)
	t.Cleanup(p.replica.Close)
	return p
}

// caught waits until the replica is known to have all that is committed now.
func (p *pair) caught() {
	p.t.Helper()
	p.primary.Caught(p.t, p.standby)
	must(p.t, p.replica.Look(p.t.Context()))
	must(p.t, p.replica.Check(p.t.Context()))
}

// events lists them and says how many there are.
func (p *pair) events(ctx context.Context) int {
	p.t.Helper()
	all, _, err := postgres.NewEvents(p.db).List(ctx, "w", webhook.EventFilter{}, webhook.Page{Limit: 100})
	must(p.t, err)
	return len(all)
}

// listed is how many lists were read where.
func (p *pair) listed() map[string]float64 {
	p.t.Helper()
	got := map[string]float64{}
	families, err := p.reads.Gather()
	must(p.t, err)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "postrider_postgres_list_reads_total" && m.GetCounter().GetValue() > 0 {
				got[m.GetLabel()[0].GetValue()] = m.GetCounter().GetValue()
			}
		}
	}
	return got
}

func (p *pair) wantReads(want map[string]float64) {
	p.t.Helper()
	if got := p.listed(); fmt.Sprint(got) != fmt.Sprint(want) {
		p.t.Errorf("lists were read %v, want %v", got, want)
	}
}

func (p *pair) pause()  { stack.SQL(p.t, p.standby.URL, "SELECT pg_wal_replay_pause()") }
func (p *pair) resume() { stack.SQL(p.t, p.standby.URL, "SELECT pg_wal_replay_resume()") }

func TestReplica(t *testing.T) {
	t.Parallel()

	t.Run("IsWhereListsAreRead", func(t *testing.T) {
		t.Parallel()
		p := newPair(t)
		if n := p.events(t.Context()); n != 0 { // and it was not asked yet
			t.Fatalf("%d events", n)
		}
		p.wantReads(map[string]float64{"behind": 1})
		p.commits(p.db, p.groupOf("own"))
		p.caught()
		// What only the replica does not have is not seen: it is really read there.
		p.pause()
		p.commits(p.db, p.groupOf("later"))
		if n := p.events(t.Context()); n != 1 {
			t.Errorf("%d events, want the replica's one", n)
		}
		all, _, err := postgres.NewDeliveries(p.db).List(t.Context(), "w", webhook.DeliveryFilter{Status: webhook.StatusPending}, webhook.Page{Limit: 100})
		must(t, err)
		if len(all) != 2 {
			t.Errorf("%d deliveries, want the replica's two", len(all))
		}
		st, err := postgres.NewStats(p.db).Stats(t.Context(), "w", webhook.ID{}, month, time.Now())
		must(t, err)
		if n := st.Total().Deliveries(); n != 2 {
			t.Errorf("stats count %d deliveries, want the replica's two", n)
		}
		p.wantReads(map[string]float64{"behind": 1, "replica": 3})
	})

	t.Run("IsNotAskedForWhatHasAnID", func(t *testing.T) {
		t.Parallel()
		p := newPair(t)
		p.caught()
		p.pause()
		p.commits(p.db, p.groupOf("own"))
		e, err := postgres.NewEvents(p.db).Get(t.Context(), "w", "own")
		must(t, err)
		deliveries := postgres.NewDeliveries(p.db)
		all, _, err := deliveries.List(t.Context(), "w", webhook.DeliveryFilter{EventID: e.ID}, webhook.Page{Limit: 10})
		must(t, err)
		if len(all) != 2 {
			t.Fatalf("%d deliveries of an event that was just accepted", len(all))
		}
		if _, err := deliveries.Get(t.Context(), "w", all[0].ID); err != nil {
			t.Error(err)
		}
		if _, err := deliveries.Cancel(t.Context(), "w", all[0].ID); err != nil {
			t.Error(err)
		}
		p.wantReads(map[string]float64{})
	})

	t.Run("ShowsCallersWhatTheyDid", func(t *testing.T) {
		t.Parallel()
		p := newPair(t)
		p.caught()
		p.pause()
		p.commits(p.db, p.groupOf(""))
		p.clock.Add(int64(time.Millisecond))
		own := webhook.WithSeen(t.Context(), p.now())
		if n := p.events(own); n != 1 {
			t.Errorf("who published sees %d events", n)
		}
		if n := p.events(t.Context()); n != 0 {
			t.Errorf("who did not reads %d events, of the primary", n)
		}
		p.resume()
		p.clock.Add(int64(time.Millisecond))
		p.caught()
		if n := p.events(own); n != 1 {
			t.Errorf("who published sees %d events of the replica", n)
		}
		p.wantReads(map[string]float64{"own_write": 1, "replica": 2})
	})

	t.Run("HasTheAttemptsThatTheCallerKnowsOf", func(t *testing.T) {
		t.Parallel()
		p := newPair(t)
		m := p.pending(0, "c_1")
		p.caught()
		p.pause()
		p.records(p.db, []webhook.Outcome{outcome(m, "c_1", 0, 200)}, true)
		for made, want := range map[int]int{0: 0, 1: 1} {
			all, _, err := postgres.NewDeliveries(p.db).Attempts(t.Context(), "w", m.DeliveryID, made, webhook.Page{Limit: 10})
			must(t, err)
			if len(all) != want {
				t.Errorf("%d attempts where the caller knows of %d", len(all), made)
			}
		}
		p.wantReads(map[string]float64{"replica": 1, "behind": 1})
	})

	t.Run("IsLeftWhenItLagsAndComesBack", func(t *testing.T) {
		t.Parallel()
		p := newPair(t)
		p.caught()
		p.pause()
		p.commits(p.db, p.groupOf(""))
		look := func() { must(t, p.replica.Look(t.Context())) }
		look() // what it lacks from now on is later than the mark before
		p.clock.Store(int64(5 * time.Second))
		look()
		if n := p.events(t.Context()); n != 0 {
			t.Errorf("within the limit %d events were read, of the primary", n)
		}
		p.clock.Store(int64(5*time.Second + 1))
		look()
		if n := p.events(t.Context()); n != 1 {
			t.Errorf("beyond the limit %d events were read, of the replica", n)
		}
		if err := p.replica.Check(t.Context()); err == nil {
			t.Error("a replica that lags is fine")
		}
		if lag := p.lag(); lag <= 5 {
			t.Errorf("the lag is said to be %vs", lag)
		}
		p.resume()
		p.caught()
		p.events(t.Context())
		p.wantReads(map[string]float64{"replica": 2, "behind": 1})
		if lag := p.lag(); lag != 0 {
			t.Errorf("the lag is said to be %vs", lag)
		}
	})

	t.Run("OfAnIdlePrimaryDoesNotLag", func(t *testing.T) {
		t.Parallel()
		p := newPair(t)
		p.caught()
		p.clock.Store(int64(time.Hour))
		must(t, p.replica.Look(t.Context()))
		must(t, p.replica.Check(t.Context()))
	})

	t.Run("ThatIsKilledFailsNoList", func(t *testing.T) {
		t.Parallel()
		p := newPair(t)
		p.commits(p.db, p.groupOf(""))
		p.caught()
		p.events(t.Context())
		p.standby.Kill(t)
		// Its backends end by themselves, one of them perhaps after an answer or two.
		list := func() {
			t.Helper()
			if n := p.events(t.Context()); n != 1 {
				t.Errorf("%d events", n)
			}
		}
		stack.Eventually(t, "it is known to be dead", func() bool {
			list()
			return p.replica.Look(t.Context()) != nil
		})
		before := p.listed()["behind"]
		list()
		if got := p.listed()["behind"]; got != before+1 {
			t.Errorf("a replica that is dead was asked: %v", p.listed())
		}
		p.standby.Start(t)
		stack.Eventually(t, "it is known to live", func() bool { return p.replica.Look(t.Context()) == nil })
		p.caught()
		before = p.listed()["replica"]
		list()
		if got := p.listed()["replica"]; got != before+1 {
			t.Errorf("a replica that came back was not asked: %v", p.listed())
		}
	})

	t.Run("ThatIsNoneIsNotRead", func(t *testing.T) {
		t.Parallel()
		server := pgtest.NewServer(t)
		s := setupOn(t, server.DSN())
		refused := func() {
			t.Helper()
			r, err := postgres.NewReplica(t.Context(), s.db, s.url, postgres.ReplicaConfig{})
			must(t, err)
			defer r.Close()
			if err := r.Look(t.Context()); err == nil || !strings.Contains(err.Error(), "no standby") {
				t.Errorf("a primary is a replica: %v", err)
			}
			if err := r.Check(t.Context()); err == nil {
				t.Error("it is read")
			}
		}
		refused()
		must(t, server.Kill(t.Context()))
		must(t, server.Start(t.Context())) // by its log, so that it has replayed some
		s.raw.Reset()
		s.holds("SELECT pg_last_wal_replay_lsn() IS NOT NULL")
		refused()
	})

	t.Run("ThatEndsAStatementToReplayIsFollowedByThePrimary", func(t *testing.T) {
		t.Parallel()
		p := newPair(t)
		p.commits(p.db, p.groupOf(""))
		stack.SQL(t, p.standby.URL, "ALTER SYSTEM SET max_standby_streaming_delay = 0", "SELECT pg_reload_conf()")
		p.caught()
		// What is read there lasts until somebody ends it.
		stack.SQL(t, p.primary.URL, "ALTER TABLE stats_tallies RENAME TO kept_tallies",
			`CREATE FUNCTION linger() RETURNS bool LANGUAGE plpgsql AS $$ BEGIN
				IF pg_is_in_recovery() THEN PERFORM pg_sleep(600); END IF; RETURN true; END $$`,
			"CREATE VIEW stats_tallies AS SELECT k.* FROM (SELECT linger() OFFSET 0) x JOIN kept_tallies k ON true",
			"INSERT INTO kept_tallies (workspace_id, endpoint_id, start_minute, minutes, cells, counts) VALUES ('w', '00000000-0000-0000-0000-000000000000', 1, 1, '{}', '{}')")
		p.caught()
		done := make(chan error, 1)
		go func() {
			_, err := postgres.NewStats(p.db).Stats(context.Background(), "w", webhook.ID{}, month, time.Now())
			done <- err
		}()
		stack.Eventually(t, "it is being read", func() bool {
			return stack.Ask[bool](t, p.standby.URL, "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'lists' AND wait_event = 'PgSleep')")
		})
		stack.SQL(t, p.primary.URL, "ALTER TABLE kept_tallies SET (fillfactor = 90)", "ALTER TABLE kept_tallies ADD COLUMN more int") // which wants the table for itself
		must(t, <-done)
		p.wantReads(map[string]float64{"conflict": 1})
		p.caught() // what is replayed until then may end the next list as well
		if n := p.events(t.Context()); n != 1 {
			t.Errorf("%d events", n)
		}
		p.wantReads(map[string]float64{"conflict": 1, "replica": 1})
	})
}

// lag is what the metric says.
func (p *pair) lag() float64 {
	p.t.Helper()
	families, err := p.reads.Gather()
	must(p.t, err)
	for _, f := range families {
		if f.GetName() == "postrider_postgres_replica_lag_seconds" {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	p.t.Fatal("no lag is measured")
	return 0
}
