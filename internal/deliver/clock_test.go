package deliver

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

var errOff = errors.New("this machine's clock is off")

// offClock is a worker's clock that a test sets.
type offClock struct{ off atomic.Int64 }

func (c *offClock) step(d time.Duration) { c.off.Add(int64(d)) }
func (c *offClock) skew() time.Duration  { return time.Duration(c.off.Load()) }
func (c *offClock) now() time.Time       { return time.Now().Add(c.skew()) }

// steady is an alarm clock that goes by its own time, as Redis's does.
type steady struct {
	Retries
	clock *offClock
}

func (s steady) EnqueueAt(ctx context.Context, c webhook.Chunk, due time.Time) error {
	return s.Retries.EnqueueAt(ctx, c, due.Add(-s.clock.skew()))
}

func TestAWorkersClockThatIsSet(t *testing.T) {
	t.Parallel()
	for name, step := range map[string]time.Duration{"Ahead": 5 * time.Minute, "Back": -5 * time.Minute} {
		t.Run(name+"MovesNoRetry", func(t *testing.T) {
			t.Parallel()
			var clock offClock
			bubble(t, func(t *testing.T, w *world) {
				var at []time.Time
				w.sender.answers(func(n int, _ webhook.Request) webhook.Response {
					at = append(at, time.Now())
					clock.step(step * time.Duration(1-n%2*2)) // in the middle of each request: there and back
					return webhook.Response{StatusCode: http.StatusInternalServerError}
				})
				c := w.chunk(w.endpoint(), 1)
				w.take(c)
				<-time.After(2 * time.Hour)
				if len(at) != 4 {
					t.Fatalf("%d attempts", len(at))
				}
				for i, delay := range []time.Duration{time.Minute, 5 * time.Minute, 30 * time.Minute} {
					if gap := at[i+1].Sub(at[i]); gap < delay || gap > delay+delay/10+2*time.Second {
						t.Errorf("retry %d came after %s", i+1, gap)
					}
				}
			}, func(d *Deps, cfg *Config) { cfg.Now, d.Retries = clock.now, steady{d.Retries, &clock} })
		})
	}

	t.Run("LetsNothingBeginThatWasTaken", func(t *testing.T) {
		t.Parallel()
		bubble(t, func(t *testing.T, w *world) {
			c := w.chunk(w.endpoint(), 3)
			must(t, w.runner.Process(t.Context(), c))
			w.wantGivenBack(t, c)
		}, func(_ *Deps, cfg *Config) { cfg.ClockOff = func() error { return errOff } })
	})

	t.Run("LetsNothingBeginThatWaits", func(t *testing.T) {
		t.Parallel()
		var off atomic.Bool
		bubble(t, func(t *testing.T, w *world) {
			w.runner.Rates.(*fakeRates).grant(3, time.Second, 0)
			limit := 3
			c := w.chunk(w.endpoint(func(e *webhook.Endpoint) { e.RateLimit = &limit }), 3)
			w.take(c)
			<-time.After(500 * time.Millisecond)
			off.Store(true)
			w.tasks.Wait()
			w.wantGivenBack(t, c)
			if l := w.runner.limiter; l.slots != 512 || l.slowSlots != 256 {
				t.Errorf("%d slots are free, %d of them for those that are not quick", l.slots, l.slowSlots)
			}
		}, func(_ *Deps, cfg *Config) {
			cfg.ClockOff = func() error {
				if off.Load() {
					return errOff
				}
				return nil
			}
		})
	})
}

// wantGivenBack: the chunk is feed's, and no request was made.
func (w *world) wantGivenBack(t *testing.T, c webhook.Chunk) {
	t.Helper()
	for _, m := range c.Members {
		if r := w.of(m); r.Task != "" || r.Status != webhook.StatusPending || r.Attempts != 0 {
			t.Errorf("the row is %s of %q", r.Status, r.Task)
		}
	}
	if sent := w.sender.requests(); len(sent) != 0 {
		t.Errorf("%d requests were made", len(sent))
	}
}
