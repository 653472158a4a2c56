package health

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"

	"github.com/postrider/postrider/internal/redistest"
	"github.com/postrider/postrider/internal/webhook"
)

var discard = slog.New(slog.DiscardHandler)

func connect(t *testing.T, addr string) *redis.Client {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: addr, ContextTimeoutEnabled: true})
	t.Cleanup(func() { must(t, c.Close()) })
	return c
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func workers(n int) func() int { return func() int { return n } }

// ledger has every start that was granted, by Redis's clock: the only one that
// says whether two callers' starts are apart.
type ledger struct {
	client *redis.Client
	t      *testing.T
	starts []int64 // in microseconds
}

// reserve asks for n starts and writes down what it gets. The key holds the next
// free start, which says by Redis's clock where the granted ones are.
func (l *ledger) reserve(r *Rates, endpoint webhook.ID, perSecond, n int, horizon time.Duration) {
	l.t.Helper()
	granted, _, apart := r.Reserve(l.t.Context(), endpoint, perSecond, n, horizon)
	if granted == 0 {
		return
	}
	next, err := l.client.Get(l.t.Context(), "postrider:rate:{"+endpoint.Format(webhook.EndpointPrefix)+"}").Int64()
	must(l.t, err)
	for i := range granted {
		l.starts = append(l.starts, next-int64(granted-i)*apart.Microseconds())
	}
}

// check fails for a second with more starts than the rate allows.
func (l *ledger) check(perSecond int) {
	l.t.Helper()
	slices.Sort(l.starts)
	for i := perSecond; i < len(l.starts); i++ {
		if within := l.starts[i] - l.starts[i-perSecond]; within < 1_000_000 {
			l.t.Fatalf("%d starts within %d µs at %d a second", perSecond+1, within, perSecond)
		}
	}
}

