package deliver

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// wantsUnderway looks at how many outcomes may come soon.
func (s *stage) wantsUnderway(n int64) {
	s.t.Helper()
	if is := s.runner.recorder.underway.Load(); is != n {
		s.t.Errorf("%d are under way, want %d", is, n)
	}
}

// Detaching begins a second after the chunk; these tests let it pass.

func TestDetach(t *testing.T) {
	t.Parallel()
	const mine = webhook.WorkerTaskPrefix + "me"

	t.Run("LetsTheChunkEndWhileARequestHangs", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		begun := s.sender.hold()
		m := s.delivery(s.endpoint(), newTask)
		done := s.begin(chunk(newTask, m))
		receive(t, begun)
		s.wantsUnderway(1)
		must(t, receive(t, done))
		s.wants(m, "status = 'pending' AND attempts = 0 AND task = '"+mine+"'")
		s.wantsUnderway(0) // others' outcomes do not wait for it
		s.stop()
		s.wantsUnderway(0)
		s.wants(m, "status = 'success' AND attempts = 1")
		s.wantsAttempt(m, 1, "status_code = 200 AND duration_us > 900000")
	})

	for _, task := range []string{newTask, retried} {
		t.Run("AFailureAfterwardsGetsATaskOfItsOwn/"+task, func(t *testing.T) {
			t.Parallel()
			s := setup(t)
			begun := s.sender.hold()
			s.sender.answers(status(500))
			m := s.delivery(s.endpoint(), task)
			done := s.begin(chunk(task, m))
			receive(t, begun)
			must(t, receive(t, done)) // and not the task again: that is over
			before := s.clock()
			s.stop()
			tasks := s.retries.tasks()
			if len(tasks) != 1 || tasks[0].Task == task {
				t.Fatalf("got %+v", tasks)
			}
			s.wants(m, "status = 'pending' AND attempts = 1 AND schedule_start = 0 AND task = '"+tasks[0].Task+"'")
			s.wantsDelay(m, before, time.Minute, time.Minute)
		})
	}

	t.Run("WaitsForNoRequestWhoseRowIsSomebodyElses", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		begun := s.sender.hold()
		s.sender.answers(status(500))
		m := s.delivery(s.endpoint(), newTask)
		done := s.begin(chunk(newTask, m))
		receive(t, begun)
		s.change(m, "task = 'r_other'")
		must(t, receive(t, done))
		s.stop()
		s.wants(m, "status = 'pending' AND task = 'r_other' AND attempts = 1 AND schedule_start = 1")
	})

	t.Run("LeavesTheQuickOnesInTheChunk", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		e := s.endpoint()
		quick, slow := s.delivery(e, newTask), s.delivery(e, newTask)
		wait := make(chan struct{})
		s.sender.answers(func(_ int, req webhook.Request) webhook.Response {
			if (sentRequest{Request: req}).header("X-Webhook-Delivery") == slow.DeliveryID.Format(webhook.DeliveryPrefix) {
				<-wait
			}
			return webhook.Response{StatusCode: 200}
		})
		s.process(chunk(newTask, quick, slow))
		s.wants(quick, "status = 'success'")
		s.wants(slow, "task = '"+mine+"'")
		close(wait)
	})

	t.Run("FailsWhilePostgresIsAwayAndTheChunkGoesOn", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		begun := s.sender.hold()
		s.sender.answers(status(500))
		asked := make(chan bool, 100)
		s.store.onHandOver(func(func() ([]webhook.ID, error)) ([]webhook.ID, error) {
			asked <- true
			return nil, errAway
		})
		m := s.delivery(s.endpoint(), retried)
		done := s.begin(chunk(retried, m))
		receive(t, begun)
		receive(t, asked)
		s.store.onHandOver(nil)
		s.sender.letAllGo()
		var later *RetryLater
		if err := receive(t, done); !errors.As(err, &later) {
			t.Fatalf("got %v, want the task again", err)
		}
		s.wants(m, "status = 'pending' AND task = '"+retried+"' AND attempts = 1 AND schedule_start = 0")
	})
}

