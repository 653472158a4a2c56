package deliver

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// length is how long a worker has a task of n deliveries of e.
func (w *world) length(t *testing.T, e webhook.ID, n int) (time.Duration, webhook.Chunk) {
	t.Helper()
	c := w.chunk(e, n)
	began := time.Now()
	must(t, w.runner.Process(context.Background(), c))
	return time.Since(began), c
}

func (w *world) parkedOf(c webhook.Chunk) (n int) {
	for _, m := range c.Members {
		if r := w.of(m); r.held == webhook.HeldInFlight {
			n++
		}
	}
	return n
}

// TestTasksAreNotKept: what waits for an endpoint in a task takes the worker's
// room from everybody else's.
func TestTasksAreNotKept(t *testing.T) {
	t.Parallel()

	t.Run("BehindAnEndpointThatIsKnownToHang", func(t *testing.T) {
		t.Parallel()
		bubble(t, func(t *testing.T, w *world) {
			e := w.endpoint()
			w.hangs(e)
			w.length(t, e, 1)
			<-time.After(20 * time.Second)
			took, c := w.length(t, e, 20)
			if took > 2*glance {
				t.Errorf("its task was kept for %s", took)
			}
			if n := w.parkedOf(c); n == 0 || n == 20 {
				t.Errorf("%d of 20 are parked, want those that its window has no room for", n)
			}
		})
	})

	t.Run("ForLongBehindOneThatBeginsToHang", func(t *testing.T) {
		t.Parallel()
		bubble(t, func(t *testing.T, w *world) {
			e := w.endpoint()
			w.hangs(e)
			took, c := w.length(t, e, 20)
			if took < slowAfter || took > slowAfter+2*glance {
				t.Errorf("its task was kept for %s, want about the second after which it is slow", took)
			}
			if n := w.parkedOf(c); n != 20-firstWindow {
				t.Errorf("%d of 20 are parked", n)
			}
		})
	})

	t.Run("ButOfAnEndpointWithLatencyNothingIsParked", func(t *testing.T) {
		t.Parallel()
		bubble(t, func(t *testing.T, w *world) {
			w.sender.answers(func(int, webhook.Request) webhook.Response {
				<-time.After(600 * time.Millisecond)
				return webhook.Response{StatusCode: http.StatusOK}
			})
			_, c := w.length(t, w.endpoint(), 20)
			if n := w.parkedOf(c); n != 0 {
				t.Errorf("%d of 20 are parked", n)
			}
			<-time.After(5 * time.Second) // those in flight after a second left the task
			for _, m := range c.Members {
				if r := w.of(m); r.Status != webhook.StatusSuccess {
					t.Fatalf("%+v", r)
				}
			}
		})
	})
}
