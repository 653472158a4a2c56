package deliver

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/postgres"
	ramp "github.com/postrider/postrider/internal/recovery/parking"
	"github.com/postrider/postrider/internal/webhook"
)

func (s *stage) parkedEndpoint(e webhook.Endpoint, condition string) bool {
	s.t.Helper()
	return query[bool](s, "SELECT count(*) = 1 FROM parked_endpoints WHERE endpoint_id = $1 AND "+condition, uuid(e.ID))
}

// open opens an endpoint's breaker, with a probe or none.
func (s *stage) open(e webhook.Endpoint, probe webhook.ID) {
	s.t.Helper()
	s.exec(`INSERT INTO endpoint_health (endpoint_id, workspace_id, failures, failing_since, open_until, probe_id, probe_at)
		VALUES ($1, 'w', 20, now() - interval '5 minutes', now() + interval '25 seconds', NULLIF($2::uuid, '00000000-0000-0000-0000-000000000000'), now())`,
		uuid(e.ID), uuid(probe))
}

func TestHold(t *testing.T) {
	t.Parallel()

	t.Run("OfADisabledEndpoint", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		e, other := s.endpoint(), s.endpoint()
		m, neighbour := s.delivery(e, newTask), s.delivery(other, newTask)
		_, err := s.endpoints.Update(t.Context(), "w", e.ID, func(e *webhook.Endpoint) error { e.IsActive = false; return nil })
		must(t, err)
		s.process(chunk(newTask, m, neighbour))
		s.wants(m, "status = 'pending' AND parked AND held_reason = 'endpoint_disabled' AND held_until IS NULL AND task IS NULL AND attempts = 0")
		s.wants(neighbour, "status = 'success'")
		if !s.parkedEndpoint(e, "reason = 'endpoint_disabled'") {
			t.Error("the scheduler does not know of it")
		}
	})

	t.Run("OfADeletedEndpointIsACancellation", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		e := s.endpoint()
		must(t, s.endpoints.Delete(t.Context(), "w", e.ID))
		// Accepted meanwhile: what was there before, the deletion has canceled.
		m, others := s.delivery(e, newTask), s.delivery(e, "r_other")
		s.process(chunk(newTask, m, others))
		s.wants(m, "status = 'canceled' AND reason = 'endpoint_deleted' AND completed_at IS NOT NULL AND attempts = 0")
		s.wants(others, "status = 'pending' AND task = 'r_other'")
		if n := len(s.sender.requests()); n != 0 {
			t.Errorf("%d requests", n)
		}
	})

	t.Run("BehindAnOpenBreaker", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		e, other := s.endpoint(), s.endpoint()
		m, neighbour := s.delivery(e, newTask), s.delivery(other, newTask)
		s.open(e, webhook.ID{})
		s.process(chunk(newTask, m, neighbour))
		s.wants(m, `status = 'pending' AND parked AND held_reason = 'breaker_open' AND task IS NULL AND attempts = 0
			AND held_until BETWEEN now() + interval '20 seconds' AND now() + interval '25 seconds'`)
		s.wants(neighbour, "status = 'success'")
		if !s.parkedEndpoint(e, "reason = 'breaker_open' AND next_check_at > now() + interval '20 seconds'") {
			t.Error("the scheduler does not know of it")
		}
	})

	t.Run("LeavesTheScheduleAsItWas", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		e := s.endpoint()
		m := s.delivery(e, retried)
		s.change(m, "attempts = 1")
		s.open(e, webhook.ID{})
		s.process(chunk(retried, m))
		s.wants(m, "parked AND attempts = 1 AND schedule_start = 0 AND next_attempt_at <= now()")
		s.exec("DELETE FROM endpoint_health")
		s.exec("UPDATE parked_endpoints SET next_check_at = now()")
		db, err := postgres.Open(t.Context(), postgres.Config{URL: s.raw.Config().ConnString()})
		must(t, err)
		t.Cleanup(db.Close)
		if out, err := postgres.NewParked(db).Next(t.Context(), ramp.Decide); err != nil || out.Released != 1 {
			t.Fatalf("released %+v, %v", out, err)
		}
		s.wants(m, "NOT parked AND attempts = 1 AND schedule_start = 0 AND task IS NULL")
		s.change(m, "task = 'c_again'") // as feed does it
		s.sender.answers(status(500))
		before := s.clock()
		s.process(chunk("c_again", m))
		s.wants(m, "status = 'pending' AND attempts = 2 AND schedule_start = 0")
		s.wantsDelay(m, before, 5*time.Minute, 5*time.Minute)
	})

	t.Run("OfASecretThatCanNotBeDecrypted", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		e := s.endpoint()
		newer, err := postgres.Open(t.Context(), postgres.Config{URL: s.raw.Config().ConnString(), Keys: [][]byte{bytes.Repeat([]byte{9}, 32)}})
		must(t, err)
		t.Cleanup(newer.Close)
		sealed := webhook.Endpoint{
			ID: webhook.NewID(time.Now()), WorkspaceID: "w", URL: "https://example.com", Events: []string{"*"},
			Secret: webhook.NewSecret(), IsActive: true,
		}
		_, err = postgres.NewEndpoints(newer).Create(t.Context(), sealed)
		must(t, err)
		m, neighbour := s.delivery(sealed, newTask), s.delivery(e, newTask)
		s.process(chunk(newTask, m, neighbour))
		s.wants(m, `status = 'pending' AND parked AND held_reason = 'secret_sealed' AND task IS NULL AND attempts = 0
			AND held_until BETWEEN now() + interval '30 seconds' AND now() + interval '60 seconds'`)
		s.wants(neighbour, "status = 'success'")
		if n := len(s.sender.requests()); n != 1 {
			t.Errorf("%d requests", n)
		}
	})

	t.Run("OverTheWindowIsParkedAndDoesNotSpin", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		one := 1
		e := s.endpoint(func(e *webhook.Endpoint) { e.MaxInFlight = &one })
		begun := s.sender.hold()
		a, b := s.delivery(e, newTask), s.delivery(e, newTask)
		done := s.begin(chunk(newTask, a, b))
		runs := receive(t, begun)
		over := a
		if runs.header("X-Webhook-Delivery") == a.DeliveryID.Format(webhook.DeliveryPrefix) {
			over = b
		}
		must(t, receive(t, done))
		s.wants(over, "status = 'pending' AND parked AND held_reason = 'max_in_flight' AND held_until IS NOT NULL AND task IS NULL AND attempts = 0")
		if n := len(s.retries.tasks()); n != 0 || !s.parkedEndpoint(e, "reason = 'max_in_flight'") {
			t.Errorf("%d tasks in Redis; or the scheduler does not know of the endpoint", n)
		}
	})

	t.Run("OverTheRateIsParked", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		five := 5
		e := s.endpoint(func(e *webhook.Endpoint) { e.RateLimit = &five })
		s.rates.grant(2, 0, 0)
		all := []webhook.Member{s.delivery(e, newTask), s.delivery(e, newTask), s.delivery(e, newTask), s.delivery(s.endpoint(), newTask)}
		s.process(chunk(newTask, all...))
		if n := query[int](s, "SELECT count(*) FROM deliveries WHERE status = 'success'"); n != 3 {
			t.Errorf("%d deliveries, want the 2 granted and the one without a limit", n)
		}
		if n := query[int](s, `SELECT count(*) FROM deliveries WHERE parked AND held_reason = 'rate_limit' AND task IS NULL
			AND attempts = 0 AND held_until > now() - interval '1 minute'`); n != 1 {
			t.Errorf("%d are parked", n)
		}
		s.wants(all[3], "status = 'success'")
	})

	t.Run("OfAnExpiredPayloadIsAFailure", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		e := s.endpoint()
		m, neighbour := s.delivery(e, newTask), s.delivery(e, newTask)
		s.exec("UPDATE events SET body = NULL WHERE id = $1", uuid(m.EventID))
		s.process(chunk(newTask, m, neighbour))
		s.wants(m, "status = 'failed' AND reason = 'payload_expired' AND attempts = 0")
		s.wants(neighbour, "status = 'success'")
	})
}

