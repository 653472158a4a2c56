package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/pgtest"
	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
)

// change is a request that changes something other than events.
type change struct{ name, key, path, body string }

// posts are all there are, each on things of its own.
func (w *world) posts() []change {
	failed := w.delivery(w.key, `{"id":"failed","type":"a","data":{}}`)
	w.exec("UPDATE deliveries SET status = 'failed', task = NULL, next_attempt_at = NULL, completed_at = now() WHERE id = $1", uuidOf(w.t, webhook.DeliveryPrefix, failed))
	end := func() string { return "/v1/endpoints/" + w.endpoint(w.key) }
	rotating := end()
	w.call(w.key, "POST", rotating+"/secret/rotate", "").want(http.StatusOK)
	return []change{
		{"createWorkspace", adminKey, "/v1/workspaces", `{"name":"n"}`},
		{"createKey", adminKey, "/v1/workspaces/mine/keys", `{"name":"n"}`},
		{"createEndpoint", w.key, "/v1/endpoints", `{"url":"https://example.com/","events":["a"]}`},
		{"rotateEndpointSecret", w.key, end() + "/secret/rotate", ""},
		{"promoteEndpointSecret", w.key, rotating + "/secret/promote", ""},
		{"replayEndpoint", w.key, end() + "/replay", `{"since":"2020-01-01T00:00:00Z"}`},
		{"replayEvent", w.key, "/v1/events/own-id/replay", ""},
		{"replayDeliveries", w.key, "/v1/replays", `{"delivery_ids":["` + failed + `"]}`},
		{"cancelReplay", w.key, "/v1/replays/" + w.ids["replays"] + "/cancel", ""},
		{"retryDelivery", w.key, "/v1/deliveries/" + failed + "/retry", ""},
		{"cancelDelivery", w.key, "/v1/deliveries/" + w.ids["deliveries"] + "/cancel", ""},
	}
}

// content is a number for all that these requests change, the audit log included.
func (b *bundle) content() (n int) {
	b.t.Helper()
	for _, table := range []string{"workspaces", "keys", "endpoints", "deliveries", "replays", "audit_log"} {
		n ^= b.number("SELECT coalesce(bit_xor(hashtextextended('" + table + "' || to_jsonb(x)::text, 0)), 0) FROM " + table + " x")
	}
	return n
}

// stuck leaves the keys of requests that failed as they are, as a process does that
// is killed.
type stuck struct{ Idempotency }

func (s stuck) Release(ctx context.Context, k webhook.IdempotencyKey, c *webhook.Claim) error {
	k.Key = "nobody's" // what was changed is undone, as by the connection's end
	return s.Idempotency.Release(ctx, k, c)
}

// Whatever a request changes is committed with its answer, so a kill leaves both or
// neither, and the request made again takes effect once.
func TestIdempotencyKeyIsOneCommitWithWhatIsChanged(t *testing.T) {
	t.Parallel()
	kill := func(when string) string {
		return "CREATE FUNCTION kill() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(1); RETURN NULL; END $$;" +
			"CREATE CONSTRAINT TRIGGER kill AFTER UPDATE ON idempotency_keys DEFERRABLE INITIALLY " + when + " FOR EACH ROW EXECUTE FUNCTION kill()"
	}
	for name, killed := range map[string]string{"KilledBeforeTheAnswerIsKept": kill("IMMEDIATE"), "KilledBeforeTheCommit": kill("DEFERRED")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(d *Deps, _ *Config) { d.Idempotency = stuck{d.Idempotency} })
			for _, p := range w.posts() {
				before := w.content()
				w.exec(killed)
				if a := w.keyed(p.key, "POST", p.path, p.body, "k"); a.status != http.StatusServiceUnavailable {
					t.Fatalf("%s: got %d %s", p.name, a.status, a.raw)
				}
				w.exec("DROP TRIGGER kill ON idempotency_keys; DROP FUNCTION kill")
				if w.content() != before {
					t.Errorf("%s was made without its answer", p.name)
				}
				entries := w.number("SELECT count(*) FROM audit_log")
				w.exec("UPDATE idempotency_keys SET claimed_until = now() WHERE answer IS NULL")
				first := w.keyed(p.key, "POST", p.path, p.body, "k")
				if first.status/100 != 2 {
					t.Fatalf("%s: got %d %s", p.name, first.status, first.raw)
				}
				made := w.content()
				first.again(w.keyed(p.key, "POST", p.path, p.body, "k"))
				if w.content() != made || made == before {
					t.Errorf("%s took effect not once", p.name)
				}
				if n := w.number("SELECT count(*) FROM audit_log") - entries; n != 1 {
					t.Errorf("%s left %d entries in the audit log", p.name, n)
				}
			}
		})
	}
}

