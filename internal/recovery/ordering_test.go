package recovery

import (
	"testing"

	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
)

// A worker of the release before this one ends a head and knows no keys: the leader's
// sweep passes the turn on, and feed takes who has it.
func TestOrderingSweepsRoundAfterRound(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	ep := s.endpoint()
	inLine := func(key, set string) (head, next webhook.ID) {
		head = s.delivery(ep, "ordering_key = '"+key+"', ordering_seq = 1, "+set)
		next = s.delivery(ep, "ordering_key = '"+key+"', ordering_seq = 2, parked = true, held_reason = 'ordering'")
		s.exec(`INSERT INTO ordering_keys (endpoint_id, ordering_key, workspace_id, last_seq, head_seq, head_id) VALUES ($1, $2, 'w', 2, 1, $3)`,
			uuid(ep), key, uuid(head))
		s.exec(`INSERT INTO ordering_queue (endpoint_id, ordering_key, seq, delivery_id, workspace_id, event_id, bulk)
			VALUES ($1, $2, 2, $3, 'w', $3, false)`, uuid(ep), key, uuid(next))
		return head, next
	}
	_, next := inLine("ended", "status = 'success', next_attempt_at = NULL, completed_at = now()")
	_, behind := inLine("running", "task = 'c_x'")
	s.exec(`INSERT INTO ordering_keys (endpoint_id, ordering_key, workspace_id, last_seq, moved_at)
		SELECT $1, 'a' || i, 'w', 1, now() - CASE WHEN i > 1200 THEN interval '2 hours' ELSE interval '0' END FROM generate_series(1, 1500) i`, uuid(ep))
	o := &ordering{store: postgres.NewOrdering(s.db), metrics: newMetrics(nil)}
	must(t, o.runOnce(t.Context()))
	s.wants(next, "parked") // its page has not come yet
	must(t, o.runOnce(t.Context()))
	s.wants(next, "NOT parked AND held_reason IS NULL AND task IS NULL")
	s.wants(behind, "parked AND held_reason = 'ordering'")
	if !query[bool](s, "SELECT count(*) = 1202 FROM ordering_keys") {
		t.Error("idle keys are still there, or others are not")
	}
	must(t, s.feed().runOnce(t.Context()))
	s.wants(next, "task IS NOT NULL")
	if s.queue.task(next) == "" || s.queue.task(behind) != "" {
		t.Error("feed gave tasks to others")
	}
	if o.after != (webhook.Line{}) {
		t.Errorf("the next round begins at %+v", o.after)
	}
}
