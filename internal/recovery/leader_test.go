package recovery

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/recovery/parking"
	"github.com/postrider/postrider/internal/recovery/turns"
	"github.com/postrider/postrider/internal/webhook"
)

func TestLease(t *testing.T) {
	t.Parallel()
	const ttl = 6 * time.Second
	acquire := func(t *testing.T, l *postgres.Leases, holder string) (int64, bool) {
		t.Helper()
		epoch, held, err := l.Acquire(t.Context(), leaseName, holder, ttl)
		must(t, err)
		return epoch, held
	}

	t.Run("HasOneHolderWhoRenewsIt", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		l := postgres.NewLeases(s.db)
		first, held := acquire(t, l, "a")
		again, heldAgain := acquire(t, l, "a")
		if !held || !heldAgain || first != again {
			t.Errorf("a: %v, epoch %d; again %v, epoch %d", held, first, heldAgain, again)
		}
		if _, held := acquire(t, l, "b"); held {
			t.Error("b has it, too")
		}
	})

	t.Run("IsTakenOverWhenItRanOut", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		l := postgres.NewLeases(s.db)
		first, _ := acquire(t, l, "a")
		s.exec("UPDATE leases SET expires_at = now()")
		second, held := acquire(t, l, "b")
		if !held || second != first+1 {
			t.Errorf("b: %v, epoch %d after %d", held, second, first)
		}
		if _, held := acquire(t, l, "a"); held {
			t.Error("a has it back")
		}
	})

	t.Run("IsFreeOnceReleasedByItsHolder", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		l := postgres.NewLeases(s.db)
		acquire(t, l, "a")
		must(t, l.Release(t.Context(), leaseName, "b"))
		if _, held := acquire(t, l, "b"); held {
			t.Error("b released what is a's")
		}
		must(t, l.Release(t.Context(), leaseName, "a"))
		if _, held := acquire(t, l, "b"); !held {
			t.Error("it is not free")
		}
	})
}

// fakeLease is a row of leases, by the test's clock.
type fakeLease struct {
	mu      sync.Mutex
	holder  string
	epoch   int64
	expires time.Time
	away    bool
}

func (f *fakeLease) Acquire(_ context.Context, _, holder string, ttl time.Duration) (int64, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.away:
		return 0, false, errors.New("postgres is away")
	case f.holder != holder && time.Now().Before(f.expires):
		return 0, false, nil
	case f.holder != holder:
		f.holder, f.epoch = holder, f.epoch+1
	}
	f.expires = time.Now().Add(ttl)
	return f.epoch, true, nil
}

func (f *fakeLease) Release(_ context.Context, _, holder string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.holder == holder {
		f.expires = time.Now()
	}
	return nil
}

func (f *fakeLease) set(away bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.away = away
}

// idle has nothing to do, and counts feed's rounds and the audits of everything.
type idle struct {
	claims, clocks atomic.Int32
	workers        map[string]int64
	released       atomic.Value // the task that something was taken back from at last
	queue          fakeQueue
	fakeTasks
	fakeMemory
}

func (i *idle) Claim(context.Context, turns.Room, time.Time) ([]webhook.Chunk, bool, error) {
	i.claims.Add(1)
	return nil, false, nil
}
func (i *idle) Release(_ context.Context, held []webhook.Chunk) error {
	for _, c := range held {
		i.released.Store(c.Task)
	}
	return nil
}
func (i *idle) Clock(context.Context) (time.Time, error) {
	i.clocks.Add(1)
	return time.Now(), nil
}
func (i *idle) Held(context.Context, time.Time, time.Time, int) ([]webhook.Chunk, time.Time, error) {
	return nil, time.Time{}, nil
}
func (i *idle) DeadWorkers(context.Context, []string) ([]string, error) { return nil, nil }
func (i *idle) Heartbeats(context.Context) (map[string]int64, error)    { return i.workers, nil }
func (i *idle) HeldBy(_ context.Context, tasks []string, _ int) ([]webhook.Chunk, error) {
	return []webhook.Chunk{carries(tasks[0], webhook.ID{})}, nil
}
func (i *idle) Next(context.Context, func(parking.State) parking.Verdict) (parking.Outcome, error) {
	return parking.Outcome{}, nil
}
func (i *idle) EnsurePartitions(context.Context, time.Time, int) error    { return nil }
func (i *idle) PartitionDays(context.Context) ([]time.Time, error)        { return nil, nil }
func (i *idle) Days(context.Context) ([]time.Time, error)                 { return nil, nil }
func (i *idle) Expire(context.Context, time.Time) (int, error)            { return 0, nil }
func (i *idle) DropBodies(context.Context, time.Time) error               { return nil }
func (i *idle) DropDay(context.Context, time.Time) error                  { return nil }
func (i *idle) RemoveDeadWorkers(context.Context) (int, error)            { return 0, nil }
func (i *idle) ForgetEnded(context.Context) (int, error)                  { return 0, nil }
func (i *idle) OldestDue(context.Context) (a, b time.Duration, err error) { return 0, 0, nil }
func (i *idle) Unfinished(context.Context, int) ([]webhook.ID, error)     { return nil, nil }
func (i *idle) Sweep(context.Context, webhook.Line, int) (webhook.Swept, error) {
	return webhook.Swept{}, nil
}
func (i *idle) RemoveEnded(context.Context, time.Time) error { return nil }
func (i *idle) Step(context.Context, webhook.ID, func(*webhook.Endpoint) (webhook.Wants, error)) (int, error) {
	return 0, nil
}
func (i *idle) DisableFailing(context.Context, time.Duration, int, string) ([]webhook.ID, error) {
	return nil, nil
}

