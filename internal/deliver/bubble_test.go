package deliver

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// world is a Runner in a bubble, with an alarm clock that works like asynq: due
// times are rounded up to the second, and looked at every half of one.
type world struct {
	*memory
	runner *Runner
	sender *fakeSender
	tasks  sync.WaitGroup
}

// bubble runs a test of a world, whose runner change may alter before.
func bubble(t *testing.T, test func(t *testing.T, w *world), change ...func(*Deps, *Config)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{memory: newMemory(), sender: &fakeSender{}}
		deps := Deps{Rows: w.memory, Sources: w.memory, Outcomes: w.memory, Sender: w.sender, Retries: w, Rates: &fakeRates{granted: 3, apart: 200 * time.Millisecond}}
		cfg := Config{WorkerID: "me", UserAgent: "Postrider/test", RetrySchedule: []time.Duration{time.Minute, 5 * time.Minute, 30 * time.Minute}}
		for _, c := range change {
			c(&deps, &cfg)
		}
		w.runner = New(deps, func() int { return 1 }, cfg)
		w.runner.Start()
		defer w.tasks.Wait()
		defer w.runner.Stop(context.Background())
		test(t, w)
	})
}

// take runs a task as asynq does: again when it asks for that.
func (w *world) take(c webhook.Chunk) {
	w.tasks.Go(func() {
		for {
			err := w.runner.Process(context.Background(), c)
			var later *RetryLater
			if !errors.As(err, &later) {
				return
			}
			<-time.After(alarm(time.Now().Add(later.RetryIn())))
		}
	})
}

func (w *world) Enqueue(_ context.Context, chunks []webhook.Chunk) ([]webhook.Chunk, error) {
	for _, c := range chunks {
		w.take(c)
	}
	return nil, nil
}

func (w *world) EnqueueAt(_ context.Context, c webhook.Chunk, due time.Time) error {
	time.AfterFunc(alarm(due), func() { w.take(c) })
	return nil
}

// alarm is how long asynq sleeps for a task that is due at t.
func alarm(t time.Time) time.Duration {
	return time.Until(t.Add(time.Second - 1).Truncate(time.Second).Add(500 * time.Millisecond))
}

func TestTheDefaultSchedule(t *testing.T) {
	t.Parallel()
	for range 5 { // the jitter is real
		bubble(t, func(t *testing.T, w *world) {
			w.sender.answers(status(http.StatusInternalServerError))
			c := w.chunk(w.endpoint(), 1)
			w.take(c)
			<-time.After(2 * time.Hour)
			r := w.of(c.Members[0])
			if r.Status != webhook.StatusFailed || len(r.attempts) != 4 {
				t.Fatalf("%s after %d attempts", r.Status, len(r.attempts))
			}
			for i, delay := range []time.Duration{time.Minute, 5 * time.Minute, 30 * time.Minute} {
				gap := r.attempts[i+1].StartedAt.Sub(r.attempts[i].StartedAt.Add(r.attempts[i].Duration))
				if gap < delay || gap > delay+delay/10+2*time.Second {
					t.Errorf("retry %d came after %s", i+1, gap)
				}
			}
		})
	}
}

func TestTheScheduleOfASlowReceiver(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.sender.answers(func(int, webhook.Request) webhook.Response {
			<-time.After(10 * time.Second)
			return webhook.Response{Err: &webhook.SendError{Class: webhook.ClassTimeout, Detail: "no answer within 10s"}}
		})
		c := w.chunk(w.endpoint(), 1)
		w.take(c)
		<-time.After(2 * time.Hour)
		r := w.of(c.Members[0])
		if r.Status != webhook.StatusFailed || len(r.attempts) != 4 || r.ScheduleStart != 0 {
			t.Fatalf("%+v", r)
		}
		for i, delay := range []time.Duration{time.Minute, 5 * time.Minute, 30 * time.Minute} {
			if gap := r.attempts[i+1].StartedAt.Sub(r.attempts[i].StartedAt.Add(10 * time.Second)); gap < delay || gap > delay+delay/10+2*time.Second {
				t.Errorf("retry %d came after %s", i+1, gap)
			}
		}
	})
}

