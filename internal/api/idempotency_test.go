package api

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/pgtest"
	"github.com/postrider/postrider/internal/webhook"
)

// keyed makes a request with an idempotency key.
func (b *bundle) keyed(key, method, path, body, idempotencyKey string) *answer {
	b.t.Helper()
	return b.call(key, method, path, body, keyHeader, idempotencyKey)
}

// again fails the test unless the second answer is the first one, replayed.
func (a *answer) again(second *answer) {
	a.t.Helper()
	if second.status != a.status || !bytes.Equal(second.raw, a.raw) || second.header.Get("Location") != a.header.Get("Location") ||
		second.header.Get("Content-Type") != a.header.Get("Content-Type") || second.header.Get(replayedHeader) != "true" {
		a.t.Errorf("first %d %s, then %d %s (%v)", a.status, a.raw, second.status, second.raw, second.header)
	}
	if a.header.Get(replayedHeader) != "" {
		a.t.Error("the first says that it is a replay")
	}
}

func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	b := setup(t)
	key := b.workspace("456")
	b.endpoint(key)
	count := func(path string) int {
		a := b.call(key, "GET", path+"?limit=250", "").want(http.StatusOK)
		return strings.Count(string(a.raw), `"created_at"`)
	}

	t.Run("TheSameRequestTakesEffectOnce", func(t *testing.T) {
		for name, tt := range map[string]struct{ path, body, list string }{
			"event":    {"/v1/events", `{"type":"a.b","data":{"n":1}}`, "/v1/events"},
			"batch":    {"/v1/events/batch", `{"events":[{"type":"a.b","data":{}},{"type":"a.c","data":{}}]}`, "/v1/events"},
			"endpoint": {"/v1/endpoints", `{"url":"https://example.com/","events":["never"]}`, "/v1/endpoints"},
		} {
			first := b.keyed(key, "POST", tt.path, tt.body, name)
			if first.status/100 != 2 {
				t.Fatalf("%s: %d %s", name, first.status, first.raw)
			}
			before := count(tt.list)
			first.again(b.keyed(key, "POST", tt.path, tt.body, name))
			if after := count(tt.list); after != before {
				t.Errorf("%s: it took effect twice", name)
			}
		}
	})

	t.Run("AnEventsDeliveriesAreItsOwn", func(t *testing.T) {
		a := b.keyed(key, "POST", "/v1/events", `{"type":"a.b","data":{}}`, "deliveries").want(http.StatusAccepted)
		id := a.text("id")
		if _, ok := webhook.ParseID(webhook.EventPrefix, id); !ok || !strings.Contains(string(a.raw), `"deliveries":1`) {
			t.Errorf("got %s", a.raw)
		}
		got := b.call(key, "GET", "/v1/events/"+id+"/deliveries", "").want(http.StatusOK)
		if strings.Count(string(got.raw), `"event_id":"`+id+`"`) != 1 {
			t.Errorf("got %s", got.raw)
		}
	})

	t.Run("AProblemIsKeptAsWell", func(_ *testing.T) {
		first := b.keyed(key, "POST", "/v1/events", `{"type":"a.b"}`, "problem").want(http.StatusUnprocessableEntity)
		first.again(b.keyed(key, "POST", "/v1/events", `{"type":"a.b"}`, "problem"))
	})

	t.Run("SoIsThatABodyIsNoJSON", func(_ *testing.T) {
		for path, good := range map[string]string{
			"/v1/events": `{"type":"a.b","data":{}}`, "/v1/endpoints": `{"url":"https://example.com/","events":["x"]}`,
		} {
			for name, bad := range map[string]string{"half": "{", "empty": "", "latin1": "{\"\xe9\":1}"} {
				first := b.keyed(key, "POST", path, bad, name).problem(http.StatusBadRequest, webhook.CodeMalformed)
				first.again(b.keyed(key, "POST", path, bad, name))
				b.keyed(key, "POST", path, good, name).problem(http.StatusUnprocessableEntity, webhook.CodeIdempotencyMismatch)
			}
		}
	})

	t.Run("AContentTypeThatIsMendedIsAnotherRequest", func(_ *testing.T) {
		body := `{"type":"a.b","data":{}}`
		b.call(key, "POST", "/v1/events", body, keyHeader, "media", "Content-Type", "application/xml").
			problem(http.StatusUnsupportedMediaType, webhook.CodeUnsupported)
		b.keyed(key, "POST", "/v1/events", body, "media").want(http.StatusAccepted)
	})

	t.Run("AnotherRequestIsAMismatch", func(_ *testing.T) {
		b.keyed(key, "POST", "/v1/events", `{"type":"a.b","data":{}}`, "mismatch").want(http.StatusAccepted)
		b.keyed(key, "POST", "/v1/events", `{"type":"a.c","data":{}}`, "mismatch").
			problem(http.StatusUnprocessableEntity, webhook.CodeIdempotencyMismatch)
	})

	t.Run("KeysAreOfAWorkspaceMethodAndPath", func(t *testing.T) {
		body := `{"type":"a.b","data":{}}`
		first := b.keyed(key, "POST", "/v1/events", body, "shared").want(http.StatusAccepted)
		first.again(b.keyed(b.key("456"), "POST", "/v1/events", body, "shared")) // another key of the workspace
		other := b.keyed(b.workspace("other"), "POST", "/v1/events", body, "shared").want(http.StatusAccepted)
		batch := b.keyed(key, "POST", "/v1/events/batch", `{"events":[`+body+`]}`, "shared").want(http.StatusAccepted)
		if other.text("id") == first.text("id") || strings.Contains(string(batch.raw), first.text("id")) {
			t.Errorf("one event for all: %s %s %s", first.raw, other.raw, batch.raw)
		}
	})

	t.Run("AdminRoutesHaveTheirOwn", func(_ *testing.T) {
		first := b.keyed(adminKey, "POST", "/v1/workspaces", `{"name":"n"}`, "ws").want(http.StatusCreated)
		first.again(b.keyed(adminKey, "POST", "/v1/workspaces", `{"name":"n"}`, "ws"))
		path := "/v1/workspaces/" + first.text("id") + "/keys"
		secret := b.keyed(adminKey, "POST", path, `{"name":"k"}`, "k").want(http.StatusCreated)
		secret.again(b.keyed(adminKey, "POST", path, `{"name":"k"}`, "k"))
	})

	t.Run("AnswersAreEncrypted", func(t *testing.T) {
		a := b.keyed(key, "POST", "/v1/endpoints", `{"url":"https://example.com/","events":["x"]}`, "sealed").want(http.StatusCreated)
		for _, part := range []string{a.text("secret"), a.text("id")} {
			if n := b.number("SELECT count(*) FROM idempotency_keys WHERE position($1::bytea IN answer) > 0", []byte(part)); n != 0 {
				t.Errorf("%s is in the table", part)
			}
		}
	})

	t.Run("AnyPathCanBeStored", func(_ *testing.T) {
		for _, id := range []string{"%00", "%ff", "é", strings.Repeat("x", 4000)} {
			for range 2 {
				b.keyed(key, "POST", "/v1/events/"+id+"/replay", "", "path").want(http.StatusNotFound)
			}
		}
	})

	t.Run("RefusesWhatIsNoKey", func(t *testing.T) {
		for _, bad := range []string{strings.Repeat("x", 256), "a\tb", "naïve"} {
			a := b.keyed(key, "POST", "/v1/events", `{"type":"a.b","data":{}}`, bad).problem(http.StatusUnprocessableEntity, webhook.CodeInvalid)
			if !strings.Contains(string(a.raw), keyHeader) {
				t.Errorf("got %s", a.raw)
			}
		}
		b.keyed(key, "POST", "/v1/events", `{"type":"a.b","data":{}}`, strings.Repeat("x", 255)).want(http.StatusAccepted)
	})

	t.Run("IsFreshAfterADay", func(t *testing.T) {
		first := b.keyed(key, "POST", "/v1/events", `{"type":"a.b","data":{}}`, "day").want(http.StatusAccepted)
		b.exec("UPDATE idempotency_keys SET created_at = now() - interval '1 day' WHERE key = 'day'")
		second := b.keyed(key, "POST", "/v1/events", `{"type":"a.c","data":{}}`, "day").want(http.StatusAccepted)
		if first.text("id") == second.text("id") || second.header.Get(replayedHeader) != "" {
			t.Errorf("got %s, then %s", first.raw, second.raw)
		}
		b.exec("UPDATE idempotency_keys SET created_at = now() - interval '1 day'")
		if err := b.idempotency().RemoveOld(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := b.number("SELECT count(*) FROM idempotency_keys"); n != 0 {
			t.Errorf("%d are left", n)
		}
	})
}

