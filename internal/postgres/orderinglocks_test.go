package postgres_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
)

// waiting is how many wait for a lock in this database.
const waiting = `SELECT count(*) = $1 FROM pg_locks l JOIN pg_stat_activity a USING (pid)
	WHERE NOT l.granted AND a.datname = current_database()`

// The dangerous moment: one is accepted behind a head that ends meanwhile. Whoever
// comes second must see what the first one did, or nobody ever gets the turn.
func TestOrderingOfAnAcceptAndARecordAtOnce(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.exec(`CREATE FUNCTION pause() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN PERFORM pg_advisory_xact_lock_shared(7); RETURN NEW; END $$`)
	s.exec("CREATE TRIGGER pause BEFORE INSERT ON ordering_queue FOR EACH ROW EXECUTE FUNCTION pause()")
	for name, end := range map[string]func(placed) *webhook.Chunk{
		"Success": func(p placed) *webhook.Chunk { return s.ends(p, 200) },
		"Failure": func(p placed) *webhook.Chunk { return s.ends(p, 500) },
	} {
		head := s.accepts(s.db, time.Now(), name)[0]
		gate, err := s.raw.Begin(t.Context())
		must(t, err)
		defer func() { _ = gate.Rollback(context.Background()) }()
		_, err = gate.Exec(t.Context(), "SELECT pg_advisory_xact_lock(7)")
		must(t, err)
		other := s.open(oneKey)
		var both sync.WaitGroup
		var behind []placed
		both.Go(func() {
			var err error
			if behind, err = s.accept(other, time.Now(), s.end, name, name); err != nil {
				t.Error(err)
			}
		})
		s.eventually(waiting, 1)
		var next *webhook.Chunk
		both.Go(func() { next = end(head) })
		s.eventually(waiting, 2)
		s.wants(head.Member, "status = 'pending'")
		must(t, gate.Commit(t.Context()))
		both.Wait()
		s.goesTo(next, &behind[0])
		s.wants(behind[1].Member, waitsForTurn)
	}
}

// Whoever ends a delivery has its line before its row, as records have: two at once
// never wait in a circle.
func TestOrderingLocksTheLineFirst(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(s *stage, p placed) error{
		"Record": func(s *stage, p placed) error {
			o := outcome(p.Member, p.task, 0, 200)
			o.Turn = &p.turn
			_, err := s.deliver(s.db).Record(s.t.Context(), []webhook.Outcome{o})
			return err
		},
		"Cancel": func(s *stage, p placed) error {
			_, err := postgres.NewDeliveries(s.db).Cancel(s.t.Context(), "w", p.DeliveryID)
			return err
		},
		"Settle": func(s *stage, p placed) error {
			return s.deliver(s.db).Settle(s.t.Context(), []webhook.Member{p.Member}, p.task, webhook.StatusFailed, webhook.ReasonPayloadExpired)
		},
		"Delete": func(s *stage, _ placed) error { return postgres.NewEndpoints(s.db).Delete(s.t.Context(), "w", s.end) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setup(t)
			p := s.accepts(s.db, time.Now(), "k")[0]
			s.guard(&p)
			holder, err := s.raw.Begin(t.Context())
			must(t, err)
			defer func() { _ = holder.Rollback(context.Background()) }()
			_, err = holder.Exec(t.Context(), "SELECT FROM ordering_keys FOR UPDATE")
			must(t, err)
			done := make(chan error, 1)
			go func() { done <- end(s, p) }()
			s.eventually(blocked)
			_, err = holder.Exec(t.Context(), "SELECT FROM deliveries FOR UPDATE NOWAIT")
			must(t, err)
			must(t, holder.Rollback(t.Context()))
			must(t, <-done)
			s.wants(p.Member, "status <> 'pending'")
			s.holds("SELECT head_seq IS NULL FROM ordering_keys")
		})
	}
}

