package deliver

import (
	"net/http"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

func TestSchedule(t *testing.T) {
	t.Parallel()

	t.Run("EndsAfterItsLastRetryAndNotBefore", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		s.sender.answers(status(500))
		m := s.delivery(s.endpoint(), retried)
		for n := range 3 {
			s.retryIn(chunk(retried, m))
			s.wants(m, "status = 'pending'")
			if got := len(s.sender.requests()); got != n+1 {
				t.Fatalf("%d requests", got)
			}
			s.change(m, "next_attempt_at = now()")
		}
		s.process(chunk(retried, m))
		s.wants(m, "status = 'failed' AND attempts = 4 AND task IS NULL AND next_attempt_at IS NULL AND completed_at IS NOT NULL AND reason IS NULL")
		s.wantsAttempt(m, 4, "status_code = 500")
		s.process(chunk(retried, m))
		if n := len(s.sender.requests()); n != 4 {
			t.Errorf("%d requests, want one more than there are retries", n)
		}
	})

	t.Run("OfTheEndpointGoesFirst", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		s.sender.answers(status(500))
		m := s.delivery(s.endpoint(func(e *webhook.Endpoint) { e.RetrySchedule = []time.Duration{7 * time.Second} }), retried)
		if d := s.retryIn(chunk(retried, m)); d != 7*time.Second {
			t.Errorf("again in %s", d)
		}
		s.change(m, "next_attempt_at = now()")
		s.process(chunk(retried, m))
		s.wants(m, "status = 'failed' AND attempts = 2")
	})

	t.Run("OfNothingFailsAtOnce", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		s.sender.answers(status(500))
		m := s.delivery(s.endpoint(func(e *webhook.Endpoint) { e.RetrySchedule = []time.Duration{} }), newTask)
		s.process(chunk(newTask, m))
		s.wants(m, "status = 'failed' AND attempts = 1")
	})

	t.Run("StartsAgainByHandWhileNumbersGoOn", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		s.sender.answers(status(500))
		m := s.delivery(s.endpoint(), retried)
		s.change(m, "attempts = 4, schedule_start = 4") // as after a manual retry
		if d := s.retryIn(chunk(retried, m)); d != time.Minute {
			t.Errorf("again in %s", d)
		}
		s.wantsAttempt(m, 5, "true")
		if n := s.sender.requests()[0].header("X-Webhook-Attempt"); n != "5" {
			t.Errorf("the receiver was told %q", n)
		}
	})

	t.Run("HasJitterOfATenthAtMost", func(t *testing.T) {
		t.Parallel()
		s := setup(t, func(s *stage) { s.cfg.Random = func() float64 { return 0.999999 } })
		s.sender.answers(status(500))
		m := s.delivery(s.endpoint(), retried)
		before := s.clock()
		d := s.retryIn(chunk(retried, m))
		if d <= 65*time.Second || d > 66*time.Second {
			t.Errorf("again in %s", d)
		}
		s.wantsDelay(m, before, d, d+time.Millisecond) // Postgres has the same, to the millisecond
	})

	t.Run("IsNeverEarly", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		m := s.delivery(s.endpoint(), retried)
		s.change(m, "attempts = 1, next_attempt_at = now() + interval '50 seconds'")
		if d := s.retryIn(chunk(retried, m)); d < 40*time.Second || d > 50*time.Second {
			t.Errorf("again in %s", d)
		}
		s.wants(m, "attempts = 1 AND task = '"+retried+"'")
		if n := len(s.sender.requests()); n != 0 {
			t.Errorf("%d requests too early", n)
		}
	})

	t.Run("GivesAnEarlyMemberOfAChunkToFeed", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		e := s.endpoint()
		early, due := s.delivery(e, newTask), s.delivery(e, newTask)
		s.change(early, "next_attempt_at = now() + interval '50 seconds'")
		s.process(chunk(newTask, early, due))
		s.wants(early, "status = 'pending' AND attempts = 0 AND task IS NULL AND next_attempt_at > now() + interval '40 seconds'")
		s.wants(due, "status = 'success'")
	})
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		code   int
		header string
		want   time.Duration
	}{
		{"MovesA429Later", 429, "120", 2 * time.Minute},
		{"MovesA503Later", 503, "120", 2 * time.Minute},
		{"MovesNothingEarlier", 503, "10", time.Minute},
		{"IsReadOnNothingElse", 500, "120", time.Minute},
		{"MayBeRubbish", 429, "soon", time.Minute},
		{"MayBeAPastDate", 429, "Wed, 21 Oct 2015 07:28:00 GMT", time.Minute},
		{"CountsForADayAtMost", 429, "999999999", 24 * time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := setup(t)
			s.sender.answers(status(c.code, "Retry-After", c.header))
			m := s.delivery(s.endpoint(), newTask)
			before := s.clock()
			s.process(chunk(newTask, m))
			s.wants(m, "status = 'pending' AND attempts = 1")
			s.wantsDelay(m, before, c.want, c.want)
			if inRedis := len(s.retries.tasks()) == 1; inRedis != (c.want <= longWait) {
				t.Errorf("in Redis: %v", inRedis)
			}
		})
	}

	t.Run("CountsThoughTheBodyWasCutShort", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		s.sender.answers(cutShort(503, "Retry-After", "120"))
		m := s.delivery(s.endpoint(), newTask)
		before := s.clock()
		s.process(chunk(newTask, m))
		s.wantsDelay(m, before, 2*time.Minute, 2*time.Minute)
		s.wantsAttempt(m, 1, "status_code = 503 AND error_class = 'reset'")
	})
}