// A process dies after the commit and before the answer is kept, where that is another
// one: whoever makes the request again finds its events by the token.
func TestIdempotencyKeyOutlivesAKill(t *testing.T) {
	t.Parallel()
	b := setup(t)
	key := b.workspace("456")
	b.endpoint(key)
	for path, body := range map[string]string{
		"/v1/events":       `{"type":"a.b","data":{},"ordering_key":"o"}`,
		"/v1/events/batch": `{"events":[{"type":"a.b","data":{}},{"type":"a.c","data":{}},{"type":"a.d","data":{},"id":"mine"}]}`,
	} {
		first := b.keyed(key, "POST", path, body, "killed").want(http.StatusAccepted)
		before := b.number("SELECT count(*) FROM deliveries")
		b.exec("UPDATE idempotency_keys SET answer = NULL, claimed_until = now()")
		second := b.keyed(key, "POST", path, body, "killed").want(http.StatusAccepted)
		if !bytes.Equal(first.raw, second.raw) {
			t.Errorf("first %s, then %s", first.raw, second.raw)
		}
		if after := b.number("SELECT count(*) FROM deliveries"); after != before {
			t.Errorf("%s: %d deliveries, then %d", path, before, after)
		}
	}
}

// failingAccepter fails or panics while it is told to.
type failingAccepter struct {
	Accepter
	fail, panics bool
}