func newIdle(lease LeaseStore, holder string) (*Scheduler, *idle) {
	i := &idle{}
	return New(Postgres{lease, i, i, i, i, i, i, i, i}, Redis{&i.queue, i, i}, Config{Holder: holder}), i
}

// rounds is how many rounds of feed there are in d.
func (i *idle) rounds(d time.Duration) int32 {
	before := i.claims.Load()
	sleep(context.Background(), d)
	synctest.Wait()
	return i.claims.Load() - before
}

func TestLeadership(t *testing.T) {
	t.Parallel()

	t.Run("OnlyTheLeaderWorks", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			lease := &fakeLease{}
			a, workA := newIdle(lease, "a")
			b, workB := newIdle(lease, "b")
			a.Start()
			defer a.Stop()
			synctest.Wait()
			b.Start()
			defer b.Stop()
			if n := workA.rounds(time.Minute); n < 100 {
				t.Errorf("the leader fed %d times in a minute", n)
			}
			if workB.claims.Load() != 0 {
				t.Error("the other one works, too")
			}
		})
	})

	t.Run("AnotherTakesOverAfterACrashWithinSeconds", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			// In numbers: they are for how long nobody leads.
			lease := &fakeLease{holder: "crashed", epoch: 7, expires: time.Now().Add(6 * time.Second)}
			b, work := newIdle(lease, "b")
			b.Start()
			defer b.Stop()
			if n := work.rounds(5 * time.Second); n != 0 {
				t.Errorf("fed %d times before the lease ran out", n)
			}
			if n := work.rounds(4 * time.Second); n == 0 || lease.epoch != 8 {
				t.Errorf("fed %d times after that, in epoch %d", n, lease.epoch)
			}
			if left := time.Until(lease.expires); left > 6*time.Second {
				t.Errorf("should b crash, nobody leads for %s", left)
			}
		})
	})

	t.Run("StopHandsOverAtOnce", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			lease := &fakeLease{}
			a, workA := newIdle(lease, "a")
			b, workB := newIdle(lease, "b")
			a.Start()
			synctest.Wait()
			b.Start()
			defer b.Stop()
			synctest.Wait()
			a.Stop()
			if n := workB.rounds(renewEvery + time.Second); n == 0 {
				t.Error("nobody took over")
			}
			if n := workA.rounds(time.Minute); n != 0 {
				t.Errorf("a still fed %d times", n)
			}
		})
	})

	t.Run("ALeaseThatCannotBeRenewedEndsTheTermAndComesBack", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			lease := &fakeLease{}
			a, work := newIdle(lease, "a")
			a.Start()
			defer a.Stop()
			synctest.Wait()
			lease.set(true)
			sleep(t.Context(), leaseTTL+renewEvery)
			if n := work.rounds(time.Minute); n != 0 {
				t.Errorf("fed %d times without a lease", n)
			}
			lease.set(false)
			if n := work.rounds(renewEvery + 2*time.Second); n == 0 {
				t.Error("leads no more")
			}
		})
	})

	t.Run("ANewTermAuditsEverythingTwice", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			a, work := newIdle(&fakeLease{}, "a")
			work.value, work.found = 1, true
			a.Start()
			defer a.Stop()
			work.rounds(auditEvery - time.Second)
			// One more is the first round of the audit of what is overdue, and one is
			// retention's: both go by Postgres's clock.
			if n := work.clocks.Load(); n != 4 {
				t.Errorf("audited %d times", n)
			}
			work.flush()
			work.rounds(auditEvery - time.Second)
			// One more is its second round.
			if n := work.clocks.Load(); n != 7 {
				t.Errorf("audited %d times after Redis lost its memory", n)
			}
		})
	})

	t.Run("TakesBackWithinSecondsWhatADeadWorkerHeld", func(t *testing.T) {
		t.Parallel()
		for task, dies := range map[string]func(*idle){
			"c_dead": func(i *idle) {
				i.leases = map[string]int64{"c_dead": 1}
				i.run = []webhook.Chunk{carries("c_dead", webhook.ID{})}
			},
			"w_dead": func(i *idle) { i.workers = map[string]int64{"w_dead": 1} },
		} {
			synctest.Test(t, func(t *testing.T) {
				a, work := newIdle(&fakeLease{}, "a")
				dies(work)
				a.Start()
				defer a.Stop()
				work.rounds(13 * time.Second)
				if got := work.released.Load(); got != task {
					t.Errorf("%v was taken back, want %s", got, task)
				}
			})
		}
	})

	t.Run("StartAndStopMayBeRepeated", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			a, work := newIdle(&fakeLease{}, "a")
			a.Stop()
			for range 2 {
				a.Start()
				a.Start()
				if work.rounds(time.Second) == 0 {
					t.Error("does nothing")
				}
				a.Stop()
				a.Stop()
			}
		})
	})
}