// overtaken is a Postgres where each probe lost its place just before it begins.
type overtaken struct {
	*store
	s *stage
}

func (o overtaken) BeginProbe(ctx context.Context, m webhook.Member) (bool, error) {
	o.s.exec("UPDATE endpoint_health SET probe_id = gen_random_uuid()")
	return o.store.BeginProbe(ctx, m)
}

func TestProbe(t *testing.T) {
	t.Parallel()

	t.Run("UsesUpNoRetry", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		e := s.endpoint()
		m := s.delivery(e, retried)
		s.change(m, "attempts = 3") // one more failure would end it
		s.open(e, m.DeliveryID)
		s.sender.answers(status(500))
		before := s.clock()
		s.process(chunk(retried, m))
		s.wants(m, "status = 'pending' AND task IS NULL AND attempts = 4 AND schedule_start = 1")
		s.wantsDelay(m, before, probeAgain, probeAgain)
		if !query[bool](s, "SELECT probe_id IS NULL AND opens = 1 AND open_until > now() + interval '26 seconds' FROM endpoint_health") {
			t.Error("the breaker is not open for longer")
		}
	})

	t.Run("IsNotRepeatedBeforeItsRetryAfter", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		e := s.endpoint()
		m := s.delivery(e, newTask)
		s.open(e, m.DeliveryID)
		s.sender.answers(status(503, "Retry-After", "7200"))
		before := s.clock()
		s.process(chunk(newTask, m))
		s.wants(m, "status = 'pending' AND task IS NULL")
		s.wantsDelay(m, before, 2*time.Hour, 2*time.Hour)
	})

	t.Run("ThatSucceedsClosesTheBreaker", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		e := s.endpoint()
		m, next := s.delivery(e, newTask), s.delivery(e, "c_next")
		s.open(e, m.DeliveryID)
		s.process(chunk(newTask, m))
		s.wants(m, "status = 'success'")
		s.process(chunk("c_next", next))
		s.wants(next, "status = 'success'")
	})

	t.Run("ThatIsGoneFails", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		e := s.endpoint()
		m := s.delivery(e, newTask)
		s.open(e, m.DeliveryID)
		s.sender.answers(status(410))
		s.process(chunk(newTask, m))
		s.wants(m, "status = 'failed'")
	})

	t.Run("HasItsTimeFromWhenItBegins", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		e := s.endpoint()
		m := s.delivery(e, newTask)
		s.open(e, m.DeliveryID)
		s.exec("UPDATE endpoint_health SET probe_at = now() - interval '80 seconds'") // in a long queue
		s.sender.answers(during(200, func() {
			if !query[bool](s, "SELECT probe_at > now() - interval '10 seconds' FROM endpoint_health") {
				t.Error("another may go out while it runs")
			}
		}))
		s.process(chunk(newTask, m))
		s.wants(m, "status = 'success'")
	})

	t.Run("IsNotMadeOnceAnotherTookItsPlace", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		e := s.endpoint()
		m := s.delivery(e, newTask)
		s.open(e, m.DeliveryID)
		s.runner.Rows = overtaken{s.store, s}
		s.process(chunk(newTask, m))
		s.wants(m, "status = 'pending' AND parked AND held_reason = 'breaker_open' AND attempts = 0")
		if n := len(s.sender.requests()); n != 0 {
			t.Errorf("%d requests", n)
		}
	})

	t.Run("ThatIsNotMadeLeavesItsPlaceToAnother", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		one := 1
		e, other := s.endpoint(func(e *webhook.Endpoint) { e.RateLimit = &one }), s.endpoint()
		m, well := s.delivery(e, newTask), s.delivery(other, "c_other")
		s.open(e, m.DeliveryID)
		s.open(other, well.DeliveryID)
		s.rates.grant(0, 0, 0)
		s.process(chunk(newTask, m))
		s.wants(m, "parked AND held_reason = 'rate_limit' AND attempts = 0")
		if !query[bool](s, "SELECT probe_id IS NULL AND probe_at IS NULL AND failures = 20 FROM endpoint_health WHERE endpoint_id = $1", uuid(e.ID)) {
			t.Error("the next probe waits for one that is not made")
		}
		if !query[bool](s, "SELECT probe_id IS NOT NULL FROM endpoint_health WHERE endpoint_id = $1", uuid(other.ID)) {
			t.Error("another endpoint's probe is none any more")
		}
	})

	t.Run("IsOneDelivery", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		e := s.endpoint()
		probe, other := s.delivery(e, newTask), s.delivery(e, newTask)
		s.open(e, probe.DeliveryID)
		s.process(chunk(newTask, probe, other))
		s.wants(probe, "status = 'success'")
		s.wants(other, "parked AND held_reason = 'breaker_open'")
	})
}
