package deliver

import (
	"net/http"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// inLine makes deliveries of one ordering key: the first one is the task's, and the
// others wait for their turn.
func (s *stage) inLine(e webhook.Endpoint, task string, n int) (all []webhook.Member) {
	s.t.Helper()
	for seq := range n {
		m := s.delivery(e, task)
		all = append(all, m)
		s.change(m, "ordering_key = 'k', ordering_seq = "+string(rune('1'+seq)))
		if seq == 0 {
			s.exec(`INSERT INTO ordering_keys (endpoint_id, ordering_key, workspace_id, last_seq, head_seq, head_id)
				VALUES ($1, 'k', 'w', $2, 1, $3)`, uuid(e.ID), n, uuid(m.DeliveryID))
			continue
		}
		s.change(m, "task = NULL, parked = true, held_reason = 'ordering'")
		s.exec(`INSERT INTO ordering_queue (endpoint_id, ordering_key, seq, delivery_id, workspace_id, event_id, bulk)
			VALUES ($1, 'k', $2, $3, 'w', $4, false)`, uuid(e.ID), seq+1, uuid(m.DeliveryID), uuid(m.EventID))
	}
	return all
}

func (f *fakeRetries) passed() []webhook.Chunk {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]webhook.Chunk(nil), f.now...)
}

func TestTurns(t *testing.T) {
	t.Parallel()

	t.Run("GoToTheNextOneByATaskOfItsOwn", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		e := s.endpoint()
		all := s.inLine(e, "c_1", 3)
		s.process(chunk("c_1", all[0]))
		for n := range 2 {
			eventually(t, func() bool { return len(s.retries.passed()) == n+1 })
			next := s.retries.passed()[n]
			s.wants(all[n+1], "task = '"+next.Task+"' AND NOT parked AND held_reason IS NULL")
			s.process(next)
		}
		for n, r := range s.sender.requests() {
			if want := all[n].DeliveryID.Format(webhook.DeliveryPrefix); r.header("X-Webhook-Delivery") != want {
				t.Errorf("request %d is of %s, want %s", n, r.header("X-Webhook-Delivery"), want)
			}
		}
		if n := len(s.sender.requests()); n != 3 {
			t.Errorf("%d requests", n)
		}
	})

	t.Run("StayWithAHeadThatIsTriedAgain", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		s.sender.answers(status(http.StatusInternalServerError))
		all := s.inLine(s.endpoint(), "c_1", 2)
		s.process(chunk("c_1", all[0]))
		s.wants(all[0], "status = 'pending' AND attempts = 1")
		s.wants(all[1], "parked AND held_reason = 'ordering'")
		if n := len(s.retries.passed()); n != 0 {
			t.Errorf("%d turns passed", n)
		}
	})

	t.Run("GoOnFromAHeadThatFailsForGood", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		s.sender.answers(status(http.StatusInternalServerError))
		all := s.inLine(s.endpoint(func(e *webhook.Endpoint) { e.RetrySchedule = []time.Duration{} }), "c_1", 2)
		s.process(chunk("c_1", all[0]))
		s.wants(all[0], "status = 'failed'")
		eventually(t, func() bool { return len(s.retries.passed()) == 1 })
	})

	t.Run("WaitInPostgresWhileRedisIsAway", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		all := s.inLine(s.endpoint(), "c_1", 2)
		s.retries.mu.Lock()
		s.retries.away = true
		s.retries.mu.Unlock()
		s.process(chunk("c_1", all[0]))
		eventually(t, func() bool {
			return s.is(all[1], "status = 'pending' AND task IS NULL AND NOT parked AND next_attempt_at <= now()")
		})
	})

	t.Run("AreAskedForBeforeEachRequest", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		all := s.inLine(s.endpoint(), "c_1", 2)
		s.change(all[1], "task = 'c_2', parked = false, held_reason = NULL") // as nobody of this release does it
		s.process(chunk("c_2", all[1]))
		if n := len(s.sender.requests()); n != 0 {
			t.Errorf("%d requests before their turn", n)
		}
		s.wants(all[1], "task IS NULL AND parked AND held_reason = 'ordering' AND attempts = 0")
	})

	t.Run("OfASharedTaskAreOneTask", func(t *testing.T) {
		t.Parallel()
		next := func(task string) webhook.Outcome {
			m := webhook.Member{DeliveryID: webhook.NewID(time.Now())}
			return webhook.Outcome{Turn: &webhook.Turn{Next: &webhook.Chunk{Task: task, Members: []webhook.Member{m}}}}
		}
		got := nextTurns([]webhook.Outcome{{}, next("c_1"), {Turn: &webhook.Turn{}}, next("c_2"), next("c_1")})
		if len(got) != 2 || got[0].Task != "c_1" || len(got[0].Members) != 2 || len(got[1].Members) != 1 {
			t.Errorf("got %+v", got)
		}
	})
}
