package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// watched makes a bundle that counts how often keys are looked at and claimed.
func watched(t *testing.T) (*bundle, *looks) {
	t.Helper()
	l := &looks{}
	return setup(t, func(d *Deps, _ *Config) { l.Idempotency, d.Idempotency = d.Idempotency, l }), l
}

func TestPublishOnce(t *testing.T) {
	t.Parallel()
	b, l := watched(t)
	key := b.workspace("456")
	end := b.endpoint(key)
	b.putType(key, "warned", "warn", postSchema).want(http.StatusCreated)
	b.putType(key, "refused", "reject", postSchema).want(http.StatusCreated)
	later := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)

	for name, tt := range map[string]struct {
		body   string
		claims int64 // of a first time
		status int
	}{
		"Plain":                {`{"type":"a.b","data":{"n":1}}`, 0, http.StatusAccepted},
		"WithATime":            {`{"type":"a.b","data":{"n":1},"created_at":"9999-12-31T23:59:59.999999Z"}`, 0, http.StatusAccepted},
		"ToOneEndpoint":        {`{"type":"a.b","data":{},"endpoint_ids":["` + end + `"]}`, 0, http.StatusAccepted},
		"Later":                {`{"type":"a.b","data":{},"deliver_at":"` + later + `"}`, 0, http.StatusAccepted},
		"WithWarnings":         {`{"type":"warned","data":{}}`, 0, http.StatusAccepted},
		"WithAnIDOfItsOwn":     {`{"type":"a.b","data":{},"id":"own"}`, 1, http.StatusAccepted},
		"InOrder":              {`{"type":"a.b","data":{},"ordering_key":"o"}`, 1, http.StatusAccepted},
		"WithAWait":            {`{"type":"a.b","data":{},"wait":0}`, 1, http.StatusAccepted},
		"Invalid":              {`{"type":"a b","data":{}}`, 1, http.StatusUnprocessableEntity},
		"ThatItsSchemaRefuses": {`{"type":"refused","data":{}}`, 1, http.StatusUnprocessableEntity},
		"ToNoEndpoint":         {`{"type":"a.b","data":{},"endpoint_ids":["ep_01hm6cfy60nw8f6cdyx4kb5s3r"]}`, 1, http.StatusUnprocessableEntity},
	} {
		t.Run(name, func(t *testing.T) {
			events, deliveries, claims, finds := b.number("SELECT count(*) FROM events"), b.number("SELECT count(*) FROM deliveries"), l.claims.Load(), l.finds.Load()
			first := b.keyed(key, "POST", "/v1/events", tt.body, name).want(tt.status)
			if n := l.claims.Load() - claims; n != tt.claims || l.finds.Load() != finds {
				t.Errorf("%d claims, want %d", n, tt.claims)
			}
			made := 0
			if tt.status == http.StatusAccepted {
				made = 1
			}
			for range 2 {
				first.again(b.keyed(key, "POST", "/v1/events", tt.body, name))
				b.keyed(key, "POST", "/v1/events", tt.body+" ", name).problem(http.StatusUnprocessableEntity, webhook.CodeIdempotencyMismatch)
			}
			if n := b.number("SELECT count(*) FROM events") - events; n != made {
				t.Errorf("it made %d events", n)
			}
			if n := b.number("SELECT count(*) FROM deliveries") - deliveries; n != made {
				t.Errorf("it made %d deliveries", n)
			}
		})
	}

	t.Run("TellsWhatTheSchemaSaid", func(t *testing.T) {
		a := b.keyed(key, "POST", "/v1/events", `{"type":"warned","data":{}}`, "WithWarnings")
		if !strings.Contains(string(a.raw), `"warnings":[{"pointer":"/data/id"`) {
			t.Errorf("got %s", a.raw)
		}
	})
	t.Run("InNoWorkspaceIsNotFound", func(_ *testing.T) {
		publish := func() *answer {
			return b.call(adminKey, "POST", "/v1/events", `{"type":"a.b","data":{}}`, "X-Workspace-ID", "nobody", keyHeader, "k")
		}
		publish().problem(http.StatusNotFound, webhook.CodeNotFound).again(publish())
	})
	t.Run("IsFreshAfterADay", func(t *testing.T) {
		first := b.keyed(key, "POST", "/v1/events", `{"type":"a.b","data":{}}`, "day").want(http.StatusAccepted)
		b.exec("UPDATE idempotency_keys SET created_at = now() - interval '1 day' WHERE key = 'day'")
		second := b.keyed(key, "POST", "/v1/events", `{"type":"a.c","data":{}}`, "day").want(http.StatusAccepted)
		if first.text("id") == second.text("id") {
			t.Errorf("got %s, then %s", first.raw, second.raw)
		}
		second.again(b.keyed(key, "POST", "/v1/events", `{"type":"a.c","data":{}}`, "day"))
	})
}

