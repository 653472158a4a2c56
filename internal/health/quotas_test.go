package health

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/postrider/postrider/internal/redistest"
	"github.com/postrider/postrider/internal/webhook"
)

// asked counts how often Redis is asked, and keeps the last arguments.
type asked struct {
	redis.Scripter
	times atomic.Int64
	mu    sync.Mutex
	args  []any
}

func (a *asked) EvalSha(ctx context.Context, sha string, keys []string, args ...any) *redis.Cmd {
	a.times.Add(1)
	a.mu.Lock()
	a.args = args
	a.mu.Unlock()
	return a.Scripter.EvalSha(ctx, sha, keys, args...)
}

// back is how many the last asking gave back.
func (a *asked) back() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	n, _ := a.args[3].(int)
	return n
}

// hangs is a Redis that never answers.
type hangs struct{ redis.Scripter }

func (hangs) EvalSha(ctx context.Context, _ string, _ []string, _ ...any) *redis.Cmd {
	<-ctx.Done()
	cmd := redis.NewCmd(ctx)
	cmd.SetErr(ctx.Err())
	return cmd
}

// clock is a process's own, which stands still.
type clock struct{ now time.Time }

func (c *clock) pass(d time.Duration) { c.now = c.now.Add(d) }

// process is one that gives Redis the time that a busy machine needs.
func process(client redis.Scripter, perSecond int) *Quotas {
	q := NewQuotas(client, perSecond, discard)
	q.timeout = time.Minute
	return q
}

// still is a process whose clock stands still.
func still(client redis.Scripter, perSecond int) (*Quotas, *clock) {
	c := &clock{now: time.Now()}
	q := process(client, perSecond)
	q.now = func() time.Time { return c.now }
	return q, c
}

// allowed is how many of n requests there was room for.
func allowed(t *testing.T, n int, key webhook.ID, processes ...*Quotas) (count int) {
	t.Helper()
	for i := range n {
		if processes[i%len(processes)].Take(t.Context(), key).Allowed {
			count++
		}
	}
	return count
}

