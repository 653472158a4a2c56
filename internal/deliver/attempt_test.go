package deliver

import (
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// clock is Postgres's.
func (s *stage) clock() time.Time {
	s.t.Helper()
	return query[time.Time](s, "SELECT clock_timestamp()")
}

// wantsDelay fails the test unless the next attempt is due at least and at most
// so long after what lies between before and now.
func (s *stage) wantsDelay(m webhook.Member, before time.Time, least, most time.Duration) {
	s.t.Helper()
	after := s.clock()
	due := query[time.Time](s, "SELECT next_attempt_at FROM deliveries WHERE id = $1", uuid(m.DeliveryID))
	if due.Before(before.Add(least)) || due.After(after.Add(most)) {
		s.t.Errorf("due %s after the attempt, want %s to %s", due.Sub(before), least, most)
	}
}

// retryIn runs a chunk that must ask for itself again, and returns when.
func (s *stage) retryIn(c webhook.Chunk) time.Duration {
	s.t.Helper()
	err := s.runner.Process(s.t.Context(), c)
	var later *RetryLater
	if !errors.As(err, &later) {
		s.t.Fatalf("got %v, want the task again", err)
	}
	return later.RetryIn()
}

const (
	newTask = "c_new"
	retried = "r_one"
)

func TestSuccess(t *testing.T) {
	t.Parallel()

	t.Run("IsRecordedWithWhatCameBack", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		s.sender.answers(func(int, webhook.Request) webhook.Response {
			return webhook.Response{StatusCode: 204, Header: http.Header{"X-Its": {"a", "b"}}, Body: []byte("thanks\x00")}
		})
		m := s.delivery(s.endpoint(), newTask)
		s.process(chunk(newTask, m))
		s.wants(m, "status = 'success' AND attempts = 1 AND task IS NULL AND next_attempt_at IS NULL AND completed_at <= now()")
		s.wantsAttempt(m, 1, `status_code = 204 AND error IS NULL AND error_class IS NULL
			AND response_body = '\x7468616e6b7300'`)
		if got := s.attempt(m).ResponseHeaders; !slices.Equal(got, []webhook.Header{{Name: "X-Its", Value: "a"}, {Name: "X-Its", Value: "b"}}) {
			t.Errorf("the answer's headers are %v", got)
		}
		if n := len(s.retries.tasks()); n != 0 {
			t.Errorf("%d tasks for what is done", n)
		}
	})

	t.Run("EveryTwoHundredIsOne", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		for _, code := range []int{200, 201, 202, 299} {
			s.sender.answers(status(code))
			m := s.delivery(s.endpoint(), newTask)
			s.process(chunk(newTask, m))
			s.wants(m, "status = 'success'")
		}
	})

	t.Run("EndsARunOfFailures", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		e, other := s.endpoint(), s.endpoint()
		s.sender.answers(status(500))
		s.process(chunk(newTask, s.delivery(e, newTask), s.delivery(other, newTask)))
		s.sender.answers(nil)
		s.process(chunk(newTask, s.delivery(e, newTask)))
		if n := query[int](s, "SELECT count(*) FROM endpoint_health WHERE endpoint_id = $1", uuid(e.ID)); n != 0 {
			t.Error("the run goes on")
		}
		if n := query[int](s, "SELECT failures FROM endpoint_health WHERE endpoint_id = $1", uuid(other.ID)); n != 1 {
			t.Errorf("another endpoint's run is %d", n)
		}
	})

	t.Run("EndsARunThatAnotherWorkerSawOnlyJustBefore", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		e, opened := s.endpoint(), s.endpoint()
		s.process(chunk(newTask, s.delivery(e, newTask), s.delivery(opened, newTask)))
		s.exec("INSERT INTO endpoint_health (endpoint_id, workspace_id, failures, failing_since) VALUES ($1, 'w', 5, now())", uuid(e.ID))
		s.open(opened, webhook.ID{})
		s.runner.refreshFailing()
		if got := query[string](s, "SELECT string_agg(endpoint_id::text, ' ') FROM endpoint_health"); got != uuid(opened.ID) {
			t.Errorf("runs go on of %q, want the one that opened a breaker", got)
		}
	})

	t.Run("EndsARunThatAnotherWorkerSaw", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		e := s.endpoint()
		s.exec("INSERT INTO endpoint_health (endpoint_id, workspace_id, failures, failing_since) VALUES ($1, 'w', 5, now())", uuid(e.ID))
		s.runner.refreshFailing()
		s.process(chunk(newTask, s.delivery(e, newTask)))
		if n := query[int](s, "SELECT count(*) FROM endpoint_health"); n != 0 {
			t.Error("the run goes on")
		}
	})
}