func (f *failingAccepter) Accept(ctx context.Context, ws webhook.WorkspaceID, events []webhook.NewEvent) ([]webhook.Accepted, error) {
	switch {
	case f.fail && f.panics:
		panic("a mistake")
	case f.fail:
		return nil, &webhook.Error{Code: webhook.CodeUnavailable, Detail: "away"}
	}
	return f.Accepter.Accept(ctx, ws, events)
}

func TestIdempotencyKeyInFlight(t *testing.T) {
	t.Parallel()

	t.Run("OfManyAtOnceOneTakesEffect", func(t *testing.T) {
		t.Parallel()
		dsn := pgtest.New(t)
		apis := []*bundle{setupOn(t, dsn), setupOn(t, dsn)}
		key := apis[0].workspace("456")
		answers := make([]*answer, 40)
		var all sync.WaitGroup
		for i := range answers {
			all.Go(func() { answers[i] = apis[i%2].keyed(key, "POST", "/v1/events", `{"type":"a.b","data":{}}`, "k") })
		}
		all.Wait()
		ids := map[string]bool{}
		for _, a := range answers {
			switch a.status {
			case http.StatusAccepted:
				ids[a.text("id")] = true
			case http.StatusConflict:
			default:
				t.Errorf("got %d %s", a.status, a.raw)
			}
		}
		if len(ids) != 1 || apis[0].number("SELECT count(*) FROM events") != 1 {
			t.Errorf("they took effect as %v", ids)
		}
	})

	t.Run("GetsA409WhileTheFirstIsUnderWay", func(t *testing.T) {
		t.Parallel()
		b := setup(t, func(_ *Deps, c *Config) { c.Timeout = 400 * time.Millisecond })
		key := b.workspace("456")
		b.keyed(key, "POST", "/v1/events", `{"type":"a.b","data":{}}`, "k").want(http.StatusAccepted)
		b.exec("UPDATE idempotency_keys SET answer = NULL, claimed_until = now() + interval '1 hour'")
		b.keyed(key, "POST", "/v1/events", `{"type":"a.b","data":{}}`, "k").problem(http.StatusConflict, webhook.CodeIdempotencyInFlight)
		b.keyed(key, "POST", "/v1/events", `{"type":"a.c","data":{}}`, "k").problem(http.StatusUnprocessableEntity, webhook.CodeIdempotencyMismatch)
	})

	t.Run("WhatFailedOnOurSideIsNotKept", func(t *testing.T) {
		t.Parallel()
		fails := &failingAccepter{fail: true}
		b := setup(t, func(d *Deps, _ *Config) { fails.Accepter, d.Accepter = d.Accepter, fails })
		key := b.workspace("456")
		for _, panics := range []bool{false, true} {
			fails.fail, fails.panics = true, panics
			name := fmt.Sprint(panics)
			if a := b.keyed(key, "POST", "/v1/events", `{"type":"a.b","data":{}}`, name); a.status < 500 {
				t.Fatalf("got %d", a.status)
			}
			fails.fail = false
			b.keyed(key, "POST", "/v1/events", `{"type":"a.b","data":{}}`, name).want(http.StatusAccepted)
		}
	})
}
