package years

import (
	"context"
	_ "embed"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
)

var (
	//go:embed sql/schema.sql
	schemaSQL string
	//go:embed sql/events.sql
	eventsSQL string
	//go:embed sql/deliveries.sql
	deliveriesSQL string
	//go:embed sql/attempts.sql
	attemptsSQL string
	//go:embed sql/eventids.sql
	eventIDsSQL string
)

const (
	day = 24 * time.Hour
	// days are what is kept, today included; the one before them is there for
	// retention to drop.
	days = 31
	// pending is how many deliveries wait for a retry, on the last two days.
	pending = 1000
	// fanout is how many deliveries an event has.
	fanout = 10
)

// span is a part of a day that is loaded at once.
type span struct {
	from, to time.Time
	events   int
	// pending is the chance of a delivery to be so.
	pending float64
}

// spans are the days to load, oldest first; today goes up to a moment ago.
func spans(now time.Time, deliveries int) (all []span) {
	today := now.UTC().Truncate(day)
	perDay := deliveries / fanout / days
	for n := -days; n <= 0; n++ {
		s := span{from: today.Add(time.Duration(n) * day), events: perDay}
		s.to = s.from.Add(day)
		if n == 0 {
			s.to = now.Add(-2 * time.Minute)
			s.events = int(int64(perDay) * int64(s.to.Sub(s.from)) / int64(day))
		}
		if n == -1 || n == -2 || n == -days {
			s.pending = min(float64(pending)/2/float64(perDay*fanout), 0.5)
		}
		if s.events > 0 {
			all = append(all, s)
		}
	}
	return all
}

// load fills what is not there yet. Triggers are off meanwhile: what they would have
// marked is counted at the end, as after the upgrade that brought them.
func (s *side) load(t *testing.T) {
	t.Helper()
	began := time.Now()
	todo := s.missing(t)
	if len(todo) == 0 {
		return
	}
	queue := make(chan span)
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() { s.loadSpans(t, queue) })
	}
	for i, sp := range todo {
		queue <- sp
		t.Logf("%s: day %d of %d, %s", s.name, i+1, len(todo), time.Since(began).Round(time.Second))
	}
	close(queue)
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
	must(t, s.db.EnsurePartitions(t.Context(), time.Now().Add(-day), 16))
	s.vacuum(t) // counting wants the planner to know the days
	s.count(t)
	t.Logf("%s: loaded in %s", s.name, time.Since(began).Round(time.Second))
}

// missing are the days that are not loaded.
func (s *side) missing(t *testing.T) (todo []span) {
	t.Helper()
	for _, sp := range spans(time.Now(), s.deliveries) {
		if !ask[bool](t, s, "SELECT EXISTS (SELECT FROM years.days WHERE day = $1)", sp.from) {
			todo = append(todo, sp)
		}
	}
	return todo
}

// loadSpans takes spans until there are no more. An error fails the test, and the
// rest is taken and left.
func (s *side) loadSpans(t *testing.T, queue <-chan span) {
	conn, err := pgx.Connect(t.Context(), s.url)
	if err != nil {
		t.Error(err)
	} else {
		defer conn.Close(context.Background())
		_, err = conn.Exec(t.Context(), "SET session_replication_role = replica; SET work_mem = '256MB'")
	}
	for sp := range queue {
		if err == nil {
			err = sp.load(t.Context(), conn)
		}
	}
	if err != nil {
		t.Errorf("load %s: %v", s.name, err)
	}
}

// load is one transaction: a day is loaded whole or not at all. Its tables are made and
// filled by themselves and become partitions then: their indexes are built at once, and
// nothing is written to the log that would be thrown away with them.
func (sp span) load(ctx context.Context, conn *pgx.Conn) error {
	lo, hi := bound(sp.from), bound(sp.to)
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		for _, st := range []struct {
			sql  string
			args []any
		}{
			{"SELECT years.make_day($1)", []any{sp.from}},
			{eventsSQL, []any{sp.from.UnixMilli(), sp.to.Sub(sp.from).Milliseconds(), sp.events}},
			{deliveriesSQL, []any{sp.pending}},
			{attemptsSQL, nil},
			{"SELECT years.attach_day($1, $2, $3)", []any{sp.from, bound(sp.from), bound(sp.from.Add(day))}},
			{eventIDsSQL, []any{lo, hi}},
			{"INSERT INTO years.days (day) VALUES ($1)", []any{sp.from}},
		} {
			if _, err := tx.Exec(ctx, st.sql, st.args...); err != nil {
				return fmt.Errorf("%s: %w", sp.from.Format(time.DateOnly), err)
			}
		}
		return nil
	})
}

// bound is the first id of a time.
func bound(t time.Time) pgtype.UUID { return pgtype.UUID{Bytes: webhook.FirstID(t), Valid: true} }

// count fills the statistics by their own backfill, without its pauses.
func (s *side) count(t *testing.T) {
	t.Helper()
	_, err := s.conn.Exec(t.Context(), "UPDATE stats_backfill SET done = false, workspace_id = '', minute = 0, day = $1",
		int32(time.Now().UTC().Truncate(day).Add(day).Unix()/60))
	must(t, err)
	store, began := postgres.NewStats(s.db), time.Now()
	for _, step := range []func(context.Context, time.Time) (bool, error){store.Backfill, store.RollUp} {
		for more := true; more; {
			more, err = step(t.Context(), time.Now())
			must(t, err)
		}
	}
	t.Logf("%s: counted in %s", s.name, time.Since(began).Round(time.Second))
}

func (s *side) vacuum(t *testing.T) {
	t.Helper()
	began := time.Now()
	_, err := s.conn.Exec(t.Context(), "VACUUM ANALYZE")
	must(t, err)
	t.Logf("%s: vacuumed in %s", s.name, time.Since(began).Round(time.Second))
}
