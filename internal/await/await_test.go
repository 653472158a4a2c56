package await

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// memory is a store whose events are settled at a time.
type memory struct {
	mu      sync.Mutex
	settled map[webhook.ID]time.Time
	// looks are how many events each query was about, and when it was made.
	looks []int
	at    []time.Time
	away  bool
	reads int
}

var errAway = errors.New("postgres is away")

func (m *memory) Settled(_ context.Context, events []webhook.Awaited) (ids []webhook.ID, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.looks, m.at = append(m.looks, len(events)), append(m.at, time.Now())
	if m.away {
		return nil, errAway
	}
	for _, e := range events {
		if m.isSettled(e.EventID) {
			ids = append(ids, e.EventID)
		}
	}
	return ids, nil
}

func (m *memory) isSettled(id webhook.ID) bool {
	at, ok := m.settled[id]
	return ok && !time.Now().Before(at)
}

func (m *memory) Of(ctx context.Context, e webhook.Awaited) ([]webhook.Delivery, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reads++
	if m.away || ctx.Err() != nil {
		return nil, errors.Join(errAway, ctx.Err())
	}
	d := webhook.Delivery{Status: webhook.StatusPending}
	if m.isSettled(e.EventID) {
		d.Status = webhook.StatusSuccess
	}
	return []webhook.Delivery{d}, nil
}

func (m *memory) queries() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.looks)
}

// world is Waits in a bubble of its own time.
type world struct {
	*memory
	*Waits
	began time.Time
}

func bubble(t *testing.T, change func(*Config), test func(t *testing.T, w *world)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &world{memory: &memory{settled: make(map[webhook.ID]time.Time)}, began: time.Now()}
		var cfg Config
		if change != nil {
			change(&cfg)
		}
		w.Waits = New(w.memory, cfg)
		w.Start()
		defer w.Stop()
		test(t, w)
	})
}

// event is one that is settled after d; negative is never.
func (w *world) event(d time.Duration) webhook.Awaited {
	e := webhook.Awaited{WorkspaceID: "w", EventID: webhook.NewID(time.Now())}
	w.memory.mu.Lock()
	defer w.memory.mu.Unlock()
	if d >= 0 {
		w.settled[e.EventID] = time.Now().Add(d)
	}
	return e
}

// wants waits and checks why, and that it took between least and most.
func (w *world) wants(ctx context.Context, t *testing.T, e webhook.Awaited, d time.Duration, end webhook.WaitEnd, least, most time.Duration) {
	t.Helper()
	began := time.Now()
	out, got := w.Wait(ctx, e, 1, d)
	if took := time.Since(began); got != end || took < least || took > most {
		t.Errorf("%s after %s, want %s after %s to %s", got, took, end, least, most)
	}
	if end != webhook.WaitUnknown && len(out) != 1 {
		t.Errorf("%d outcomes", len(out))
	}
}

func TestWait_EndsSoonAfterTheEventIsSettled(t *testing.T) {
	bubble(t, nil, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.wants(ctx, t, w.event(0), 10*time.Second, webhook.WaitSettled, 0, 20*time.Millisecond)
		w.wants(ctx, t, w.event(25*time.Millisecond), 10*time.Second, webhook.WaitSettled, 25*time.Millisecond, 80*time.Millisecond)
		w.wants(ctx, t, w.event(5*time.Second), 10*time.Second, webhook.WaitSettled, 5*time.Second, 5*time.Second+mostBetween)
	})
}

func TestWait_EndsWithItsTime(t *testing.T) {
	bubble(t, nil, func(t *testing.T, w *world) {
		w.wants(t.Context(), t, w.event(-1), 1500*time.Millisecond, webhook.WaitTimeout, 1500*time.Millisecond, 1500*time.Millisecond)
		w.wants(t.Context(), t, w.event(-1), 0, webhook.WaitTimeout, 0, 0)
	})
}

