package e2e

import (
	"net/http"
	"testing"

	"github.com/postrider/postrider/test/e2e/stack"
)

// TestReplica: an API reads lists from a replica while that is near enough, and from
// the primary while it lags or is gone, and nobody notices more than the age of a list.
func TestReplica(t *testing.T) {
	t.Parallel()
	primary := stack.NewPostgres(t)
	standby := primary.Standby(t)
	s := service{Stack: stack.On(t, primary.URL), r: stack.NewReceiver(t)}
	s.Env = append(s.Env, "POSTRIDER_POSTGRES_REPLICA_URL="+standby.URL, "POSTRIDER_POSTGRES_REPLICA_MAX_LAG=2s")
	s.api = s.API(t)
	other := s.API(t)
	s.Worker(t)
	s.Scheduler(t)
	s.c = s.Workspace(t, s.api)
	s.c.Endpoint(t, s.r, "/", nil)
	published := s.c.PublishBatch(t, "post.created", 20)
	s.r.WaitFor(t, "/", published...)
	s.c.WaitSettled(t)

	// From a process that made no change of this key's: those lists may be old.
	reader := s.c.At(other)
	count := func(c stack.Client) int {
		t.Helper()
		var out struct{ Data []stack.Event }
		c.Call(t, http.MethodGet, "/v1/events?limit=250", nil, http.StatusOK, &out)
		return len(out.Data)
	}
	reads := func(p *stack.Process, where string) float64 {
		return s.Metric(t, p, `postrider_postgres_list_reads_total{server="`+where+`"}`)
	}
	fromReplica := func() { // waits until lists are
		t.Helper()
		before := reads(other, "replica")
		stack.Eventually(t, "lists are read from the replica", func() bool { count(reader); return reads(other, "replica") > before })
	}
	fromReplica()
	there := stack.Ask[int64](t, standby.URL, "SELECT tup_fetched + tup_returned FROM pg_stat_database WHERE datname = current_database()")
	for range 50 {
		for _, path := range []string{"/v1/events", "/v1/deliveries", "/v1/deliveries?status=failed", "/v1/stats?window=24h"} {
			reader.Call(t, http.MethodGet, path, nil, http.StatusOK, nil)
		}
	}
	stack.Eventually(t, "the replica's statistics have the lists", func() bool {
		return stack.Ask[int64](t, standby.URL, "SELECT tup_fetched + tup_returned FROM pg_stat_database WHERE datname = current_database()") > there+50*20
	})
	if n := reads(other, "failed") + reads(other, "conflict"); n != 0 {
		t.Errorf("%v lists failed on the replica", n)
	}

	// The replica stands still. What is made now is found by its id at once, by whoever
	// made it also in lists, and by everybody else once the replica is too old.
	stack.SQL(t, standby.URL, "SELECT pg_wal_replay_pause()")
	made := s.c.Publish(t, "post.created").ID
	for _, c := range []stack.Client{s.c, reader} {
		c.Call(t, http.MethodGet, "/v1/events/"+made, nil, http.StatusOK, nil)
		if n := len(c.Deliveries(t, made)); n != 1 {
			t.Errorf("%d deliveries of an event that was just accepted", n)
		}
	}
	if n := count(s.c); n != 21 {
		t.Errorf("who published the 21st event sees %d", n)
	}
	stack.Eventually(t, "lists are read from the primary", func() bool { return count(reader) == 21 })
	s.waitCheck(t, other, "replica", "degraded", http.StatusOK) // which is ready all the same
	if lag := s.Metric(t, other, "postrider_postgres_replica_lag_seconds"); lag < 2 {
		t.Errorf("the replica is said to lag by %vs", lag)
	}
	stack.SQL(t, standby.URL, "SELECT pg_wal_replay_resume()")
	fromReplica()
	if n := count(reader); n != 21 {
		t.Errorf("%d events", n)
	}

	// It is killed, and comes back.
	standby.Kill(t)
	for range 20 {
		if n := count(reader); n != 21 {
			t.Errorf("%d events without the replica", n)
		}
	}
	more := s.c.PublishBatch(t, "post.created", 5)
	s.r.WaitFor(t, "/", more...)
	standby.Start(t)
	fromReplica()
	stack.Eventually(t, "the replica's lists have all", func() bool { return count(reader) == 26 })
	s.c.WaitSettled(t)

	// With the primary away nothing is pretended.
	primary.Stop(t)
	stack.Eventually(t, "an old replica answers no more", func() bool {
		return reader.Do(t, http.MethodGet, "/v1/events", nil).Status == http.StatusServiceUnavailable
	})
	primary.Start(t)
	for _, p := range []*stack.Process{s.api, other} {
		s.WaitReady(t, p)
	}
	fromReplica()
}
