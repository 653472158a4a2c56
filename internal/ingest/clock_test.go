package ingest

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
)

// An API's clock is in nothing that it accepts: ids are of Postgres's, and what is
// accepted is due at once.
func TestAnAPIsClockThatIsSet(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.endpoints("w", 1)
	var off atomic.Int64
	store := postgres.NewIngest(s.open(s.url))
	i := New(store, store, s.queue, Config{Now: func() time.Time { return time.Now().Add(time.Duration(off.Load())) }})
	i.Start()
	defer i.Stop(context.Background())
	ids := make(map[string]bool)
	for _, step := range []time.Duration{0, 5 * time.Minute, -10 * time.Minute, 5 * time.Minute} {
		off.Add(int64(step))
		for range 20 {
			a, err := i.Accept(t.Context(), "w", one("", "a"))
			must(t, err)
			ids[a[0].ID] = true
		}
	}
	if len(ids) != 80 {
		t.Errorf("%d of 80 ids", len(ids))
	}
	at := func(d time.Duration) any { return [16]byte(webhook.FirstID(time.Now().Add(d))) }
	s.wants(0, "SELECT count(*) FROM events WHERE id > $1::uuid", at(time.Minute))
	s.wants(80, "SELECT count(*) FROM events WHERE id > $1::uuid", at(-time.Minute))
	s.wants(80, "SELECT count(*) FROM deliveries WHERE status = 'pending' AND next_attempt_at <= now()")
	s.eventually("all are in Redis", func() bool { return len(s.queue.tasks()) == 80 })
}