func TestFailure(t *testing.T) {
	t.Parallel()

	t.Run("BecomesATaskOfItsOwn", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		e := s.endpoint()
		good, bad, worse := s.delivery(e, newTask), s.delivery(e, newTask), s.delivery(e, newTask)
		s.sender.answers(func(_ int, req webhook.Request) webhook.Response {
			if (sentRequest{Request: req}).header("X-Webhook-Delivery") == good.DeliveryID.Format(webhook.DeliveryPrefix) {
				return webhook.Response{StatusCode: 200}
			}
			return webhook.Response{StatusCode: 500}
		})
		before := s.clock()
		s.process(chunk(newTask, good, bad, worse))
		s.wants(good, "status = 'success'")
		tasks := s.retries.tasks()
		if len(tasks) != 2 || tasks[0].Task == tasks[1].Task || len(tasks[0].Members) != 1 || len(tasks[1].Members) != 1 {
			t.Fatalf("got %+v", tasks)
		}
		for _, task := range tasks {
			m := task.Members[0]
			s.wants(m, "status = 'pending' AND attempts = 1 AND task = '"+task.Task+"' AND task LIKE 'r\\_%'")
			s.wantsDelay(m, before, time.Minute, time.Minute)
			s.wantsAttempt(m, 1, "status_code = 500 AND error_class = 'status' AND error LIKE '%500 Internal Server Error%'")
			if due := query[time.Time](s, "SELECT next_attempt_at FROM deliveries WHERE id = $1", uuid(m.DeliveryID)); task.due.Before(due) {
				t.Errorf("Redis has it %s before Postgres", due.Sub(task.due))
			}
		}
	})

	t.Run("OfARetryAsksForItsTaskAgain", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		s.sender.answers(status(500))
		m := s.delivery(s.endpoint(), retried)
		s.change(m, "attempts = 1")
		before := s.clock()
		if d := s.retryIn(chunk(retried, m)); d != 5*time.Minute {
			t.Errorf("again in %s", d)
		}
		s.wants(m, "status = 'pending' AND attempts = 2 AND task = '"+retried+"'")
		s.wantsDelay(m, before, 5*time.Minute, 5*time.Minute)
		if n := len(s.retries.tasks()); n != 0 {
			t.Errorf("%d tasks besides its own", n)
		}
	})

	t.Run("CarriesASmallBodyOnlyOverAShortWait", func(t *testing.T) {
		t.Parallel()
		for _, c := range []struct {
			delay time.Duration
			size  int
			want  int
		}{{time.Minute, webhook.MaxCarriedBytes, 1}, {time.Minute, webhook.MaxCarriedBytes + 1, 0}, {2 * time.Minute, 10, 0}} {
			s := setup(t, func(s *stage) { s.cfg.RetrySchedule = []time.Duration{c.delay} })
			s.sender.answers(status(500))
			m := s.delivery(s.endpoint(), newTask)
			s.exec("UPDATE events SET body = $1", make([]byte, c.size))
			s.process(chunk(newTask, m))
			if task := s.retries.tasks()[0]; len(task.Events) != c.want {
				t.Errorf("%d bytes over %s: %d bodies in the task", c.size, c.delay, len(task.Events))
			}
		}
	})

	t.Run("WaitsInPostgresWhileRedisIsAway", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		s.retries.away = true
		s.sender.answers(status(500))
		m := s.delivery(s.endpoint(), newTask)
		before := s.clock()
		s.process(chunk(newTask, m))
		s.wants(m, "status = 'pending' AND task IS NULL AND attempts = 1")
		s.wantsDelay(m, before, time.Minute, time.Minute)
	})

	t.Run("OverAnHourAwayWaitsInPostgresAlone", func(t *testing.T) {
		t.Parallel()
		for _, task := range []string{newTask, retried} {
			s := setup(t, func(s *stage) { s.cfg.RetrySchedule = []time.Duration{longWait + time.Second} })
			s.sender.answers(status(500))
			m := s.delivery(s.endpoint(), task)
			before := s.clock()
			s.process(chunk(task, m))
			s.wants(m, "status = 'pending' AND task IS NULL AND attempts = 1 AND NOT parked")
			s.wantsDelay(m, before, longWait+time.Second, longWait+time.Second)
			if n := len(s.retries.tasks()); n != 0 {
				t.Errorf("%d tasks in Redis", n)
			}
		}
	})

	t.Run("AnHourAwayWaitsInRedis", func(t *testing.T) {
		t.Parallel()
		s := setup(t, func(s *stage) { s.cfg.RetrySchedule = []time.Duration{longWait} })
		s.sender.answers(status(500))
		m := s.delivery(s.endpoint(), newTask)
		s.process(chunk(newTask, m))
		s.wants(m, "task LIKE 'r\\_%'")
		if n := len(s.retries.tasks()); n != 1 {
			t.Errorf("%d tasks in Redis", n)
		}
	})

	t.Run("InsidePostriderIsAnAttempt", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		e := s.endpoint()
		m, neighbour := s.delivery(e, newTask), s.delivery(e, newTask)
		s.sender.answers(func(_ int, req webhook.Request) webhook.Response {
			if (sentRequest{Request: req}).header("X-Webhook-Delivery") == m.DeliveryID.Format(webhook.DeliveryPrefix) {
				panic("a bug")
			}
			return webhook.Response{StatusCode: 200}
		})
		s.process(chunk(newTask, m, neighbour))
		s.wants(m, "status = 'pending' AND attempts = 1 AND task LIKE 'r\\_%'")
		s.wantsAttempt(m, 1, "status_code IS NULL AND error_class = 'internal' AND duration_us >= 0 AND length(request_headers) > 50")
		s.wants(neighbour, "status = 'success'")
		s.runner.Stop(t.Context()) // would wait for ever for an attempt that did not end
		if s.runner.limiter.slots != 512 {
			t.Error("the slot is lost")
		}
	})
}