// A request that waits for a second connection while it holds one waits for ever
// when all do.
func TestIdempotencyKeyNeedsOneConnection(t *testing.T) {
	t.Parallel()
	dsn := pgtest.New(t)
	db, err := postgres.Open(t.Context(), postgres.Config{URL: dsn, Keys: [][]byte{[]byte(strings.Repeat("\a", 32))}, MaxConns: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	w := newWorldOn(t, dsn, func(d *Deps, _ *Config) {
		d.Workspaces, d.Keys, d.Endpoints, d.Events = postgres.NewWorkspaces(db), postgres.NewKeys(db), postgres.NewEndpoints(db), postgres.NewEvents(db)
		d.Deliveries, d.Replays, d.Idempotency, d.AuditLog = postgres.NewDeliveries(db), postgres.NewReplays(db), postgres.NewIdempotency(db), postgres.NewAuditLog(db)
	})
	for _, p := range w.posts() {
		if a := w.keyed(p.key, "POST", p.path, p.body, "k"); a.status/100 != 2 {
			t.Errorf("%s: got %d %s", p.name, a.status, a.raw)
		}
	}
	// Neither does what is refused keep it.
	w.keyed(w.key, "POST", "/v1/deliveries/"+w.ids["deliveries"]+"/cancel", "", "again").problem(http.StatusConflict, webhook.CodeNotCancelable)
	w.keyed(w.key, "POST", "/v1/endpoints", `{}`, "refused").want(http.StatusUnprocessableEntity)
	w.call(w.key, "GET", "/v1/endpoints", "").want(http.StatusOK)
}

func TestIdempotencyKeyTakenOver(t *testing.T) {
	t.Parallel()
	var during atomic.Pointer[func()]
	b := setup(t)
	key := b.workspace("456")
	b.urls.during = func() {
		if do := during.Swap(nil); do != nil {
			(*do)()
		}
	}
	body := `{"url":"https://example.com/","events":["a"]}`
	var second *answer
	slow := func() { // in the midst of the first request, whose claim has run out
		b.urls.mu.Unlock()
		defer b.urls.mu.Lock()
		b.exec("UPDATE idempotency_keys SET claimed_until = now()")
		second = b.keyed(key, "POST", "/v1/endpoints", body, "k").want(http.StatusCreated)
	}
	during.Store(&slow)
	b.keyed(key, "POST", "/v1/endpoints", body, "k").problem(http.StatusConflict, webhook.CodeIdempotencyInFlight)
	if n := b.number("SELECT count(*) FROM endpoints"); n != 1 {
		t.Errorf("there are %d endpoints", n)
	}
	second.again(b.keyed(key, "POST", "/v1/endpoints", body, "k"))
}

// looks counts how often a key is looked at and claimed.
type looks struct {
	Idempotency
	finds, claims atomic.Int64
}

func (l *looks) Find(ctx context.Context, k webhook.IdempotencyKey, digest []byte) (webhook.Claim, error) {
	l.finds.Add(1)
	return l.Idempotency.Find(ctx, k, digest)
}

func (l *looks) Claim(ctx context.Context, k webhook.IdempotencyKey, digest []byte, now time.Time, d time.Duration) (webhook.Claim, error) {
	l.claims.Add(1)
	return l.Idempotency.Claim(ctx, k, digest, now, d)
}

func TestIdempotencyKeyWaits(t *testing.T) {
	t.Parallel()
	row := "SELECT ('x' || substr(md5(ctid::text || xmin::text || xmax::text), 1, 8))::bit(32)::int FROM idempotency_keys"

	t.Run("ByReadingSeldom", func(t *testing.T) {
		t.Parallel()
		l := &looks{}
		b := setup(t, func(d *Deps, c *Config) { l.Idempotency, d.Idempotency, c.Timeout = d.Idempotency, l, 4*time.Second })
		key := b.workspace("456")
		b.keyed(key, "POST", "/v1/events", `{"type":"a.b","data":{}}`, "k").want(http.StatusAccepted)
		b.exec("UPDATE idempotency_keys SET answer = NULL, claimed_until = now() + interval '1 hour'")
		before, claims := b.number(row), l.claims.Load()
		b.keyed(key, "POST", "/v1/events", `{"type":"a.b","data":{}}`, "k").problem(http.StatusConflict, webhook.CodeIdempotencyInFlight)
		if finds := l.finds.Load(); l.claims.Load() != claims+1 || finds < 2 || finds > 9 { // 10, 20 … 320, and 500 ms apart, within 2 s
			t.Errorf("it claimed %d times and looked %d times", l.claims.Load()-claims, finds)
		}
		if b.number(row) != before {
			t.Error("waiting wrote into the table")
		}
	})

	t.Run("AndGoesOnForOneThatDied", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		key := b.workspace("456")
		first := b.keyed(key, "POST", "/v1/events/batch", `{"events":[{"type":"a.b","data":{}}]}`, "k").want(http.StatusAccepted)
		b.exec("UPDATE idempotency_keys SET answer = NULL, claimed_until = now() + interval '500 milliseconds'")
		second := b.keyed(key, "POST", "/v1/events/batch", `{"events":[{"type":"a.b","data":{}}]}`, "k").want(http.StatusAccepted)
		if string(first.raw) != string(second.raw) || b.number("SELECT count(*) FROM events") != 1 {
			t.Errorf("first %s, then %s", first.raw, second.raw)
		}
	})

	t.Run("OfManyThatCreateOneDoes", func(t *testing.T) {
		t.Parallel()
		dsn := pgtest.New(t)
		apis := []*bundle{setupOn(t, dsn), setupOn(t, dsn)}
		key := apis[0].workspace("456")
		answers := make([]*answer, 40)
		var all sync.WaitGroup
		for i := range answers {
			all.Go(func() {
				answers[i] = apis[i%2].keyed(key, "POST", "/v1/endpoints", `{"url":"https://example.com/","events":["a"]}`, "k")
			})
		}
		all.Wait()
		seen := map[string]int{}
		for _, a := range answers {
			seen[fmt.Sprint(a.status, " ", string(a.raw))]++
		}
		if n := apis[0].number("SELECT count(*) FROM endpoints"); n != 1 || len(seen) != 1 {
			t.Errorf("%d endpoints, and the answers %v", n, seen)
		}
	})
}
