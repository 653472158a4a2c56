package recovery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/postgres"
)

// frozenClock stops Postgres's clock for the audit.
type frozenClock struct {
	*postgres.Audit
	now time.Time
}

func (f frozenClock) Clock(context.Context) (time.Time, error) { return f.now, nil }

func TestAudit(t *testing.T) {
	t.Parallel()
	const overdue = "next_attempt_at = now() - interval '11 seconds'"

	t.Run("TakesBackFromADeadTask", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		ep := s.endpoint()
		today := s.delivery(ep, "task = 'c_dead', "+overdue)
		earlier := s.deliveryOf(time.Now().AddDate(0, 0, -2), ep, "task = 'r_dead', attempts = 1, "+overdue)
		must(t, s.audit().runOnce(t.Context()))
		for _, id := range []string{uuid(today), uuid(earlier)} {
			if !query[bool](s, "SELECT task IS NULL AND status = 'pending' AND next_attempt_at < now() FROM deliveries WHERE id = $1", id) {
				t.Errorf("%s was not given back to feed", id)
			}
		}
		slices.Sort(s.tasks.forgotten)
		if !slices.Equal(s.tasks.forgotten, []string{"c_dead", "r_dead"}) {
			t.Errorf("%v are forgotten in Redis, want both", s.tasks.forgotten)
		}
	})

	t.Run("LeavesALiveTaskHoweverLate", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.tasks.alive = []string{"c_alive"}
		ep := s.endpoint()
		id := s.delivery(ep, "task = 'c_alive', next_attempt_at = now() - interval '1 day'")
		// Others that it is read with are dead: it is not taken along.
		dead := s.delivery(ep, "task = 'c_dead', "+overdue)
		must(t, s.audit().runOnce(t.Context()))
		s.wants(dead, "task IS NULL")
		s.wants(id, "task = 'c_alive'")
		must(t, s.audit().all(t.Context()))
		s.wants(id, "task = 'c_alive'")
	})

	t.Run("LeavesWhatIsNotOverdue", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		id := s.delivery(s.endpoint(), "task = 'c_dead', next_attempt_at = now() - interval '5 seconds'")
		must(t, s.audit().runOnce(t.Context()))
		s.wants(id, "task = 'c_dead'")
	})

	t.Run("LeavesARowWhoseTaskChangedMeanwhile", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		ep := s.endpoint()
		changed, done := s.delivery(ep, "task = 'c_dead', "+overdue), s.delivery(ep, "task = 'c_dead', "+overdue)
		s.tasks.asked = func() {
			s.exec("UPDATE deliveries SET task = 'c_new' WHERE id = $1", uuid(changed))
			s.exec("UPDATE deliveries SET status = 'success', task = NULL, next_attempt_at = NULL, completed_at = now() WHERE id = $1", uuid(done))
		}
		must(t, s.audit().runOnce(t.Context()))
		s.wants(changed, "task = 'c_new'")
		s.wants(done, "status = 'success' AND next_attempt_at IS NULL")
	})

	t.Run("BelievesAWorkersHeartbeat", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.tasks.away = true // a worker's rows are looked after without Redis
		s.exec(`INSERT INTO workers (id, host, heartbeat_at) VALUES
			('alive', 'h', now() - interval '10 seconds'), ('silent', 'h', now() - interval '20 seconds')`)
		ep := s.endpoint()
		alive, silent := s.delivery(ep, "task = 'w_alive', "+overdue), s.delivery(ep, "task = 'w_silent', "+overdue)
		unknown := s.delivery(ep, "task = 'w_unknown', "+overdue)
		must(t, s.audit().runOnce(t.Context()))
		s.wants(alive, "task = 'w_alive'")
		s.wants(silent, "task IS NULL")
		s.wants(unknown, "task IS NULL")
	})

	t.Run("TakesNothingBackWhileRedisIsAway", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.tasks.away = true
		id := s.delivery(s.endpoint(), "task = 'c_unknown', "+overdue)
		if err := s.audit().runOnce(t.Context()); !errors.Is(err, errAway) {
			t.Errorf("got %v", err)
		}
		s.wants(id, "task = 'c_unknown'")
	})

	t.Run("FullLooksAtAllButWhatIsInFlight", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		ep := s.endpoint()
		late := s.delivery(ep, "task = 'c_dead', next_attempt_at = now() - interval '5 seconds'")
		future := s.delivery(ep, "task = 'r_dead', attempts = 1, next_attempt_at = now() + interval '30 minutes'")
		parked := s.delivery(ep, "parked = true, held_reason = 'breaker_open'")
		flying := s.delivery(ep, "task = 'c_dead'")
		a := s.audit()
		a.store = frozenClock{postgres.NewAudit(s.db), query[time.Time](s, "SELECT now()")}
		s.exec("UPDATE deliveries SET next_attempt_at = $2::timestamptz - interval '2 seconds' WHERE id = $1", uuid(flying), a.store.(frozenClock).now)
		must(t, a.all(t.Context()))
		s.wants(late, "task IS NULL")
		s.wants(future, "task IS NULL AND next_attempt_at > now() + interval '29 minutes'")
		s.wants(parked, "parked")
		s.wants(flying, "task = 'c_dead'")
	})

	t.Run("FullLeavesWhatIsAcceptedWhileItLooks", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		a := s.audit()
		a.store = frozenClock{postgres.NewAudit(s.db), query[time.Time](s, "SELECT now()")}
		ep := s.endpoint()
		accepted := s.delivery(ep, "task = 'c_on_its_way', next_attempt_at = now()")
		future := s.delivery(ep, "task = 'r_dead', attempts = 1, next_attempt_at = now() + interval '1 minute'")
		must(t, a.all(t.Context()))
		s.wants(accepted, "task = 'c_on_its_way'")
		s.wants(future, "task IS NULL")
	})

	t.Run("GoesThroughAllPages", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.many(4500, "task = 'c_' || (('x' || right(id::text, 6))::bit(24)::int % 100)")
		// A group is due at one instant, and may be more than a page.
		s.exec("UPDATE deliveries SET next_attempt_at = date_trunc('day', now()) - interval '1 day' WHERE task < 'c_6'")
		for i := range 50 {
			s.tasks.alive = append(s.tasks.alive, fmt.Sprintf("c_%d", i))
		}
		must(t, s.audit().runOnce(t.Context()))
		if n := query[int](s, "SELECT count(*) FROM deliveries WHERE task IS NULL"); n != 2250 {
			t.Errorf("took %d back, want 2250", n)
		}
		if n := query[int](s, "SELECT count(DISTINCT task) FROM deliveries"); n != 50 {
			t.Errorf("%d tasks are left, want 50", n)
		}
	})
}