func TestRates(t *testing.T) {
	t.Parallel()

	on := func(name string, test func(t *testing.T, client *redis.Client)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			redistest.Each(t, func(t *testing.T, addr string) { test(t, connect(t, addr)) })
		})
	}

	on("NeverGrantMoreThanTheRate", func(t *testing.T, client *redis.Client) {
		for _, perSecond := range []int{1, 3, 7, 50, 999, 1_000_000} {
			l := &ledger{client: client, t: t}
			r := patient(NewRates(client, workers(5), discard))
			endpoint := webhook.NewID(time.Now())
			for range 60 {
				l.reserve(r, endpoint, perSecond, 1+len(l.starts)%7, 3*time.Second)
			}
			l.check(perSecond)
			if len(l.starts) < min(3*perSecond, 60) {
				t.Errorf("%d a second: only %d starts in 3 seconds", perSecond, len(l.starts))
			}
		}
	})

	for name, step := range map[string]time.Duration{"Back": -5 * time.Minute, "Ahead": 5 * time.Minute} {
		on("GoOnWhenRedissClockSteps"+name, func(t *testing.T, client *redis.Client) {
			r := patient(NewRates(client, workers(1), discard))
			r.longest = maxHorizon
			endpoint := webhook.NewID(time.Now())
			if granted, _, _ := r.Reserve(t.Context(), endpoint, 10, 11, time.Second); granted != 11 {
				t.Fatalf("%d of 11 were granted", granted)
			}
			// To a clock that was set, what was written before is as much off.
			key := "postrider:rate:{" + endpoint.Format(webhook.EndpointPrefix) + "}"
			must(t, client.IncrBy(t.Context(), key, -step.Microseconds()).Err())
			granted, first, _ := r.Reserve(t.Context(), endpoint, 10, 11, time.Second)
			if granted != 11 || first != 0 {
				t.Errorf("%d of 11 were granted, the first in %s", granted, first)
			}
			if granted, _, _ = r.Reserve(t.Context(), endpoint, 10, 11, time.Second); granted > 5 {
				t.Errorf("the rate is not kept any more: %d of 11 were granted again", granted)
			}
		})
	}

	on("GrantStartsApartFromEachOther", func(t *testing.T, client *redis.Client) {
		r := patient(NewRates(client, workers(1), discard))
		endpoint := webhook.NewID(time.Now())
		before := time.Now()
		granted, first, apart := r.Reserve(t.Context(), endpoint, 20, 10, time.Minute)
		if granted != 10 || first != 0 || apart != 50*time.Millisecond {
			t.Errorf("got %d from %s on, %s apart", granted, first, apart)
		}
		granted, first, _ = r.Reserve(t.Context(), endpoint, 20, 5, time.Minute)
		passed := time.Since(before)
		if granted != 5 || first > 500*time.Millisecond || first < 500*time.Millisecond-passed {
			t.Errorf("after 10 starts and %s: %d from %s on", passed, granted, first)
		}
	})

	on("GrantNothingBeyondTheHorizon", func(t *testing.T, client *redis.Client) {
		r := patient(NewRates(client, workers(1), discard))
		endpoint := webhook.NewID(time.Now())
		// At 1 s apart: now and in 1, 2, … 60 seconds.
		if granted, _, _ := r.Reserve(t.Context(), endpoint, 1, 1000, time.Minute); granted != 61 {
			t.Errorf("%d starts within a minute", granted)
		}
		if granted, first, _ := r.Reserve(t.Context(), endpoint, 1, 1, 30*time.Second); granted != 0 || first != 0 {
			t.Errorf("%d more from %s on", granted, first)
		}
		// What was refused has reserved nothing.
		if granted, first, _ := r.Reserve(t.Context(), endpoint, 1, 1, 2*time.Minute); granted != 1 || first > 61*time.Second {
			t.Errorf("%d more from %s on", granted, first)
		}
	})

	on("GrantOneAtOnceWithoutAHorizon", func(t *testing.T, client *redis.Client) {
		r := patient(NewRates(client, workers(1), discard))
		endpoint := webhook.NewID(time.Now())
		if granted, first, _ := r.Reserve(t.Context(), endpoint, 1, 5, 0); granted != 1 || first != 0 {
			t.Errorf("got %d from %s on", granted, first)
		}
		if granted, _, _ := r.Reserve(t.Context(), endpoint, 1, 5, 0); granted != 0 {
			t.Errorf("got %d more", granted)
		}
	})

	on("GrantNoneWhereNoneIsWanted", func(t *testing.T, client *redis.Client) {
		r := patient(NewRates(client, workers(1), discard))
		endpoint := webhook.NewID(time.Now())
		if granted, _, _ := r.Reserve(t.Context(), endpoint, 1, 0, time.Second); granted != 0 {
			t.Errorf("got %d", granted)
		}
		if granted, first, _ := r.Reserve(t.Context(), endpoint, 1, 1, 0); granted != 1 || first != 0 {
			t.Errorf("got %d from %s on", granted, first)
		}
	})

	on("KeepEndpointsApart", func(t *testing.T, client *redis.Client) {
		r := patient(NewRates(client, workers(1), discard))
		for range 3 {
			if granted, first, _ := r.Reserve(t.Context(), webhook.NewID(time.Now()), 1, 1, 0); granted != 1 || first != 0 {
				t.Errorf("got %d from %s on", granted, first)
			}
		}
	})

	on("AreSharedByAllWhoAsk", func(t *testing.T, client *redis.Client) {
		// Each worker has Rates of its own; what they are granted in sum is what
		// one would be, however many there are.
		const perSecond, horizon = 10, 10 * time.Second
		endpoint := webhook.NewID(time.Now())
		var mu sync.Mutex
		var sum int
		var all sync.WaitGroup
		before := time.Now()
		for range 8 {
			r := patient(NewRates(client, workers(8), discard))
			all.Go(func() {
				for range 20 {
					granted, _, apart := r.Reserve(context.Background(), endpoint, perSecond, 3, horizon)
					if apart != 100*time.Millisecond {
						t.Errorf("%s apart: Redis was not asked", apart)
					}
					mu.Lock()
					sum += granted
					mu.Unlock()
				}
			})
		}
		all.Wait()
		passed := time.Since(before)
		if most := int((horizon+passed)/(100*time.Millisecond)) + 1; sum < 101 || sum > most {
			t.Errorf("%d starts, want 101 to %d", sum, most)
		}
	})

	on("ForgetAnEndpointThatNobodyAsksFor", func(t *testing.T, client *redis.Client) {
		r := patient(NewRates(client, workers(1), discard))
		r.Reserve(t.Context(), webhook.NewID(time.Now()), 1, 1, time.Second)
		keys := client.Keys(t.Context(), "*").Val()
		if len(keys) != 1 {
			t.Fatalf("there are keys %v", keys)
		}
		if ttl := client.PTTL(t.Context(), keys[0]).Val(); ttl <= 0 || ttl > 2*time.Minute {
			t.Errorf("it stays for %s", ttl)
		}
	})
}

func TestSpacing(t *testing.T) {
	t.Parallel()
	for perSecond, want := range map[int]time.Duration{
		1: time.Second, 3: 333334 * time.Microsecond, 7: 142858 * time.Microsecond, 1000: time.Millisecond,
		1_000_000: time.Microsecond, 2_000_000: time.Microsecond, 0: time.Second, -1: time.Second,
	} {
		if got := spacing(perSecond); got != want {
			t.Errorf("%d a second: %s, want %s", perSecond, got, want)
		}
	}
}

