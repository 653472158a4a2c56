package years

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/recovery/turns"
	"github.com/postrider/postrider/test/e2e/stack"
)

// lost is how many deliveries a FLUSHALL takes from Redis.
const lost = 2000

// rounds of the scheduler that find nothing, as nearly all do: feed, whose index has
// the thousand pending, audit, and what measures the oldest.
func (b both) idleRounds(t *testing.T) (lines []line) {
	t.Helper()
	for _, r := range []struct {
		what string
		do   func(*side) error
	}{
		{"a round of feed that finds nothing due", func(s *side) error {
			_, _, err := postgres.NewFeed(s.db).Claim(t.Context(), turns.Room{}, time.Now())
			return err
		}},
		{"a round of audit that finds nothing overdue", func(s *side) error {
			_, _, err := postgres.NewAudit(s.db).Held(t.Context(), time.Time{}, time.Now().Add(-10*time.Second), 2000)
			return err
		}},
		{"the age of the oldest due delivery", func(s *side) error {
			_, _, err := postgres.NewUpkeep(s.db).OldestDue(t.Context())
			return err
		}},
	} {
		timed := func(s *side) float64 {
			began := time.Now()
			must(t, r.do(s))
			return milliseconds(time.Since(began))
		}
		b.alternate(t, 10, timed)
		lines = append(lines, byTime(r.what, b.alternate(t, readings, timed)))
	}
	return lines
}

// reconcile is how long it takes after a FLUSHALL until every delivery that was in
// Redis is taken back from its task, without a worker meanwhile.
func (s *side) reconcile(t *testing.T) float64 {
	t.Helper()
	want := s.receiver.Pairs() + lost
	s.worker.Terminate(t)
	began := time.Now()
	for i := range lost / 1000 {
		events := make([]map[string]any, 1000)
		for j := range events {
			events[j] = map[string]any{"type": kindType("single", j), "data": map[string]any{"sequence": i*1000 + j}}
		}
		s.c.Call(t, http.MethodPost, "/v1/events/batch", map[string]any{"events": events}, http.StatusAccepted, nil)
	}
	// A 202 is before the tasks: those that reach Redis after it was flushed are not lost.
	stack.Eventually(t, fmt.Sprintf("%s: Redis has the tasks of %d deliveries", s.name, lost), func() bool {
		return s.Tasks(t) >= ask[int](t, s, "SELECT count(DISTINCT task) FROM deliveries WHERE id >= $1 AND status = 'pending' AND task IS NOT NULL", bound(began))
	})
	before := s.Metric(t, s.scheduler, audited)
	must(t, s.Redis.FlushAll(t.Context()))
	began = time.Now()
	stack.Eventually(t, fmt.Sprintf("%s: %d deliveries are taken back", s.name, lost), func() bool {
		return s.Metric(t, s.scheduler, audited)-before >= lost
	})
	took := time.Since(began)
	s.worker = s.Worker(t)
	stack.Eventually(t, s.name+": they arrive", func() bool { return s.receiver.Pairs() >= want })
	return milliseconds(took)
}

const audited = "postrider_recovery_audited_deliveries_total"

func (b both) scheduler(t *testing.T) []line {
	t.Helper()
	lines := b.idleRounds(t)
	took := b.alternate(t, min(*rounds, 3), func(s *side) float64 { return s.reconcile(t) })
	lines = append(lines, byRound(fmt.Sprintf("`FLUSHALL` with %d deliveries in Redis: all taken back", lost), "ms", took, false))
	for _, l := range lines {
		t.Log(l)
	}
	return lines
}