// An event without a key pays nothing: its commit waits for nobody's line and makes
// no row of one.
func TestOrderingCostsNothingWithoutAKey(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.accepts(s.db, time.Now(), "k")
	holder, err := s.raw.Begin(t.Context())
	must(t, err)
	defer func() { _ = holder.Rollback(context.Background()) }()
	_, err = holder.Exec(t.Context(), "LOCK TABLE ordering_keys, ordering_queue")
	must(t, err)
	all := s.accepts(s.db, time.Now(), "", "")
	s.guard(&all[0])
	s.records(s.db, []webhook.Outcome{outcome(all[0].Member, all[0].task, 0, 200), outcome(all[1].Member, all[1].task, 0, 500)}, true, true)
	_, err = postgres.NewDeliveries(s.db).Cancel(t.Context(), "w", all[1].DeliveryID)
	must(t, err)
	must(t, holder.Rollback(t.Context()))
}

// Where the answer to a commit gets lost the turn is taken, or passed, once.
func TestOrderingWhoseAnswerGetsLost(t *testing.T) {
	t.Parallel()
	s := setup(t)
	far, p := s.behind()
	p.armed.Store(true)
	all := s.accepts(far, time.Now(), "k", "k", "k")
	if p.armed.Load() {
		t.Fatal("no answer was swallowed")
	}
	for n := range all { // who is the head is not known: all are announced, and the rows decide
		if all[n].task == "" {
			t.Errorf("delivery %d is not announced", n)
		}
	}
	s.wants(all[0].Member, "task = '"+all[0].task+"' AND NOT parked")
	s.wants(all[1].Member, waitsForTurn)
	s.wants(all[2].Member, waitsForTurn)
	s.holds("SELECT count(*) = 3 FROM deliveries")
	s.holds("SELECT count(*) = 2 FROM ordering_queue")
	s.guard(&all[0])
	o := outcome(all[0].Member, all[0].task, 0, 200)
	o.Turn = &all[0].turn
	p.armed.Store(true)
	_, err := s.deliver(far).Record(t.Context(), []webhook.Outcome{o})
	wantCode(t, err, webhook.CodeUnavailable)
	s.records(far, []webhook.Outcome{o}, true) // as the recorder does after that
	if p.armed.Load() {
		t.Fatal("no answer was swallowed")
	}
	s.wants(all[0].Member, "status = 'success' AND attempts = 1")
	s.wants(all[1].Member, "task LIKE 'c_%' AND NOT parked") // audit finds that it is in no Redis
	s.wants(all[2].Member, waitsForTurn)
}

func TestOrderingOfManyWriters(t *testing.T) {
	t.Parallel()
	s := setup(t)
	other := s.open(oneKey)
	// Groups that hold the same keys in opposite orders, at two processes.
	keys := []string{"a", "b", "c", "d", "e"}
	backwards := slices.Clone(keys)
	slices.Reverse(backwards)
	var writers sync.WaitGroup
	for n, db := range []*postgres.DB{s.db, other, s.db, other} {
		order := keys
		if n%2 == 1 {
			order = backwards
		}
		writers.Go(func() {
			for range 25 {
				if _, err := s.accept(db, time.Now(), s.end, slices.Repeat(order, 2)...); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	s.holds("SELECT count(*) = 1000 AND count(DISTINCT (ordering_key, ordering_seq)) = 1000 FROM deliveries")
	s.holds("SELECT count(*) = 5 AND count(DISTINCT ordering_key) = 5 FROM deliveries WHERE task IS NOT NULL")
	s.holds(`SELECT bool_and(d.ordering_seq = (SELECT min(m.ordering_seq) FROM deliveries m WHERE m.ordering_key = d.ordering_key))
		FROM deliveries d WHERE task IS NOT NULL`)
	s.holds("SELECT count(*) = 995 FROM ordering_queue")
	// The last of an earlier transaction is before the first of a later one.
	s.holds(`SELECT count(*) = 0 FROM (
		SELECT max(ordering_seq) - min(ordering_seq) AS spread, count(*) AS n FROM deliveries GROUP BY ordering_key, xmin::text) x
		WHERE spread <> n - 1`)
}
