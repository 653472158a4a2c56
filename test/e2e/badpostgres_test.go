package e2e

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/postrider/postrider/internal/pgtest"
	"github.com/postrider/postrider/test/e2e/stack"
)

// three is one process of each role on a Postgres that is about to fail.
type three struct {
	service
	worker, scheduler *stack.Process
	dsn               string // the server that a test looks into
}

func (s three) all() []*stack.Process { return []*stack.Process{s.api, s.worker, s.scheduler} }

// threeOn starts them with an endpoint; processURL is how they reach Postgres.
func threeOn(t *testing.T, dsn, processURL string, settings stack.Settings) three {
	t.Helper()
	s := three{service: service{Stack: stack.On(t, processURL), r: stack.NewReceiver(t)}, dsn: dsn}
	s.api = s.API(t)
	s.worker, s.scheduler = s.Worker(t), s.Scheduler(t)
	s.c = s.Workspace(t, s.api)
	s.c.Endpoint(t, s.r, "/", settings)
	return s
}

// untaken is how many tasks no worker has taken yet.
func (s three) untaken(t *testing.T) int {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: s.Redis.Addr(), DisableIdentity: true})
	defer c.Close()
	n, err := c.LLen(t.Context(), "asynq:{deliver}:pending").Result()
	if err != nil {
		t.Fatal(err)
	}
	return int(n)
}

// queued publishes events whose tasks wait in Redis, for the worker is stopped.
func (s three) queued(t *testing.T, n int) []string {
	t.Helper()
	s.worker.Signal(t, syscall.SIGSTOP)
	events := s.c.PublishBatch(t, "post.created", n)
	stack.Eventually(t, "the deliveries have tasks", func() bool { return s.Tasks(t) >= n/50 })
	return events
}

// waitReason waits until a process's readiness says why Postgres is not available.
func (s three) waitReason(t *testing.T, p *stack.Process, why string) {
	t.Helper()
	stack.Eventually(t, p.Name+" says "+why, func() bool {
		return strings.Contains(s.Readiness(t, p).Checks["postgres"].Error, why)
	})
}

// wantOnceInAll: everything that was accepted arrives, once.
func (s three) wantOnceInAll(t *testing.T, events ...[]string) {
	t.Helper()
	all := slices.Concat(events...)
	s.r.WaitFor(t, "/", all...)
	s.c.WaitSettled(t)
	s.r.WantOnce(t, "/", all...)
}

func TestReadOnlyPostgres(t *testing.T) {
	t.Parallel()

	t.Run("IsA503AndMakesNoRequestAndIsLeftForAnother", func(t *testing.T) {
		t.Parallel()
		dsn := pgtest.New(t)
		s := threeOn(t, dsn, dsn, nil)
		before := s.c.PublishBatch(t, "post.created", 50)
		s.r.WaitFor(t, "/", before...)
		s.c.WaitSettled(t)
		gate := stack.NewGate(t)
		s.r.Script("/", stack.Hang(gate))
		running := s.c.Publish(t, "post.created").ID
		stack.Eventually(t, "a request is being made", func() bool { return gate.Waiting() == 1 })
		made := s.r.Pairs()
		waiting := s.queued(t, 100)

		stack.TurnReadOnly(t, dsn)
		gate.Open() // while the worker is stopped: what it hears of is then in a Postgres that takes nothing
		s.worker.Signal(t, syscall.SIGCONT)
		stack.Eventually(t, "the worker has taken what waits", func() bool { return s.untaken(t) == 0 })
		<-time.After(time.Second) // and would have begun it
		for range 3 {
			wantUnavailable(t, s.c.Do(t, http.MethodPost, "/v1/events", anEvent))
		}
		s.c.Call(t, http.MethodGet, "/v1/endpoints", nil, http.StatusOK, nil) // it can be read
		for _, p := range s.all() {
			s.waitCheck(t, p, "postgres", "failed", http.StatusServiceUnavailable)
			s.waitReason(t, p, "read-only")
		}
		if n := s.r.Pairs(); n != made {
			t.Errorf("%d requests were made that could not be recorded", n-made)
		}
		if d := s.c.Deliveries(t, running); d[0].Status != "pending" || d[0].Attempts != 0 {
			t.Errorf("what can't have been recorded is %+v", d[0])
		}

		stack.TurnWritable(t, dsn)
		for _, p := range s.all() {
			s.WaitReady(t, p)
		}
		s.wantOnceInAll(t, before, []string{running}, waiting, s.c.PublishBatch(t, "post.created", 50))
	})

	t.Run("AfterAFailoverIsLeftForTheNewPrimary", func(t *testing.T) {
		t.Parallel()
		primary := stack.NewPostgres(t)
		standby := primary.Standby(t)
		// The standby comes first in the URL: whoever took what it gets would be stuck.
		s := threeOn(t, standby.URL, stack.Either(t, standby, primary), nil)
		before := s.c.PublishBatch(t, "post.created", 50)
		s.r.WaitFor(t, "/", before...)
		s.c.WaitSettled(t)
		waiting := s.queued(t, 100)
		primary.Caught(t, standby)
		primary.Kill(t)
		wantUnavailable(t, s.c.Do(t, http.MethodPost, "/v1/events", anEvent))
		s.worker.Signal(t, syscall.SIGCONT)
		for _, p := range s.all() {
			s.waitCheck(t, p, "postgres", "failed", http.StatusServiceUnavailable)
		}
		if n := s.r.Pairs(); n != len(before) {
			t.Errorf("%d requests were made that could not be recorded", n-len(before))
		}
		standby.Promote(t)
		for _, p := range s.all() {
			s.WaitReady(t, p)
		}
		s.wantOnceInAll(t, before, waiting, s.c.PublishBatch(t, "post.created", 50))
	})
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	disk := stack.SmallDisk(t, "96")
	pg := stack.NewPostgres(t)
	pg.MoveTo(t, disk)
	s := threeOn(t, pg.URL, pg.URL, stack.Settings{"max_in_flight": 8})
	before := s.c.PublishBatch(t, "post.created", 20)
	s.r.WaitFor(t, "/", before...)
	s.c.WaitSettled(t)
	// Of each answer so much is kept that no attempt fits into the pages there are.
	long := strings.Repeat("what the receiver says ", 2000)
	s.r.Script("/", stack.Times(1000, func(w http.ResponseWriter, _ *http.Request) {
		<-time.After(100 * time.Millisecond) // so that the first are recorded before the last begin
		_, _ = w.Write([]byte(long))
	})...)
	waiting := s.queued(t, 200)

	disk.Fill(t)
	big := map[string]any{"type": "post.created", "data": map[string]any{"text": noise(200_000)}}
	for range 3 {
		wantUnavailable(t, s.c.Do(t, http.MethodPost, "/v1/events", big))
	}
	s.c.Call(t, http.MethodGet, "/v1/endpoints", nil, http.StatusOK, nil) // it can be read
	s.waitCheck(t, s.api, "postgres", "ok", http.StatusOK)
	s.worker.Signal(t, syscall.SIGCONT)
	s.waitCheck(t, s.worker, "recorder", "failed", http.StatusServiceUnavailable)
	tried := func() float64 { return s.Metric(t, s.worker, "postrider_deliver_record_failures_total") }
	stack.Eventually(t, "what was under way has come back", func() bool { return s.Metric(t, s.worker, "postrider_deliver_in_flight") == 0 })
	made, tries := s.r.Pairs(), tried()
	if made == len(before) || made == len(before)+len(waiting) {
		t.Errorf("%d of %d requests were made", made-len(before), len(waiting))
	}
	stack.Eventually(t, "it has tried to record again", func() bool { return tried() > tries+1 })
	if n := s.r.Pairs(); n != made {
		t.Errorf("%d requests were begun while nothing could be recorded", n-made)
	}
	if n := stack.Ask[int](t, s.dsn, "SELECT count(*) FROM deliveries WHERE status = 'success'"); n > made {
		t.Errorf("%d deliveries are said to be delivered, and %d requests were made", n, made)
	}
	if saidOf(t, s.worker, "attempts wait to be recorded", "No space left on device") == 0 {
		t.Error("the worker does not say what is wrong")
	}

	disk.Empty(t)
	for _, p := range s.all() {
		s.WaitReady(t, p)
	}
	var event stack.Event
	s.c.Call(t, http.MethodPost, "/v1/events", big, http.StatusAccepted, &event)
	s.wantOnceInAll(t, before, waiting, []string{event.ID})
}

