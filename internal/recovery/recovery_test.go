package recovery

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	dto "github.com/prometheus/client_model/go"

	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
)

func (s *stage) scheduler(holder string, memory Memory) *Scheduler {
	return New(Postgres{
		Leases: postgres.NewLeases(s.db), Feed: postgres.NewFeed(s.db), Audit: postgres.NewAudit(s.db),
		Parked: postgres.NewParked(s.db), Partitions: s.db, Retention: postgres.NewRetention(s.db), Upkeep: postgres.NewUpkeep(s.db),
		Replays: postgres.NewReplays(s.db), Ordering: postgres.NewOrdering(s.db),
	}, Redis{Queue: s.queue, Tasks: s.tasks, Memory: memory}, Config{Holder: holder})
}

// eventually polls.
func (s *stage) eventually(what string, so func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(time.Minute); !so(); sleep(s.t.Context(), 20*time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("not so after a minute: %s", what)
		}
	}
}

func (s *stage) eventuallyFed(id webhook.ID) {
	s.t.Helper()
	s.eventually(id.String()+" is fed", func() bool { return s.queue.task(id) != "" })
}

// countedAudits counts the audits that have begun.
type countedAudits struct {
	*postgres.Audit
	n atomic.Int32
}

func (c *countedAudits) Clock(ctx context.Context) (time.Time, error) {
	c.n.Add(1)
	return c.Audit.Clock(ctx)
}

func TestScheduler(t *testing.T) {
	t.Parallel()

	t.Run("PutsBackEverythingAfterFlush", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		memory := &fakeMemory{}
		scheduler := s.scheduler("a", memory)
		audits := &countedAudits{Audit: postgres.NewAudit(s.db)}
		scheduler.postgres.Audit = audits
		scheduler.Start()
		defer scheduler.Stop()
		ep := s.endpoint()
		s.eventuallyFed(s.delivery(ep, ""))
		// The first audit and both that a term begins with are over, and
		// both for the tick that was missing then.
		s.eventually("five audits", func() bool { return audits.n.Load() >= 5 })
		lost := s.delivery(ep, "task = 'c_lost', next_attempt_at = now() - interval '4 seconds'")
		// Nobody else looks at what is not due yet.
		later := s.delivery(ep, "task = 'r_lost', attempts = 1, next_attempt_at = now() + interval '1 hour'")
		memory.flush()
		s.eventuallyFed(lost)
		s.eventually("what waits for its time is back in Postgres", func() bool {
			return query[bool](s, "SELECT task IS NULL FROM deliveries WHERE id = $1", uuid(later))
		})
	})

	t.Run("TwoThatLeadAtOnceFeedEachDeliveryOnce", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.tasks.all = true
		s.many(3000, "")
		a, b := s.scheduler("a", &fakeMemory{}), s.scheduler("b", &fakeMemory{})
		// Each believes that it leads.
		a.postgres.Leases, b.postgres.Leases = &fakeLease{}, &fakeLease{}
		// Whoever claims rows that another has locked waits here, and has them twice then.
		held, err := s.raw.Begin(t.Context())
		must(t, err)
		defer func() { _ = held.Rollback(context.Background()) }()
		_, err = held.Exec(t.Context(), "SELECT FROM deliveries ORDER BY id LIMIT 1 FOR UPDATE")
		must(t, err)
		a.Start()
		defer a.Stop()
		b.Start()
		defer b.Stop()
		s.eventually("all others have a task", func() bool {
			return query[bool](s, "SELECT count(*) FILTER (WHERE task IS NULL) = 1 FROM deliveries")
		})
		must(t, held.Rollback(t.Context()))
		s.eventually("all have a task", func() bool { return query[bool](s, "SELECT bool_and(task IS NOT NULL) FROM deliveries") })
		last := s.delivery(s.endpoint(), "")
		s.eventuallyFed(last)
		a.Stop()
		b.Stop()
		if n := members(s.queue.chunks); n != 3001 {
			t.Errorf("fed %d of 3001", n)
		}
	})

	t.Run("SurvivesAPostgresThatIsAway", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.tasks.all = true
		name := query[string](s, "SELECT current_database()")
		admin := s.elsewhere()
		scheduler := s.scheduler("a", &fakeMemory{})
		scheduler.Start()
		defer scheduler.Stop()
		ep := s.endpoint()
		s.eventuallyFed(s.delivery(ep, ""))
		due := s.delivery(ep, "next_attempt_at = now() + interval '1 second'")
		s.raw.Close()
		for _, statement := range []string{
			"ALTER DATABASE " + name + " ALLOW_CONNECTIONS false",
			"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '" + name + "'",
		} {
			_, err := admin.Exec(t.Context(), statement)
			must(t, err)
		}
		s.eventually("feed fails", func() bool {
			var m dto.Metric
			must(t, scheduler.metrics.failures.WithLabelValues("feed").Write(&m))
			return m.GetCounter().GetValue() >= 2
		})
		_, err := admin.Exec(t.Context(), "ALTER DATABASE "+name+" ALLOW_CONNECTIONS true")
		must(t, err)
		s.eventuallyFed(due)
	})
}

// elsewhere is a connection to another database of the server.
func (s *stage) elsewhere() *pgx.Conn {
	s.t.Helper()
	cfg, err := pgx.ParseConfig(s.url)
	must(s.t, err)
	cfg.Database = "postgres"
	conn, err := pgx.ConnectConfig(s.t.Context(), cfg)
	must(s.t, err)
	s.t.Cleanup(func() { must(s.t, conn.Close(context.Background())) })
	return conn
}
