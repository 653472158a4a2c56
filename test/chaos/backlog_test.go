package chaos

import (
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postrider/postrider/test/e2e/stack"
)

const (
	backlogSize = 100_000 // deliveries
	highWater   = 2000    // tasks: above that, what is due waits in Postgres
)

// backlog flushes Redis with many deliveries queued and no worker. It is over
// when all are in tasks again, or Redis is as full of tasks as it may be; the
// workers come back then.
func backlog() fault {
	return fault{"flushall-backlog", fmt.Sprintf("`FLUSHALL` with %d deliveries queued", backlogSize), 1, func(t *testing.T, l *lab) {
		for _, p := range l.of("worker") {
			p.Kill(t)
		}
		for n := 0; n < backlogSize/fleetSize; n += 1000 {
			ids := make([]string, 1000)
			for i := range ids {
				ids[i] = fmt.Sprintf("%s-backlog-%d", l.load.prefix, n+i)
			}
			l.load.publish(t.Context(), ids)
		}
		query(t, l, pgx.RowTo[string], "CREATE TABLE before_flush AS SELECT task FROM deliveries WHERE "+held)
		before, unheld, tasks := l.pending(t, held), l.pending(t, "task IS NULL"), l.Tasks(t)
		if err := l.Redis.FlushAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		stack.Eventually(t, "no delivery names a task that is gone", func() bool {
			return l.pending(t, "task IN (SELECT task FROM before_flush)") == 0
		})
		freed := time.Since(start)
		stack.Eventually(t, "everything is queued again, or as many tasks as may be", func() bool {
			return l.Tasks(t) >= highWater || l.pending(t, "task IS NULL") == 0
		})
		l.note("`flushall-backlog`: %d deliveries were in %d tasks, %d more in Postgres alone (more tasks than the high-water mark allows). "+
			"After `FLUSHALL`, no delivery named a lost task after %.1f s, and Redis was as full as it gets after %.1f s (goal: 30 s): "+
			"%d deliveries in %d new tasks, no worker running", before, tasks, unheld, freed.Seconds(), time.Since(start).Seconds(), l.pending(t, held), l.Tasks(t))
		t.Log(l.notes[len(l.notes)-1])
		for i := range fleetSize {
			l.replace(t, "worker", i)
		}
	}}
}

// held is what a task in Redis, or one that was, has.
const held = "status = 'pending' AND task IS NOT NULL"

// pending is how many pending deliveries are in a state.
func (l *lab) pending(t *testing.T, condition string) int {
	t.Helper()
	return query(t, l, pgx.RowTo[int], "SELECT count(*) FROM deliveries WHERE status = 'pending' AND "+condition)[0]
}