func TestWait_OfNoTimeSaysWhatIsKnown(t *testing.T) {
	bubble(t, nil, func(t *testing.T, w *world) {
		w.wants(t.Context(), t, w.event(0), 0, webhook.WaitSettled, 0, 0)
		if n := w.queries(); n != 0 {
			t.Errorf("%d looks", n)
		}
	})
}

func TestWait_ForNoDeliveriesAsksNobody(t *testing.T) {
	bubble(t, nil, func(t *testing.T, w *world) {
		out, end := w.Wait(t.Context(), w.event(-1), 0, 10*time.Second)
		if end != webhook.WaitSettled || len(out) != 0 || w.reads != 0 {
			t.Errorf("%s, %d outcomes of %d reads", end, len(out), w.reads)
		}
	})
}

func TestWait_EndsWhenItsCallerIsGone(t *testing.T) {
	bubble(t, nil, func(t *testing.T, w *world) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		// What is kept under its key is read all the same.
		w.wants(ctx, t, w.event(-1), 10*time.Second, webhook.WaitDisconnected, time.Second, time.Second)
	})
}

func TestWait_EndsWhenTheProcessStops(t *testing.T) {
	var stopping chan struct{}
	ofTheBubble := func(c *Config) { stopping = make(chan struct{}); c.Stopping = stopping }
	bubble(t, ofTheBubble, func(t *testing.T, w *world) {
		time.AfterFunc(time.Second, func() { close(stopping) })
		w.wants(t.Context(), t, w.event(-1), 10*time.Second, webhook.WaitStopping, time.Second, time.Second)
		w.wants(t.Context(), t, w.event(-1), 10*time.Second, webhook.WaitStopping, 0, 0)
	})
}

func TestWait_OverTheBoundIsAnsweredAtOnce(t *testing.T) {
	bubble(t, func(c *Config) { c.MaxWaiters = 6 }, func(t *testing.T, w *world) {
		var all sync.WaitGroup
		for n := range 6 {
			all.Go(func() {
				e := w.event(time.Second)
				if n >= 3 {
					e.WorkspaceID = "full, too"
				}
				w.wants(t.Context(), t, e, 10*time.Second, webhook.WaitSettled, time.Second, time.Second+mostBetween)
			})
		}
		synctest.Wait()
		other := w.event(-1)
		other.WorkspaceID = "other"
		w.wants(t.Context(), t, other, 10*time.Second, webhook.WaitLimit, 0, 0)
		w.wants(t.Context(), t, w.event(0), 10*time.Second, webhook.WaitSettled, 0, 0) // as is known
		all.Wait()
		w.wants(t.Context(), t, w.event(-1), time.Second, webhook.WaitTimeout, time.Second, time.Second)
	})
}

func TestWait_LeavesOtherWorkspacesHalfOfTheRoom(t *testing.T) {
	bubble(t, func(c *Config) { c.MaxWaiters = 6 }, func(t *testing.T, w *world) {
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				w.wants(t.Context(), t, w.event(-1), time.Second, webhook.WaitTimeout, time.Second, time.Second)
			})
		}
		synctest.Wait()
		w.wants(t.Context(), t, w.event(-1), time.Second, webhook.WaitLimit, 0, 0)
		other := w.event(-1)
		other.WorkspaceID = "other"
		w.wants(t.Context(), t, other, time.Second, webhook.WaitTimeout, time.Second, time.Second)
		all.Wait()
	})
}

func TestWait_ForThousandsOfDeliveriesIsAnsweredAtOnce(t *testing.T) {
	bubble(t, nil, func(t *testing.T, w *world) {
		began := time.Now()
		if _, end := w.Wait(t.Context(), w.event(0), webhook.MaxOutcomes+1, 10*time.Second); end != webhook.WaitLimit || time.Since(began) > 0 {
			t.Errorf("%s after %s", end, time.Since(began))
		}
	})
}

