package recovery

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/internal/postgres"
)

// wrongClock is a scheduler's clock that a test sets.
type wrongClock struct{ off atomic.Int64 }

func (c *wrongClock) step(d time.Duration) { c.off.Add(int64(d)) }
func (c *wrongClock) now() time.Time       { return time.Now().Add(time.Duration(c.off.Load())) }

func TestASchedulersClockThatIsSet(t *testing.T) {
	t.Parallel()
	for name, step := range map[string]time.Duration{"Ahead": 5 * time.Minute, "Back": -5 * time.Minute} {
		t.Run(name+"LosesNoLeadership", func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var clock wrongClock
				lease := &fakeLease{}
				a, work := newIdle(lease, "a")
				a.cfg.Now = clock.now
				a.Start()
				defer a.Stop()
				b, other := newIdle(lease, "b")
				synctest.Wait()
				b.Start()
				defer b.Stop()
				work.rounds(time.Minute)
				clock.step(step)
				if n := work.rounds(time.Minute); n < 100 || lease.epoch != 1 || other.claims.Load() != 0 {
					t.Errorf("it fed %d times in a minute, the other one %d times, in epoch %d", n, other.claims.Load(), lease.epoch)
				}
			})
		})

		t.Run(name+"FeedsWhatIsDueAndNothingElse", func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			ep := s.endpoint()
			due, later := s.delivery(ep, ""), s.delivery(ep, "next_attempt_at = now() + interval '1 minute'")
			var clock wrongClock
			clock.step(step)
			f := s.feed()
			f.now = clock.now
			must(t, f.runOnce(t.Context()))
			s.wants(due, "task IS NOT NULL")
			s.wants(later, "task IS NULL")
		})
	}

	t.Run("DropsNoDay", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		id := s.event(midnight(3), "mine")
		var clock wrongClock
		clock.step(365 * day)
		i := &idle{}
		stores := Postgres{&fakeLease{}, i, postgres.NewAudit(s.db), i, i, postgres.NewRetention(s.db), i, i, i}
		scheduler := New(stores, Redis{&i.queue, i, i}, Config{Now: clock.now, KeepDeliveries: 30 * day})
		for _, l := range scheduler.services(1) {
			if l.name == "retention" {
				must(t, l.runOnce(t.Context()))
			}
		}
		if !query[bool](s, "SELECT count(*) = 1 FROM events WHERE id = $1", uuid(id)) {
			t.Error("an event of three days ago is gone")
		}
	})
}
