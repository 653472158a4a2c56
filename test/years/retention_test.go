package years

import (
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/test/e2e/stack"
)

// drop is what dropping a day was like.
type drop struct {
	side       string
	deliveries int
	took       time.Duration
	expired    int
	// p99 and the worst of publishers' answers, in ms.
	before, worstBefore, during, worst float64
}

// answers are publishers' at a steady rate, with when they came.
type answers struct {
	mu  sync.Mutex
	at  []time.Time
	ms  []float64
	bad []error
}

const steadyEvery = 5 * time.Millisecond

// steadily publishes until quit is closed; whatever became of the others.
func (s *side) steadily(t *testing.T, quit <-chan struct{}) *answers {
	a := &answers{}
	tick := time.NewTicker(steadyEvery)
	defer tick.Stop()
	var wg sync.WaitGroup
	defer wg.Wait()
	for i := 0; ; i++ {
		select {
		case <-quit:
			return a
		case <-tick.C:
		}
		wg.Go(func() {
			began := time.Now()
			d, err := s.publish(t.Context(), kindType("single", i), i)
			a.mu.Lock()
			defer a.mu.Unlock()
			a.at, a.ms = append(a.at, began), append(a.ms, milliseconds(d))
			if err != nil {
				a.bad = append(a.bad, err)
			}
		})
	}
}

// between are the answers to requests made then.
func (a *answers) between(from, to time.Time) (ms []float64) {
	for i, at := range a.at {
		if at.After(from) && at.Before(to) {
			ms = append(ms, a.ms[i])
		}
	}
	return ms
}

// steadyFor is how long publishers are watched before, and at least meanwhile.
const steadyFor = 10 * time.Second

// retire lets the scheduler end what is too old by the retention given, under load,
// and returns how long it took from its start, with the publishers' answers before
// and meanwhile.
func (s *side) retire(t *testing.T, retention string, ended func() bool) (took time.Duration, before, during []float64) {
	t.Helper()
	s.scheduler.Terminate(t)
	quit, result := make(chan struct{}), make(chan *answers)
	began := time.Now()
	go func() { result <- s.steadily(t, quit) }()
	<-time.After(steadyFor)
	started := time.Now()
	s.scheduler = s.Scheduler(t, retention)
	stack.Eventually(t, s.name+": what is too old is gone", ended)
	took = time.Since(started)
	<-time.After(max(0, steadyFor-took))
	over := time.Now()
	close(quit)
	a := <-result
	if len(a.bad) > 0 {
		t.Errorf("%s: %d of %d events were not accepted: %v", s.name, len(a.bad), len(a.at), a.bad[0])
	}
	return took, a.between(began, started), a.between(started, over)
}

// dropDay lets retention drop the oldest day.
func (s *side) dropDay(t *testing.T) drop {
	t.Helper()
	oldest := time.Now().UTC().Truncate(day).Add(-days * day)
	gone := func() bool {
		return ask[bool](t, s, "SELECT NOT EXISTS (SELECT FROM pg_class WHERE relkind = 'r' AND relname ~ $1)", "^(events|deliveries|attempts)_p"+oldest.Format("20060102"))
	}
	d := drop{side: s.name, deliveries: ask[int](t, s, "SELECT count(*)::int FROM deliveries WHERE id >= $1 AND id < $2", bound(oldest), bound(oldest.Add(day)))}
	var before, during []float64
	d.took, before, during = s.retire(t, "POSTRIDER_RETENTION_DELIVERIES=30d", gone)
	d.before, d.worstBefore, d.during, d.worst = quantile(before, 99), quantile(before, 100), quantile(during, 99), quantile(during, 100)
	d.expired = int(s.Metric(t, s.scheduler, "postrider_recovery_expired_deliveries_total"))
	_, err := s.conn.Exec(t.Context(), "DELETE FROM years.days WHERE day = $1", oldest)
	must(t, err)
	return d
}

func (b both) retention(t *testing.T) (all []drop) {
	t.Helper()
	for _, s := range []*side{b.small, b.full} {
		d := s.dropDay(t)
		t.Logf("%s: a day of %d deliveries was dropped %s after the scheduler's start, %d were expired; publishers' p99 %.1f ms before, %.1f meanwhile (worst %.1f, before %.1f)",
			d.side, d.deliveries, d.took.Round(time.Millisecond), d.expired, d.before, d.during, d.worst, d.worstBefore)
		all = append(all, d)
	}
	return all
}