// TestLostHandOver: Postgres gave the row to this worker, but the answer got lost.
func TestLostHandOver(t *testing.T) {
	t.Parallel()
	// lose makes the n-th hand-over from now on happen without its answer, and
	// every other as it is.
	lose := func(s *stage, n int32) <-chan bool {
		lost := make(chan bool, 1)
		var calls atomic.Int32
		s.store.onHandOver(func(do func() ([]webhook.ID, error)) ([]webhook.ID, error) {
			ids, err := do()
			if calls.Add(1) == n {
				lost <- true
				return nil, errors.Join(errAway, err)
			}
			return ids, err
		})
		return lost
	}

	for _, task := range []string{newTask, retried} {
		t.Run("AFailureSpendsItsRetryAndWaits/"+task, func(t *testing.T) {
			t.Parallel()
			s := setup(t)
			begun := s.sender.hold()
			s.sender.answers(status(500))
			lost := lose(s, 1)
			m := s.delivery(s.endpoint(), task)
			done := s.begin(chunk(task, m))
			receive(t, begun)
			receive(t, lost)
			before := s.clock()
			s.sender.letAllGo()
			must(t, receive(t, done))
			s.wants(m, "status = 'pending' AND attempts = 1 AND schedule_start = 0 AND task LIKE 'r\\_%' AND task <> '"+retried+"'")
			s.wantsDelay(m, before, time.Minute, time.Minute)
		})
	}

	t.Run("ASuccessWins", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		begun := s.sender.hold()
		lost := lose(s, 1)
		m := s.delivery(s.endpoint(), newTask)
		done := s.begin(chunk(newTask, m))
		receive(t, begun)
		receive(t, lost)
		s.sender.letAllGo()
		must(t, receive(t, done))
		s.wants(m, "status = 'success'")
	})

	t.Run("TheChunkEndsAtTheNextLook", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		begun := s.sender.hold()
		s.sender.answers(status(500))
		lose(s, 1)
		m := s.delivery(s.endpoint(), retried)
		done := s.begin(chunk(retried, m))
		receive(t, begun)
		must(t, receive(t, done))
		s.stop()
		s.wants(m, "status = 'pending' AND attempts = 1 AND schedule_start = 0 AND task LIKE 'r\\_%' AND task <> '"+retried+"'")
	})

	t.Run("TheRowIsNotKeptForEverWhereNobodyAnswers", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		begun := s.sender.hold()
		s.sender.answers(status(500))
		lost := make(chan bool, 2)
		var calls atomic.Int32
		s.store.onHandOver(func(do func() ([]webhook.ID, error)) ([]webhook.ID, error) {
			switch calls.Add(1) {
			case 1:
				_, err := do()
				lost <- true
				return nil, errors.Join(errAway, err)
			case 2: // the question whether it happened
				return nil, errAway
			default:
				return do()
			}
		})
		m := s.delivery(s.endpoint(), newTask)
		done := s.begin(chunk(newTask, m))
		receive(t, begun)
		receive(t, lost)
		s.sender.letAllGo()
		must(t, receive(t, done))
		s.wants(m, "status = 'pending' AND attempts = 1 AND task IS NULL") // feed's
	})
}

func TestShutdown(t *testing.T) {
	t.Parallel()
	one := 1
	narrow := func(e *webhook.Endpoint) { e.MaxInFlight = &one }

	t.Run("HandsBackWhatHasNotStartedAndFinishesTheRest", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		begun := s.sender.hold()
		e := s.endpoint(narrow)
		a, b := s.delivery(e, newTask), s.delivery(e, newTask)
		done := s.begin(chunk(newTask, a, b))
		runs := receive(t, begun)
		running, waiting := a, b
		if runs.header("X-Webhook-Delivery") == b.DeliveryID.Format(webhook.DeliveryPrefix) {
			running, waiting = b, a
		}
		s.runner.HandBack()
		eventually(t, func() bool { return s.is(waiting, "task IS NULL") })
		s.wants(waiting, "status = 'pending' AND attempts = 0 AND NOT parked AND next_attempt_at <= now()")
		soon, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		s.runner.Stop(soon) // too short for the request that runs: it goes on, and is recorded
		cancel()
		s.sender.letAllGo()
		must(t, receive(t, done))
		s.runner.Stop(t.Context())
		s.wants(running, "status = 'success'")
		if n := len(s.sender.requests()); n != 1 {
			t.Errorf("%d requests", n)
		}
	})

	t.Run("HandsBackAWholeChunkThatComesLate", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		e := s.endpoint()
		a, b, other := s.delivery(e, newTask), s.delivery(e, newTask), s.delivery(e, "c_other")
		s.runner.HandBack()
		s.process(chunk(newTask, a, b, other))
		s.wants(a, "status = 'pending' AND task IS NULL AND attempts = 0")
		s.wants(b, "status = 'pending' AND task IS NULL AND attempts = 0")
		s.wants(other, "task = 'c_other'")
	})

	t.Run("HandsBackWhatWaitsForItsRate", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		s.rates.grant(1, time.Hour, time.Second)
		m := s.delivery(s.endpoint(func(e *webhook.Endpoint) { e.RateLimit = &one }), newTask)
		done := s.begin(chunk(newTask, m))
		eventually(t, func() bool { return s.rates.wasAsked() })
		s.runner.HandBack()
		must(t, receive(t, done))
		s.wants(m, "status = 'pending' AND task IS NULL AND attempts = 0")
	})

	t.Run("WaitsForARequestThatWasDetached", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		begun := s.sender.hold()
		m := s.delivery(s.endpoint(), newTask)
		done := s.begin(chunk(newTask, m))
		receive(t, begun)
		must(t, receive(t, done))
		stopped := make(chan bool)
		go func() { s.runner.Stop(context.Background()); close(stopped) }()
		s.sender.letAllGo()
		receive(t, stopped)
		s.wants(m, "status = 'success'")
	})

	t.Run("EndsWithItsContextThoughARequestHangs", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		begun := s.sender.hold()
		s.begin(chunk(newTask, s.delivery(s.endpoint(), newTask)))
		receive(t, begun)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		s.runner.Stop(ctx)
	})

	t.Run("MayComeTwiceOrWithoutAStart", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		s.runner.Stop(t.Context())
		s.runner.Stop(t.Context())
		New(Deps{Rows: s.store, Sources: s.store, Outcomes: s.store}, func() int { return 1 }, s.cfg).Stop(t.Context())
	})
}
