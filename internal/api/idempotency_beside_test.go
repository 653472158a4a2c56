package api

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// gate is a rate limit that lets everybody through or nobody.
type gate struct{ closed atomic.Bool }

func (g *gate) Take(context.Context, webhook.ID) webhook.Quota {
	return webhook.Quota{Allowed: !g.closed.Load(), PerSecond: 1, Wait: time.Second}
}

// What else the API does to a request that has an idempotency key.
func TestIdempotencyKeyBeside(t *testing.T) {
	t.Parallel()

	t.Run("ARateLimitIsNotKeptAndHoldsForRepeatsToo", func(t *testing.T) {
		t.Parallel()
		g := &gate{}
		b := setup(t, func(_ *Deps, c *Config) { c.RateLimits = g })
		key := b.workspace("456")
		for path, body := range map[string]string{
			"/v1/events":       `{"type":"a.b","data":{}}`,
			"/v1/events/batch": `{"events":[{"type":"a.b","data":{}}]}`,
			"/v1/endpoints":    `{"url":"https://example.com/","events":["never"]}`,
		} {
			g.closed.Store(true)
			for range 2 {
				b.keyed(key, "POST", path, body, "k").problem(http.StatusTooManyRequests, webhook.CodeRateLimited)
			}
			g.closed.Store(false)
			first := b.keyed(key, "POST", path, body, "k")
			if first.status/100 != 2 {
				t.Fatalf("%s: got %d %s", path, first.status, first.raw)
			}
			g.closed.Store(true)
			b.keyed(key, "POST", path, body, "k").problem(http.StatusTooManyRequests, webhook.CodeRateLimited)
			g.closed.Store(false)
			first.again(b.keyed(key, "POST", path, body, "k"))
		}
		if n := b.number("SELECT (SELECT count(*) FROM events) + (SELECT count(*) FROM endpoints)"); n != 3 {
			t.Errorf("they made %d", n)
		}
	})

	t.Run("APatchHasNone", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		key := b.workspace("456")
		create := `{"url":"https://example.com/","events":["a"]}`
		first := b.keyed(key, "POST", "/v1/endpoints", create, "k").want(http.StatusCreated)
		path := "/v1/endpoints/" + first.text("id")
		for _, active := range []bool{false, true, false} { // each takes effect
			a := b.keyed(key, "PATCH", path, fmt.Sprintf(`{"is_active":%t}`, active), "k").want(http.StatusOK)
			if got := a.object()["is_active"]; got != active || a.header.Get(replayedHeader) != "" {
				t.Errorf("is_active is %v, want %t", got, active)
			}
		}
		// The repeat tells what was true then, and changes nothing of what is now.
		first.again(b.keyed(key, "POST", "/v1/endpoints", create, "k"))
		if got := b.call(key, "GET", path, "").object()["is_active"]; got != false {
			t.Errorf("the repeat made is_active %v", got)
		}
		if n := b.number("SELECT count(*) FROM idempotency_keys"); n != 1 {
			t.Errorf("%d keys are kept", n)
		}
	})

	t.Run("ARetryBehindAnOpenBreakerStartsOneSchedule", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		w := newWorker(b)
		key := b.workspace("456")
		endpoint := b.endpoint(key)
		id := b.delivery(key, `{"type":"a","data":{}}`)
		w.record("456", id, webhook.StatusFailed, nil)
		b.exec(`INSERT INTO endpoint_health (endpoint_id, workspace_id, failures, failing_since, open_until)
			VALUES ($1, '456', 20, now() - interval '1 hour', now() + interval '1 hour')
			ON CONFLICT (endpoint_id) DO UPDATE SET open_until = excluded.open_until`, uuidOf(t, webhook.EndpointPrefix, endpoint))
		path := "/v1/deliveries/" + id + "/retry"
		first := b.keyed(key, "POST", path, "", "k").want(http.StatusAccepted)
		if first.text("status") != "pending" {
			t.Errorf("got %s", first.raw)
		}
		row := func() int {
			return b.number("SELECT hashtext(to_jsonb(d)::text) FROM deliveries d WHERE id = $1", uuidOf(t, webhook.DeliveryPrefix, id))
		}
		held := row()
		first.again(b.keyed(key, "POST", path, "", "k"))
		if row() != held {
			t.Error("the repeat changed the delivery")
		}
		// Also once it has failed again: only another key asks for another schedule.
		b.exec("UPDATE deliveries SET status = 'failed', task = NULL, next_attempt_at = NULL, completed_at = now() WHERE id = $1", uuidOf(t, webhook.DeliveryPrefix, id))
		failed := row()
		first.again(b.keyed(key, "POST", path, "", "k"))
		if row() != failed {
			t.Error("the repeat changed the delivery that failed again")
		}
		second := b.keyed(key, "POST", path, "", "another").want(http.StatusAccepted)
		if second.text("status") != "pending" || row() == failed {
			t.Errorf("got %s", second.raw)
		}
		b.keyed(key, "POST", path, "", "a third").problem(http.StatusConflict, webhook.CodeNotRetryable)
	})
}
