package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/pgtest"
	"github.com/postrider/postrider/test/e2e/stack"
)

// TestUpgrade has the machine to itself: it is not parallel. It goes the way of
// docs/operations.md: a new release's migrations are applied while the release
// before serves, then its processes are replaced, and one of them comes back.
func TestUpgrade(t *testing.T) {
	programs, commit := stack.ReleaseBefore(t)
	t.Logf("the release before is %s", commit)
	url := pgtest.Empty(t)
	after, r := stack.On(t, url), stack.NewReceiver(t)
	before := after.Release(programs)
	migrateOld := stack.Spawn(t, "migrate", before.Dir, before.Env, before.Program(t, "postrider"), "migrate", "up")
	if code := migrateOld.ExitCode(t); code != 0 {
		t.Fatalf("migrate up of the release before: exit code %d", code)
	}
	pending := strings.Count(service{Stack: after}.postrider(t, "migrate", "status").want(0).said, "pending")
	t.Logf("%d migrations are new", pending)

	old := map[string][]*stack.Process{
		"api": {before.API(t), before.API(t)}, "worker": {before.Worker(t), before.Worker(t)}, "scheduler": {before.Scheduler(t)},
	}
	balancer := after.NewBalancer(t, old["api"]...)
	c := after.Workspace(t, old["api"][0])
	c.Endpoint(t, r, "/quick", stack.Settings{"events": []string{"quick", "flaky"}})
	c.Endpoint(t, r, "/flaky", stack.Settings{"events": []string{"flaky"}, "retry_schedule": []int{1, 1}})
	r.Script("/flaky", stack.Times(10_000, stack.FirstAttempt(http.StatusInternalServerError))...)
	l := newLedger(t, balancer, c)
	l.publish(t, "quick", 25*time.Millisecond)
	l.publish(t, "flaky", 250*time.Millisecond)
	l.goesOn(t, 50)

	// Processes of the new release that come too early wait for their schema.
	roles := []string{"worker", "scheduler", "api"}
	replacements := make(map[string]*stack.Process)
	s := service{Stack: after}
	for _, role := range roles {
		replacements[role] = after.Launch(t, role)
		if pending > 0 {
			s.waitBehind(t, replacements[role])
		}
	}
	s.migrateTwice(t, pending)
	l.goesOn(t, 50) // the old release on the new schema

	for _, role := range roles {
		after.WaitReady(t, replacements[role])
	}
	balancer.Add(replacements["api"])
	l.goesOn(t, 50) // both releases at once
	for _, role := range roles {
		for _, p := range old[role] {
			p.Terminate(t)
			l.goesOn(t, 20)
		}
	}
	// Back again: a process of the old release starts on the new schema.
	c = c.At(before.API(t))
	before.Worker(t)
	before.Scheduler(t)
	c.Publish(t, "quick")
	l.goesOn(t, 20)
	l.close(t)
	t.Logf("%d requests were made while no API was ready", balancer.Blind())

	r.WaitFor(t, "/quick", slices.Concat(l.accepted["quick"], l.accepted["flaky"])...)
	r.WaitFor(t, "/flaky", l.accepted["flaky"]...)
	c.WaitSettled(t)
	if failed := c.WithStatus(t, "failed"); len(failed) > 0 {
		t.Errorf("failed: %v", failed)
	}
	wantNumbered(t, url)
}

// waitBehind waits until a process says that it waits for its schema, and how that
// comes.
func (s service) waitBehind(t *testing.T, p *stack.Process) {
	t.Helper()
	s.waitCheck(t, p, "migrations", "failed", http.StatusServiceUnavailable)
	if said := s.Readiness(t, p).Checks["migrations"].Error; !strings.Contains(said, "postrider migrate up") {
		t.Errorf("the %s says %q", p.Name, said)
	}
}

// migrateTwice runs migrate up in two processes at once: each migration is applied
// by one of them.
func (s service) migrateTwice(t *testing.T, pending int) {
	t.Helper()
	var said strings.Builder
	var both []*stack.Process
	for range 2 {
		both = append(both, stack.Spawn(t, "migrate", s.Dir, s.Env, stack.Program(t, "postrider"), "migrate", "up"))
	}
	for _, p := range both {
		if code := p.ExitCode(t); code != 0 {
			t.Errorf("one of two migrate up at once: exit code %d", code)
		}
		said.WriteString(p.Said(t))
	}
	if n := strings.Count(said.String(), "applied "); n != pending {
		t.Errorf("%d migrations were applied of %d: %s", n, pending, said.String())
	}
}

func TestSchema(t *testing.T) {
	t.Parallel()
	roles := []string{"api", "worker", "scheduler"}

	t.Run("ThatIsBehindIsWaitedFor", func(t *testing.T) {
		t.Parallel()
		s := service{Stack: stack.New(t), r: stack.NewReceiver(t)}
		s.postrider(t, "migrate", "down").want(0)
		var all []*stack.Process
		for _, role := range roles {
			all = append(all, s.Launch(t, role))
		}
		for _, p := range all {
			s.waitBehind(t, p)
		}
		impatient := s.Launch(t, "worker")
		s.waitBehind(t, impatient)
		impatient.Terminate(t)
		s.migrateTwice(t, 1)
		for _, p := range all {
			s.WaitReady(t, p)
		}
		s.c = s.Workspace(t, all[0])
		s.c.Endpoint(t, s.r, "/", nil)
		events := s.c.PublishBatch(t, "post.created", 20)
		s.c.WaitSettled(t)
		s.r.WantOnce(t, "/", events...)
	})

	t.Run("ThatIsAheadIsServed", func(t *testing.T) {
		t.Parallel()
		s := service{Stack: stack.New(t), r: stack.NewReceiver(t)}
		ask[int](t, setting(s.Stack, "POSTRIDER_POSTGRES_URL"),
			"INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, true) RETURNING 1")
		s.api = s.API(t)
		s.Worker(t)
		s.Scheduler(t)
		s.c = s.Workspace(t, s.api)
		s.c.Endpoint(t, s.r, "/", nil)
		events := s.c.PublishBatch(t, "post.created", 20)
		s.c.WaitSettled(t)
		s.r.WantOnce(t, "/", events...)
		s.postrider(t, "migrate", "up").want(0, "nothing to apply")
	})

	t.Run("ThatIsBeingMigratedIsServed", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		// As a migration's process leaves it while it works.
		ask[int](t, setting(s.Stack, "POSTRIDER_POSTGRES_URL"),
			"UPDATE goose_lock SET locked = true, locked_at = now(), lease_expires_at = now() + interval '1 hour' RETURNING 1")
		for range 5 {
			if r := s.Readiness(t, s.api); r.Code != http.StatusOK {
				t.Errorf("the API says %s", r)
			}
		}
		s.API(t)
	})
}
