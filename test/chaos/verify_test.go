package chaos

import (
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postrider/postrider/test/e2e/stack"
)

// settle waits until nothing of the workspace is pending.
func (l *lab) settle(t *testing.T, workspace string) {
	t.Helper()
	const sql = "SELECT count(*) FROM deliveries WHERE workspace_id = $1 AND status = 'pending'"
	for deadline := time.Now().Add(settleWithin); time.Now().Before(deadline); pass(200 * time.Millisecond) {
		if query(t, l, pgx.RowTo[int], sql, workspace)[0] == 0 {
			return
		}
	}
	t.Errorf("%s: still pending after %s:", workspace, settleWithin)
	l.show(t, "SELECT d::text FROM deliveries d WHERE workspace_id = $1 AND status = 'pending' LIMIT 5", workspace)
}

// show logs rows as they are.
func (l *lab) show(t *testing.T, sql string, args ...any) (n int) {
	t.Helper()
	rows := query(t, l, pgx.RowTo[string], sql, args...)
	for _, row := range rows[:min(len(rows), 5)] {
		t.Log(row)
	}
	return len(rows)
}

const incomplete = `
	SELECT concat_ws(' ', a.id, array_agg(d::text))
	FROM unnest($2::text[]) AS a (id)
	LEFT JOIN event_ids i ON i.workspace_id = $1 AND i.id = a.id
	LEFT JOIN deliveries d ON d.workspace_id = $1 AND d.event_id = i.event_id
	GROUP BY a.id
	HAVING count(d.id) <> 2 OR count(*) FILTER (WHERE d.status = 'success') <> 2`

const misnumbered = `
	SELECT concat_ws(' ', d::text, a.numbers)
	FROM deliveries d, LATERAL (
		SELECT array_agg(number::bigint ORDER BY number) FROM attempts WHERE workspace_id = $1 AND delivery_id = d.id
	) a (numbers)
	WHERE d.workspace_id = $1
		AND coalesce(a.numbers, '{}') <> ARRAY(SELECT generate_series(1, d.attempts::bigint))`

// verify checks that what was accepted has its deliveries, which were made, in
// the database, at the receiver and through the API. It returns how many of
// them are lost.
func (l *lab) verify(t *testing.T, round int, workspace string, client stack.Client, accepted []string) (lost int) {
	t.Helper()
	if n := l.show(t, incomplete, workspace, accepted); n > 0 {
		t.Errorf("%s: %d accepted events have not two successful deliveries", workspace, n)
	}
	if n := l.show(t, misnumbered, workspace); n > 0 {
		t.Errorf("%s: %d deliveries have attempts that are not numbered from 1 on", workspace, n)
	}
	for _, event := range accepted {
		for _, path := range paths(round) {
			if !l.receiver.got(event, path) {
				lost++
			}
		}
	}
	if lost > 0 {
		t.Errorf("%s: LOST: %d deliveries were accepted and never arrived", workspace, lost)
	}
	c := client.At(l.of("api")[0])
	for _, status := range []string{"pending", "failed", "canceled"} {
		if left := c.WithStatus(t, status); len(left) > 0 {
			t.Errorf("%s: the API shows %d that are %s: %+v", workspace, len(left), status, left[0])
		}
	}
	for _, event := range accepted[:min(len(accepted), 10)] {
		if got := fmt.Sprint(statuses(c.Deliveries(t, event))); got != "[success success]" {
			t.Errorf("%s: the API shows of %s %s", workspace, event, got)
		}
	}
	return lost
}

func (r *receiver) got(event, path string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := r.seen[arrivalKey{event, path}]
	return a != nil && !a.delivered.IsZero()
}

func statuses(deliveries []stack.Delivery) (all []string) {
	for _, d := range deliveries {
		all = append(all, d.Status)
	}
	return all
}