func TestRatesWithRedisAway(t *testing.T) {
	t.Parallel()

	t.Run("AreAWorkersShare", func(t *testing.T) {
		t.Parallel()
		r := NewRates(away{}, workers(4), discard)
		endpoint := webhook.NewID(time.Now())
		granted, first, apart := r.Reserve(t.Context(), endpoint, 20, 3, 10*time.Second)
		if granted != 3 || first != 0 || apart != 200*time.Millisecond {
			t.Errorf("got %d from %s on, %s apart", granted, first, apart)
		}
		if granted, first, _ := r.Reserve(t.Context(), endpoint, 20, 1, 10*time.Second); granted != 1 || first <= 0 || first > 600*time.Millisecond {
			t.Errorf("got %d from %s on", granted, first)
		}
	})

	t.Run("AreAWholeRateForAWorkerThatKnowsNobody", func(t *testing.T) {
		t.Parallel()
		r := NewRates(away{}, workers(0), discard)
		if _, _, apart := r.Reserve(t.Context(), webhook.NewID(time.Now()), 20, 1, time.Second); apart != 50*time.Millisecond {
			t.Errorf("%s apart", apart)
		}
	})

	t.Run("DoNotWaitForARedisThatHangs", func(t *testing.T) {
		t.Parallel()
		listener, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing
		must(t, err)
		defer listener.Close()
		// Its own timeouts must not be what ends the wait.
		client := redis.NewClient(&redis.Options{
			Addr: listener.Addr().String(), ContextTimeoutEnabled: true, ReadTimeout: -1, WriteTimeout: -1,
		})
		defer client.Close()
		r := NewRates(client, workers(2), discard)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		granted, first, apart := r.Reserve(ctx, webhook.NewID(time.Now()), 1, 1, time.Second)
		if granted != 1 || first != 0 || apart != 2*time.Second || ctx.Err() != nil {
			t.Errorf("got %d from %s on, %s apart, %v", granted, first, apart, ctx.Err())
		}
	})

	t.Run("GoByRedisAgainWhenItIsBack", func(t *testing.T) {
		t.Parallel()
		s := redistest.New(t)
		r := NewRates(connect(t, s.Addr()), workers(3), discard)
		endpoint := webhook.NewID(time.Now())
		s.Stop()
		if _, _, apart := r.Reserve(t.Context(), endpoint, 1, 1, time.Second); apart != 3*time.Second {
			t.Errorf("away: %s apart", apart)
		}
		must(t, s.Start())
		for deadline := time.Now().Add(time.Minute); ; {
			if _, _, apart := r.Reserve(t.Context(), endpoint, 1, 1, time.Second); apart == time.Second {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("still alone")
			}
		}
	})

	t.Run("NeverGrantMoreThanTheShare", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			r := NewRates(away{}, workers(1), discard)
			endpoint, clock := webhook.NewID(time.Now()), time.Unix(1_700_000_000, 0)
			apart := spacing(rapid.SampledFrom([]int{1, 3, 999, 1_000_000}).Draw(t, "rate")) *
				time.Duration(rapid.IntRange(1, 5).Draw(t, "workers"))
			var last time.Time
			for range rapid.IntRange(1, 30).Draw(t, "calls") {
				clock = clock.Add(time.Duration(rapid.IntRange(0, 3_000_000).Draw(t, "passed")) * time.Microsecond)
				horizon := time.Duration(rapid.IntRange(0, 2_000_000).Draw(t, "horizon")) * time.Microsecond
				wanted := rapid.IntRange(-1, 50).Draw(t, "wanted")
				granted, first, got := r.reserveLocally(endpoint, apart, wanted, horizon, clock)
				switch {
				case granted < 0 || granted > max(wanted, 0) || got != apart:
					t.Fatalf("%d of %d, %s apart", granted, wanted, got)
				case granted == 0:
					if wanted > 0 && !last.Add(apart).After(clock.Add(horizon)) {
						t.Fatalf("nothing, and there was room")
					}
					continue
				case !last.IsZero() && clock.Add(first).Sub(last) < apart:
					t.Fatalf("%s after the one before", clock.Add(first).Sub(last))
				case first < 0 || first+time.Duration(granted-1)*apart > horizon:
					t.Fatalf("%d from %s on are beyond %s", granted, first, horizon)
				}
				last = clock.Add(first + time.Duration(granted-1)*apart)
			}
		})
	})

	t.Run("ForgetEndpointsOfThePast", func(t *testing.T) {
		t.Parallel()
		r := NewRates(away{}, workers(1), discard)
		clock := time.Unix(1_700_000_000, 0)
		for range 5000 {
			clock = clock.Add(time.Second)
			r.reserveLocally(webhook.NewID(clock), time.Millisecond, 1, 0, clock)
		}
		if n := len(r.local); n > 1001 {
			t.Errorf("it remembers %d", n)
		}
		// One that limits something is not among them.
		busy := webhook.NewID(clock)
		r.reserveLocally(busy, time.Hour, 1, 0, clock)
		for range 2000 {
			clock = clock.Add(time.Millisecond)
			r.reserveLocally(webhook.NewID(clock), time.Millisecond, 1, 0, clock)
		}
		if granted, _, _ := r.reserveLocally(busy, time.Hour, 1, time.Minute, clock); granted != 0 {
			t.Error("a start within the hour was forgotten")
		}
	})
}

// away is a Redis that refuses everything.
type away struct{ redis.Scripter }

func (away) EvalSha(ctx context.Context, _ string, _ []string, _ ...any) *redis.Cmd {
	cmd := redis.NewCmd(ctx)
	cmd.SetErr(errors.New("redis is away"))
	return cmd
}

// patient waits for Redis however busy the machine is: these tests are of what it
// says, not of what a worker does without it.
func patient(r *Rates) *Rates {
	r.timeout, r.longest = time.Minute, 5*time.Minute
	return r
}