func TestQuotas(t *testing.T) {
	t.Parallel()

	on := func(name string, test func(t *testing.T, client *redis.Client)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			redistest.Each(t, func(t *testing.T, addr string) { test(t, connect(t, addr)) })
		})
	}

	on("HoldOverAllProcesses", func(t *testing.T, client *redis.Client) {
		for _, perSecond := range []int{1, 7, 200, 5000} {
			key := webhook.NewID(time.Now())
			processes := []*Quotas{process(client, perSecond), process(client, perSecond), process(client, perSecond)}
			began := time.Now()
			n := allowed(t, 4*perSecond+20, key, processes...)
			most := float64(perSecond) * (1 + time.Since(began).Seconds())
			if n < perSecond || float64(n) > most {
				t.Errorf("%d a second: %d requests within %s", perSecond, n, time.Since(began))
			}
		}
	})

	on("HoldForManyAtOnce", func(t *testing.T, client *redis.Client) {
		const perSecond = 300
		key := webhook.NewID(time.Now())
		processes := []*Quotas{process(client, perSecond), process(client, perSecond)}
		var count atomic.Int64
		var all sync.WaitGroup
		began := time.Now()
		for i := range 16 {
			all.Go(func() {
				for range 100 {
					if processes[i%2].Take(context.Background(), key).Allowed {
						count.Add(1)
					}
				}
			})
		}
		all.Wait()
		if n, most := float64(count.Load()), perSecond*(1+time.Since(began).Seconds()); n < perSecond || n > most {
			t.Errorf("%.0f requests within %s", n, time.Since(began))
		}
	})

	on("TellHowMuchIsLeft", func(t *testing.T, client *redis.Client) {
		one, _ := still(client, 2)
		two, _ := still(client, 2)
		key := webhook.NewID(time.Now())
		if q := one.Take(t.Context(), key); !q.Allowed || q.Left != 1 || q.PerSecond != 2 {
			t.Errorf("the first: %+v", q)
		}
		if q := two.Take(t.Context(), key); !q.Allowed || q.Left != 0 {
			t.Errorf("the second: %+v", q)
		}
		if q := one.Take(t.Context(), key); q.Allowed || q.Left != 0 || q.Wait <= 0 || q.Wait > time.Second/2 {
			t.Errorf("the third: %+v", q)
		}
		if q := one.Take(t.Context(), webhook.NewID(time.Now())); !q.Allowed || q.Left != 1 {
			t.Errorf("another key is held back: %+v", q)
		}
	})

	on("FillAgain", func(t *testing.T, client *redis.Client) {
		q := process(client, 5)
		key := webhook.NewID(time.Now())
		allowed(t, 10, key, q)
		deadline := time.Now().Add(time.Minute)
		for n := 0; n < 3; {
			a := q.Take(t.Context(), key)
			switch {
			case a.Allowed:
				n++
			case a.Wait <= 0 || a.Wait > time.Second/5+time.Millisecond:
				t.Fatalf("refused with %+v", a)
			case time.Now().After(deadline):
				t.Fatal("no room again")
			default:
				<-time.After(a.Wait)
			}
		}
	})

	for name, step := range map[string]time.Duration{"Back": -5 * time.Minute, "Ahead": 5 * time.Minute} {
		on("GoOnWhenRedissClockSteps"+name, func(t *testing.T, client *redis.Client) {
			const perSecond = 50
			q, _ := still(client, perSecond)
			key := webhook.NewID(time.Now())
			if n := allowed(t, perSecond, key, q); n != perSecond {
				t.Fatalf("%d of %d were allowed", n, perSecond)
			}
			// To a clock that was set, what was written before is as much off.
			must(t, client.IncrBy(t.Context(), "postrider:quota:{"+key.Format(webhook.KeyPrefix)+"}", -step.Microseconds()).Err())
			q, clock := still(client, perSecond) // which has no lease of before
			granted, refusals := 0, 0
			for range 4 * perSecond {
				got := q.Take(t.Context(), key)
				switch {
				case got.Allowed:
					granted++
				case got.Wait > time.Second/perSecond+time.Microsecond:
					t.Fatalf("after %d more: the next one in %s", granted, got.Wait)
				default:
					refusals++
					<-time.After(got.Wait)
					clock.pass(got.Wait)
				}
			}
			if granted < perSecond || refusals == 0 {
				t.Errorf("%d were allowed, %d refused", granted, refusals)
			}
		})
	}

	on("AskRedisOncePerLeaseWhereMuchIsUsed", func(t *testing.T, client *redis.Client) {
		a := &asked{Scripter: client}
		q, _ := still(a, 100_000)
		if n := allowed(t, 20_000, webhook.NewID(time.Now()), q); n != 20_000 {
			t.Errorf("%d were allowed", n)
		}
		// 1, 2, 4 … 1024, and then 2000 each.
		if n := a.times.Load(); n > 11+10+1 { // and EVAL after the first EVALSHA
			t.Errorf("redis was asked %d times", n)
		}
	})

	on("GiveBackWhatWasNotUsed", func(t *testing.T, client *redis.Client) {
		a := &asked{Scripter: client}
		q, clock := still(a, 1000)
		key := webhook.NewID(time.Now())
		allowed(t, 1+2+4+8+1, key, q) // of a lease of 16, one is used
		clock.pass(leaseFor)
		q.Take(t.Context(), key)
		if n := a.back(); n != 15 {
			t.Errorf("%d were given back, want 15", n)
		}
		clock.pass(leaseFor + time.Second) // the bucket is full by itself
		q.Take(t.Context(), key)
		if n := a.back(); n != 0 {
			t.Errorf("%d were given back late", n)
		}
		key = webhook.NewID(time.Now())
		q, _ = still(client, 2)
		if granted, left, _, err := q.ask(t.Context(), key, 9, 0); err != nil || granted != 2 || left != 0 {
			t.Errorf("granted %d, left %d: %v", granted, left, err)
		}
		if granted, left, _, err := q.ask(t.Context(), key, 1, 2); err != nil || granted != 1 || left != 1 {
			t.Errorf("after 2 came back: granted %d, left %d: %v", granted, left, err)
		}
		if granted, left, _, err := q.ask(t.Context(), key, 9, 9); err != nil || granted != 2 || left != 0 {
			t.Errorf("after too many came back: granted %d, left %d: %v", granted, left, err)
		}
	})

	on("AskNobodyWhileThereIsNoRoom", func(t *testing.T, client *redis.Client) {
		a := &asked{Scripter: client}
		q, clock := still(a, 2)
		key := webhook.NewID(time.Now())
		allowed(t, 3, key, q)
		before := a.times.Load()
		if n := allowed(t, 50, key, q); n != 0 || a.times.Load() != before {
			t.Errorf("%d were allowed, and redis was asked %d times more", n, a.times.Load()-before)
		}
		clock.pass(time.Second)
		if q.Take(t.Context(), key); a.times.Load() == before {
			t.Error("redis was never asked again")
		}
	})

	on("AreSharedForACallerThatIsGone", func(t *testing.T, client *redis.Client) {
		one, _ := still(client, 2)
		two, _ := still(client, 2)
		key := webhook.NewID(time.Now())
		gone, cancel := context.WithCancel(context.Background())
		cancel()
		one.Take(gone, key)
		one.Take(gone, key)
		if q := two.Take(t.Context(), key); q.Allowed {
			t.Errorf("got %+v", q)
		}
	})

	t.Run("AreEachProcessesOwnWithoutRedis", func(t *testing.T) {
		t.Parallel()
		a := &asked{Scripter: connect(t, "127.0.0.1:1")}
		q, clock := still(a, 3)
		key := webhook.NewID(time.Now())
		if n := allowed(t, 10, key, q); n != 3 {
			t.Errorf("%d were allowed, want the full rate", n)
		}
		if refused := q.Take(t.Context(), key); refused.Wait <= 0 || refused.Wait > time.Second/3+time.Millisecond || refused.PerSecond != 3 {
			t.Errorf("got %+v", refused)
		}
		if n := a.times.Load(); n != 1 {
			t.Errorf("redis was asked %d times", n)
		}
		clock.pass(awayFor)
		if n := allowed(t, 10, key, q); n != 3 || a.times.Load() != 2 {
			t.Errorf("a second later %d were allowed, and redis was asked %d times", n, a.times.Load())
		}
	})

	t.Run("AreNotHeldUpTwiceByARedisThatHangs", func(t *testing.T) {
		t.Parallel()
		a := &asked{Scripter: hangs{}}
		q, _ := still(a, 1000)
		q.timeout = time.Millisecond
		if n := allowed(t, 500, webhook.NewID(time.Now()), q); n != 500 || a.times.Load() != 1 {
			t.Errorf("%d were allowed, and redis was asked %d times", n, a.times.Load())
		}
	})
}

func BenchmarkQuotas(b *testing.B) {
	client := redis.NewClient(&redis.Options{Addr: redistest.New(b).Addr(), ContextTimeoutEnabled: true})
	b.Cleanup(func() { _ = client.Close() })
	run := func(name string, perSecond, keys int) {
		b.Run(name, func(b *testing.B) {
			a := &asked{Scripter: client}
			q := process(a, perSecond)
			ids := make([]webhook.ID, keys)
			for i := range ids {
				ids[i] = webhook.NewID(time.Now())
			}
			var next atomic.Int64
			var refused atomic.Int64
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if !q.Take(context.Background(), ids[int(next.Add(1))%keys]).Allowed {
						refused.Add(1)
					}
				}
			})
			b.ReportMetric(float64(a.times.Load())/float64(b.N), "asks/op")
			b.ReportMetric(float64(refused.Load())/float64(b.N), "refused/op")
		})
	}
	run("OneBusyKeyWithRoom", 1_000_000, 1)
	run("ManyKeysWithRoom", 1_000_000, 1000)
	run("OneKeyBeyondItsRate", 1000, 1)
	run("EachAskedAbout", 49, 5000) // a lease is of one request
}