func TestWait_WithPostgresAwayEndsWithItsTime(t *testing.T) {
	bubble(t, nil, func(t *testing.T, w *world) {
		w.away = true
		w.wants(t.Context(), t, w.event(0), time.Second, webhook.WaitUnknown, time.Second, time.Second)
		time.AfterFunc(time.Second, func() {
			w.memory.mu.Lock()
			defer w.memory.mu.Unlock()
			w.away = false
		})
		w.wants(t.Context(), t, w.event(0), 10*time.Second, webhook.WaitSettled, time.Second, time.Second+mostBetween)
	})
}

// Ever more seldom, and together.
func TestLooks_AreSharedAndFew(t *testing.T) {
	bubble(t, func(c *Config) { c.MaxWaiters = 400 }, func(t *testing.T, w *world) {
		var all sync.WaitGroup
		for n := range 200 {
			all.Go(func() {
				<-time.After(time.Duration(n) * 7 * time.Millisecond)
				w.wants(t.Context(), t, w.event(-1), 8*time.Second, webhook.WaitTimeout, 8*time.Second, 8*time.Second)
			})
		}
		all.Wait()
		// A single one has 6 looks in the first 400 ms and four a second from then on.
		// While others come all the time it is one each 10 ms at most.
		for i := 1; i < len(w.at); i++ {
			if gap := w.at[i].Sub(w.at[i-1]); gap < leastBetween {
				t.Errorf("looks %s apart", gap)
			}
		}
		later := 0
		for i, at := range w.at {
			if since := at.Sub(w.began); since > 3*time.Second && since <= 7*time.Second {
				later++
				if w.looks[i] > 200 {
					t.Errorf("a look was about %d events", w.looks[i])
				}
			}
		}
		if later > 4*10 {
			t.Errorf("%d looks in 4 s after all had come", later)
		}
	})
}

func TestLooks_AreNoneWhileNobodyWaits(t *testing.T) {
	bubble(t, nil, func(t *testing.T, w *world) {
		w.wants(t.Context(), t, w.event(0), time.Second, webhook.WaitSettled, 0, 20*time.Millisecond)
		before := w.queries()
		<-time.After(time.Hour)
		if n := w.queries() - before; n != 0 {
			t.Errorf("%d looks for nobody", n)
		}
	})
}

func TestLooks_TellAllWhoWaitForOneEvent(t *testing.T) {
	bubble(t, nil, func(t *testing.T, w *world) {
		e := w.event(time.Second)
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() {
				w.wants(t.Context(), t, e, 10*time.Second, webhook.WaitSettled, time.Second, time.Second+mostBetween)
			})
		}
		all.Wait()
		for _, n := range w.looks {
			if n != 1 {
				t.Errorf("a look was about %d events", n)
			}
		}
	})
}

func TestSettled(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		d    webhook.Delivery
		want bool
	}{
		"FirstAttemptIsDue":     {webhook.Delivery{Status: webhook.StatusPending}, false},
		"OverItsWindow":         {webhook.Delivery{Status: webhook.StatusPending, HeldReason: webhook.HeldInFlight}, false},
		"OverItsRate":           {webhook.Delivery{Status: webhook.StatusPending, HeldReason: webhook.HeldRateLimit}, false},
		"WaitsForItsTurn":       {webhook.Delivery{Status: webhook.StatusPending, HeldReason: webhook.HeldOrdering}, false},
		"HeldByTheBreaker":      {webhook.Delivery{Status: webhook.StatusPending, HeldReason: webhook.HeldBreakerOpen}, true},
		"OfADisabledEndpoint":   {webhook.Delivery{Status: webhook.StatusPending, HeldReason: webhook.HeldEndpointDisabled}, true},
		"WaitsForARetry":        {webhook.Delivery{Status: webhook.StatusPending, Attempts: 1}, true},
		"HasSucceeded":          {webhook.Delivery{Status: webhook.StatusSuccess, Attempts: 1}, true},
		"WasCanceledBeforehand": {webhook.Delivery{Status: webhook.StatusCanceled}, true},
	} {
		if got := settled([]webhook.Delivery{{Status: webhook.StatusSuccess}, tt.d}); got != tt.want {
			t.Errorf("%s: settled is %t", name, got)
		}
	}
}