// cutShort answers with a status and a body that breaks off.
func cutShort(code int, headers ...string) func(int, webhook.Request) webhook.Response {
	return func(n int, req webhook.Request) webhook.Response {
		res := status(code, headers...)(n, req)
		res.Err = &webhook.SendError{Class: webhook.ClassReset, Detail: "the connection broke in the body"}
		return res
	}
}

func TestGone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		answer func(int, webhook.Request) webhook.Response
	}{{"FailsTheDeliveryAndDisablesTheEndpoint", status(http.StatusGone)}, {"CountsThoughTheBodyWasCutShort", cutShort(http.StatusGone)}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := setup(t)
			s.sender.answers(c.answer)
			e, other := s.endpoint(), s.endpoint()
			m := s.delivery(e, newTask)
			s.process(chunk(newTask, m))
			s.wants(m, "status = 'failed' AND attempts = 1 AND task IS NULL")
			got, err := s.endpoints.Get(t.Context(), "w", e.ID)
			must(t, err)
			if got.IsActive || got.DisabledAt == nil || got.DisabledReason != webhook.DisabledGone {
				t.Errorf("the endpoint is %+v", got)
			}
			if other, err = s.endpoints.Get(t.Context(), "w", other.ID); err != nil || !other.IsActive {
				t.Errorf("another endpoint is %+v, %v", other, err)
			}
			next := s.delivery(e, "c_next")
			s.process(chunk("c_next", next))
			s.wants(next, "status = 'pending' AND parked AND held_reason = 'endpoint_disabled' AND attempts = 0")
		})
	}

	t.Run("LeavesAnEndpointThatWasChangedMeanwhile", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		s.sender.answers(status(http.StatusGone))
		e := s.endpoint()
		m := s.delivery(e, newTask)
		begun := s.sender.hold()
		done := s.begin(chunk(newTask, m))
		receive(t, begun)
		_, err := s.endpoints.Update(t.Context(), "w", e.ID, func(e *webhook.Endpoint) error {
			e.URL = "https://example.com/new"
			return nil
		})
		must(t, err)
		s.sender.letAllGo()
		must(t, receive(t, done))
		s.wants(m, "status = 'failed' AND attempts = 1")
		if got, err := s.endpoints.Get(t.Context(), "w", e.ID); err != nil || !got.IsActive {
			t.Errorf("the new endpoint is %+v, %v", got, err)
		}
		s.process(chunk("c_next", s.delivery(e, "c_next")))
		if got, err := s.endpoints.Get(t.Context(), "w", e.ID); err != nil || got.IsActive {
			t.Errorf("after a 410 of its own the new endpoint is %+v, %v", got, err)
		}
	})

	t.Run("IsNotA404", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		s.sender.answers(status(404))
		e := s.endpoint()
		m := s.delivery(e, newTask)
		s.process(chunk(newTask, m))
		s.wants(m, "status = 'pending'")
		if got, err := s.endpoints.Get(t.Context(), "w", e.ID); err != nil || !got.IsActive {
			t.Errorf("the endpoint is %+v, %v", got, err)
		}
	})
}

func TestAnswersThatFail(t *testing.T) {
	t.Parallel()
	s := setup(t)
	for _, c := range []struct {
		name   string
		answer func(int, webhook.Request) webhook.Response
		want   string
	}{
		{"ARedirect", status(301, "Location", "https://example.com/there"), "status_code = 301 AND error_class = 'status' AND error LIKE '%redirects are not followed%'"},
		{"NotModified", status(304), "status_code = 304 AND error_class = 'status'"},
		{"BadRequest", status(400), "status_code = 400 AND error_class = 'status'"},
		{"AnUnknownStatus", status(799), "status_code = 799 AND error = 'the receiver answered 799'"},
		{"ASuccessCutShort", cutShort(200), "status_code = 200 AND error_class = 'reset' AND error = 'the connection broke in the body'"},
		{"NoAnswer", cutShort(0), "status_code IS NULL AND error_class = 'reset'"},
	} {
		t.Run(c.name, func(_ *testing.T) {
			s.sender.answers(c.answer)
			m := s.delivery(s.endpoint(), newTask)
			s.process(chunk(newTask, m))
			s.wants(m, "status = 'pending' AND attempts = 1")
			s.wantsAttempt(m, 1, c.want)
		})
	}
}