func TestPostgresWithoutConnections(t *testing.T) {
	t.Parallel()
	role, server := "app_"+strings.ToLower(rand.Text()), pgtest.Empty(t)
	// One who is no superuser, for whom no limit holds, but has what they have.
	stack.SQL(t, server, "CREATE ROLE "+role+" LOGIN IN ROLE postgres")
	t.Cleanup(func() { stack.SQL(t, server, "DROP OWNED BY "+role, "DROP ROLE "+role) })
	dsn := pgtest.New(t)
	s := threeOn(t, dsn, as(t, dsn, role), nil)
	before := s.c.PublishBatch(t, "post.created", 50)
	stack.SQL(t, server, "ALTER ROLE "+role+" CONNECTION LIMIT 0")
	stack.CutOff(t, dsn)
	for range 3 {
		wantUnavailable(t, s.c.Do(t, http.MethodPost, "/v1/events", anEvent))
		wantUnavailable(t, s.c.Do(t, http.MethodGet, "/v1/endpoints", nil))
	}
	for _, p := range s.all() {
		s.waitCheck(t, p, "postgres", "failed", http.StatusServiceUnavailable)
		s.waitReason(t, p, "53300")
	}
	stack.SQL(t, server, "ALTER ROLE "+role+" CONNECTION LIMIT -1")
	for _, p := range s.all() {
		s.WaitReady(t, p)
	}
	after := s.c.PublishBatch(t, "post.created", 50)
	s.r.WaitFor(t, "/", append(before, after...)...)
	s.c.WaitSettled(t)
	s.wantAtMostTwice(t, "/", append(before, after...))
}

func TestPostgresThatShutsDown(t *testing.T) {
	t.Parallel()
	pg := stack.NewPostgres(t)
	s := threeOn(t, pg.URL, pg.URL, nil)
	before := s.c.PublishBatch(t, "post.created", 50)
	end := pg.Linger(t)
	for range 3 {
		wantUnavailable(t, s.c.Do(t, http.MethodPost, "/v1/events", anEvent))
	}
	for _, p := range s.all() {
		s.waitCheck(t, p, "postgres", "failed", http.StatusServiceUnavailable)
		s.waitReason(t, p, "57P03")
	}
	end()
	pg.Start(t)
	for _, p := range s.all() {
		s.WaitReady(t, p)
	}
	after := s.c.PublishBatch(t, "post.created", 50)
	s.r.WaitFor(t, "/", append(before, after...)...)
	s.c.WaitSettled(t)
	s.wantAtMostTwice(t, "/", append(before, after...))
}

// noise is text of so many characters that does not compress.
func noise(n int) string {
	var b strings.Builder
	for b.Len() < n {
		b.WriteString(rand.Text())
	}
	return b.String()[:n]
}

// as is the same database for another user.
func as(t *testing.T, raw, user string) string {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.User(user)
	return u.String()
}
