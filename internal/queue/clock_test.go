package queue

import (
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/hibiken/asynq"

	"github.com/postrider/postrider/internal/webhook"
)

// hands are a clock whose time of day a test may set.
type hands struct {
	mu  sync.Mutex
	off time.Duration
}

// put gives a Redis's client a clock that can be set.
func (h *hands) put(r *Redis) {
	real := r.clock.read
	r.clock.read = func() reading {
		h.mu.Lock()
		defer h.mu.Unlock()
		now := real()
		now.wall = now.wall.Add(h.off)
		return now
	}
}

// step sets the time of day.
func (h *hands) step(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.off += d
}

// steps are what a wrong clock is set right by, or a right one wrong.
var steps = map[string]time.Duration{"Ahead": 5 * time.Minute, "Back": -5 * time.Minute}

func TestClock(t *testing.T) {
	t.Parallel()

	on(t, "IsNotTrustedBeforeItWasCompared", func(t *testing.T, k *kit) {
		if k.redis.clock.trusted() || k.redis.ClockOff() != nil {
			t.Error("it is trusted, or known to be off")
		}
		must(t, k.redis.CheckClock(t.Context()))
		if !k.redis.clock.trusted() {
			t.Error("it is not trusted though it agrees")
		}
	})

	for name, step := range steps {
		on(t, "ThatSteps"+name+"ShowsAtOnce", func(t *testing.T, k *kit) {
			var h hands
			h.put(k.redis)
			must(t, k.redis.CheckClock(t.Context()))
			h.step(step)
			if k.redis.clock.trusted() || k.redis.ClockOff() == nil {
				t.Error("it is trusted without another comparison")
			}
			if err := k.redis.CheckClock(t.Context()); err == nil {
				t.Error("it is trusted after another comparison")
			}
			h.step(-step)
			if !k.redis.clock.trusted() {
				t.Error("it is not trusted though it was set right")
			}
		})
	}

	on(t, "MayDifferBySeconds", func(t *testing.T, k *kit) {
		for off, want := range map[time.Duration]bool{
			8 * time.Second: true, -8 * time.Second: true, 12 * time.Second: false, -12 * time.Second: false,
		} {
			h := &hands{off: off}
			k := open(t, "redis://"+k.redis.opts.Addrs[0]+"/0")
			h.put(k)
			if err := k.CheckClock(t.Context()); (err == nil) != want {
				t.Errorf("off by %s: %v", off, err)
			}
		}
	})
}

// A worker's clock and Redis's differ; what waits in Redis is due by Redis's, by
// which the other workers go.
func TestWaitingGoesByRedissClock(t *testing.T) {
	t.Parallel()
	for name, step := range steps {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := miniredis.RunT(t)
			r := open(t, "redis://"+server.Addr()+"/0")
			theirs := time.Now().Add(step).Truncate(time.Second)
			server.SetTime(theirs)
			if _, err := r.Skew(t.Context()); err != nil {
				t.Fatal(err)
			}
			const delay = 10 * time.Minute
			due := func(at time.Time) {
				t.Helper()
				if late := at.Sub(theirs.Add(delay)); late < -time.Second || late > maxTestSkew {
					t.Errorf("it is due %s after it should be", late)
				}
			}
			// A task of its own, whose time is set when it is enqueued.
			c := sample(1, 10)
			c.Task = webhook.NewTask(webhook.LaneRetry, now())
			must(t, NewClient(r).EnqueueAt(t.Context(), c, now().Add(delay)))
			info, err := asynq.NewInspectorFromRedisClient(r.client).GetTaskInfo("retry", c.Task)
			must(t, err)
			due(info.NextProcessAt)
			// A task that comes back: asynq adds the delay to this machine's clock.
			due(now().Add(retryDelay(r.clock)(0, later(delay), nil)))
		})
	}
}