func TestRateLimitSetsStartTimes(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		five := 5
		c := w.chunk(w.endpoint(func(e *webhook.Endpoint) { e.RateLimit = &five }), 4)
		began := time.Now()
		must(t, w.runner.Process(t.Context(), c))
		sent := w.sender.requests()
		if len(sent) != 3 {
			t.Fatalf("%d requests, want the 3 granted", len(sent))
		}
		for i, r := range sent {
			if at := r.at.Sub(began); at != time.Duration(i)*200*time.Millisecond {
				t.Errorf("request %d started after %s", i, at)
			}
		}
		if n := w.count(func(r *row) bool { return r.held == webhook.HeldRateLimit }); n != 1 {
			t.Errorf("%d are held", n)
		}
	})
}

// hangs makes the endpoints' requests hang until their timeout.
func (w *world) hangs(ids ...webhook.ID) {
	w.sender.answers(func(_ int, req webhook.Request) webhook.Response {
		for _, id := range ids {
			if strings.HasSuffix(req.URL, id.String()) {
				<-time.After(10 * time.Second)
				return webhook.Response{Err: &webhook.SendError{Class: webhook.ClassTimeout, Detail: "no answer within 10s"}}
			}
		}
		<-time.After(10 * time.Millisecond)
		return webhook.Response{StatusCode: http.StatusOK}
	})
}

// delivered is how long the chunk takes until all of it is delivered.
func (w *world) delivered(t *testing.T, c webhook.Chunk) time.Duration {
	t.Helper()
	began := time.Now()
	must(t, w.runner.Process(t.Context(), c))
	for _, m := range c.Members {
		if r := w.of(m); r.Status != webhook.StatusSuccess {
			t.Errorf("%s, held as %q", r.Status, r.held)
		}
	}
	return time.Since(began)
}

func TestIsolation(t *testing.T) {
	t.Parallel()

	t.Run("ABacklogForOneThatHangsDelaysOthersOnceAndLittle", func(t *testing.T) {
		t.Parallel()
		bubble(t, func(t *testing.T, w *world) {
			dead, alive := w.endpoint(), w.endpoint()
			w.hangs(dead)
			for range 200 { // 10,000 deliveries
				w.take(w.chunk(dead, webhook.MaxChunkMembers))
			}
			synctest.Wait()
			if d := w.delivered(t, w.chunk(alive, 20)); d > patience+time.Second {
				t.Errorf("another endpoint waited %s", d)
			}
			w.take(w.chunk(dead, webhook.MaxChunkMembers))
			synctest.Wait()
			if d := w.delivered(t, w.chunk(alive, 20)); d > time.Second {
				t.Errorf("another endpoint waited %s, once the one that hangs was known", d)
			}
			if n := w.count(func(r *row) bool { return r.held == webhook.HeldInFlight }); n < 9000 {
				t.Errorf("%d are parked", n)
			}
		})
	})

	t.Run("ManyThatHangLeaveRoomForAnUnknownOne", func(t *testing.T) {
		t.Parallel()
		bubble(t, func(t *testing.T, w *world) {
			var dead []webhook.ID
			for range 100 {
				dead = append(dead, w.endpoint())
			}
			w.hangs(dead...)
			for _, id := range dead {
				w.take(w.chunk(id, 20))
			}
			synctest.Wait()
			if d := w.delivered(t, w.chunk(w.endpoint(), 20)); d > time.Second {
				t.Errorf("an endpoint that answers waited %s", d)
			}
		})
	})

	t.Run("AMemberThatHangsHoldsUpNoNeighbour", func(t *testing.T) {
		t.Parallel()
		bubble(t, func(t *testing.T, w *world) {
			dead, alive := w.endpoint(), w.endpoint()
			w.hangs(dead)
			one, two := w.chunk(dead, 1), w.chunk(alive, 1)
			m := two.Members[0]
			_, err := w.HandOver(t.Context(), two.Members, two.Task, one.Task)
			must(t, err)
			one.Members, one.Events = append(one.Members, m), append(one.Events, two.Events...)
			w.take(one)
			<-time.After(100 * time.Millisecond)
			if r := w.of(m); r.Status != webhook.StatusSuccess {
				t.Errorf("the neighbour is %s", r.Status)
			}
		})
	})
}