// An event, its deliveries, its idempotency key and its answer are one commit: a kill
// leaves all of them or none.
func TestPublishOnceIsOneCommit(t *testing.T) {
	t.Parallel()
	for name, when := range map[string]string{"KilledBeforeTheEventIsStored": "IMMEDIATE", "KilledBeforeTheCommit": "DEFERRED"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			key := b.workspace("456")
			b.endpoint(key)
			stored := func() int {
				return b.number("SELECT (SELECT count(*) FROM events) + (SELECT count(*) FROM deliveries) + (SELECT count(*) FROM idempotency_keys)")
			}
			b.exec("CREATE FUNCTION kill() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(1); RETURN NULL; END $$;" +
				"CREATE CONSTRAINT TRIGGER kill AFTER INSERT ON idempotency_keys DEFERRABLE INITIALLY " + when + " FOR EACH ROW EXECUTE FUNCTION kill()")
			b.keyed(key, "POST", "/v1/events", `{"type":"a.b","data":{}}`, "k").want(http.StatusServiceUnavailable)
			if n := stored(); n != 0 {
				t.Errorf("%d rows are there", n)
			}
			b.exec("DROP TRIGGER kill ON idempotency_keys; DROP FUNCTION kill")
			first := b.keyed(key, "POST", "/v1/events", `{"type":"a.b","data":{}}`, "k").want(http.StatusAccepted)
			first.again(b.keyed(key, "POST", "/v1/events", `{"type":"a.b","data":{}}`, "k"))
			if n := stored(); n != 3 {
				t.Errorf("%d rows are there", n)
			}
		})
	}
}

// unanswering loses what the accepter says while it is told to.
type unanswering struct {
	Accepter
	silent atomic.Bool
}

func (u *unanswering) Accept(ctx context.Context, ws webhook.WorkspaceID, events []webhook.NewEvent) ([]webhook.Accepted, error) {
	out, err := u.Accepter.Accept(ctx, ws, events)
	if u.silent.Load() {
		return nil, fmt.Errorf("the process died")
	}
	return out, err
}

// Who dies between the commit and the answer leaves the answer.
func TestPublishOnceOutlivesAKill(t *testing.T) {
	t.Parallel()
	u := &unanswering{}
	b := setup(t, func(d *Deps, _ *Config) { u.Accepter, d.Accepter = d.Accepter, u })
	key := b.workspace("456")
	b.endpoint(key)
	u.silent.Store(true)
	b.keyed(key, "POST", "/v1/events", `{"type":"a.b","data":{}}`, "k").want(http.StatusInternalServerError)
	u.silent.Store(false)
	a := b.keyed(key, "POST", "/v1/events", `{"type":"a.b","data":{}}`, "k").want(http.StatusAccepted)
	if a.header.Get(replayedHeader) != "true" || b.number("SELECT count(*) FROM deliveries") != 1 || b.number("SELECT count(*) FROM events WHERE id = $1", uuidOf(t, webhook.EventPrefix, a.text("id"))) != 1 {
		t.Errorf("got %s (%v)", a.raw, a.header)
	}
}
