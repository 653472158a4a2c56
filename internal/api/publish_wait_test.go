package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/await"
	"github.com/postrider/postrider/internal/pgtest"
	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
)

// outcomes are those of an answer, by endpoint.
func (a *answer) outcomes() map[string]map[string]any {
	a.t.Helper()
	list, ok := a.object()["outcomes"].([]any)
	if !ok {
		a.t.Fatalf("no outcomes in %s", a.raw)
	}
	out := make(map[string]map[string]any)
	for _, o := range list {
		fields := o.(map[string]any)
		out[fmt.Sprint(fields["endpoint_id"])] = fields
	}
	return out
}

// later publishes and returns how to get the answer, once the event is stored.
func (b *bundle) later(key, body string, headers ...string) (answered func() *answer) {
	b.t.Helper()
	before := b.number("SELECT count(*) FROM events")
	answers := make(chan *answer, 1)
	go func() { answers <- b.call(key, "POST", "/v1/events", body, headers...) }()
	deadline := time.Now().Add(time.Minute)
	for b.number("SELECT count(*) FROM events") == before {
		if time.Now().After(deadline) {
			b.t.Fatal("the event was not stored within a minute")
		}
		<-time.After(10 * time.Millisecond)
	}
	return func() *answer { return <-answers }
}

// newest is the newest delivery to an endpoint.
func (b *bundle) newest(key, endpoint string) string {
	b.t.Helper()
	return fmt.Sprint(b.call(key, "GET", "/v1/endpoints/"+endpoint+"/deliveries?limit=1", "").want(http.StatusOK).data()[0]["id"])
}

func TestPublishAndWait(t *testing.T) {
	t.Parallel()
	const waiting = `{"type":"a","data":{},"wait":10}`

	t.Run("IsAnsweredWhenNothingIsOnItsFirstAttempt", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		w, key := newWorker(b), b.workspace("456")
		good, bad, dropped := b.endpoint(key), b.endpoint(key), b.endpoint(key)
		answered := b.later(key, waiting)
		w.record("456", b.newest(key, good), webhook.StatusSuccess, nil)
		w.record("456", b.newest(key, bad), webhook.StatusPending, nil)
		b.call(key, "POST", "/v1/deliveries/"+b.newest(key, dropped)+"/cancel", "").want(http.StatusAccepted)
		a := answered().want(http.StatusAccepted)
		wantFields(t, a.object(), map[string]string{"waited": "settled", "deliveries": "3"})
		wantFields(t, a.outcomes()[good], map[string]string{
			"delivery_id": b.newest(key, good), "status": "success", "attempts": "1", "status_code": "200", "error": "<nil>", "error_class": "<nil>",
			"next_attempt_at": "<nil>", "held_reason": "<nil>",
		})
		wantFields(t, a.outcomes()[bad], map[string]string{
			"status": "pending", "attempts": "1", "status_code": "500", "error": "the receiver answered 500", "error_class": "status",
		})
		if a.outcomes()[bad]["next_attempt_at"] == nil {
			t.Error("when it is tried again is not said")
		}
		wantFields(t, a.outcomes()[dropped], map[string]string{"status": "canceled", "attempts": "0", "error": "canceled by request"})
	})
	t.Run("IsAnsweredWhenTheTimeIsOver", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		key := b.workspace("456")
		endpoint := b.endpoint(key)
		for _, wait := range []string{"0", "0.25", "2.5e-1", "1"} {
			a := b.call(key, "POST", "/v1/events", `{"type":"a","data":{},"wait":`+wait+`}`).want(http.StatusAccepted)
			wantFields(t, a.object(), map[string]string{"waited": "timeout"})
			wantFields(t, a.outcomes()[endpoint], map[string]string{"status": "pending", "attempts": "0", "status_code": "<nil>"})
		}
	})
	t.Run("IsAnsweredAtOnceWhereNobodyWantsTheEvent", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		a := b.call(b.workspace("456"), "POST", "/v1/events", waiting).want(http.StatusAccepted)
		if !strings.Contains(string(a.raw), `"deliveries":0,"outcomes":[],"waited":"settled"`) {
			t.Errorf("got %s", a.raw)
		}
	})
	t.Run("OfAnEventGivenTwiceIsForTheFirst", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		w, key := newWorker(b), b.workspace("456")
		endpoint := b.endpoint(key)
		b.publish(key, `{"id":"own","type":"a","data":{}}`)
		w.record("456", b.newest(key, endpoint), webhook.StatusFailed, nil)
		a := b.call(key, "POST", "/v1/events", `{"id":"own","type":"a","data":{},"wait":10}`).want(http.StatusOK)
		wantFields(t, a.outcomes()[endpoint], map[string]string{"status": "failed", "attempts": "1"})
	})
	t.Run("UnderAKeyKeepsTheAnswerThatWasGiven", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		w, key := newWorker(b), b.workspace("456")
		endpoint := b.endpoint(key)
		first := b.keyed(key, "POST", "/v1/events", `{"type":"a","data":{},"wait":0.1}`, "k").want(http.StatusAccepted)
		wantFields(t, first.object(), map[string]string{"waited": "timeout"})
		w.record("456", b.newest(key, endpoint), webhook.StatusSuccess, nil)
		first.again(b.keyed(key, "POST", "/v1/events", `{"type":"a","data":{},"wait":0.1}`, "k"))
	})
	t.Run("EndsWithItsCaller", func(t *testing.T) {
		t.Parallel()
		ends := make(chan webhook.WaitEnd, 1)
		b := setup(t, func(d *Deps, _ *Config) { d.Waits = reported{d.Waits, ends} })
		key := b.workspace("456")
		b.endpoint(key)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, "POST", b.url+"/v1/events", strings.NewReader(waiting))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+key)
		go func() {
			if resp, err := http.DefaultTransport.RoundTrip(req); err == nil {
				resp.Body.Close()
			}
		}()
		for b.number("SELECT count(*) FROM events") == 0 {
			<-time.After(10 * time.Millisecond)
		}
		cancel()
		if end := <-ends; end != webhook.WaitDisconnected {
			t.Errorf("it ended with %s", end)
		}
	})
	t.Run("EndsWhenTheProcessIsAboutToStop", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		key := b.workspace("456")
		endpoint := b.endpoint(key)
		answered := b.later(key, waiting)
		close(b.stopping)
		a := answered().want(http.StatusAccepted)
		wantFields(t, a.object(), map[string]string{"waited": "stopping"})
		wantFields(t, a.outcomes()[endpoint], map[string]string{"status": "pending"})
	})
	t.Run("OverTheBoundIsAnsweredAtOnce", func(t *testing.T) {
		t.Parallel()
		dsn := pgtest.New(t)
		db, err := postgres.Open(t.Context(), postgres.Config{URL: dsn})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(db.Close)
		one := await.New(postgres.NewOutcomes(db), await.Config{MaxWaiters: 1})
		b := setupOn(t, dsn, func(d *Deps, _ *Config) { d.Waits = one })
		key := b.workspace("456")
		endpoint := b.endpoint(key)
		answered := b.later(key, `{"type":"a","data":{},"wait":3}`)
		defer answered()
		a := b.call(key, "POST", "/v1/events", waiting).want(http.StatusAccepted)
		wantFields(t, a.object(), map[string]string{"waited": "limit"})
		wantFields(t, a.outcomes()[endpoint], map[string]string{"status": "pending"})
	})
	t.Run("BadInput", func(_ *testing.T) {
		b := setup(t)
		key := b.workspace("456")
		for _, in := range []string{`-1`, `-0.1`, `10.1`, `11`, `1e400`, `"1"`, `true`, `[]`, `{}`, `""`} {
			b.call(key, "POST", "/v1/events", `{"type":"a","data":{},"wait":`+in+`}`).problem(422, webhook.CodeInvalid, "/wait")
		}
		b.call(key, "POST", "/v1/events", `{"type":"a","data":{},"wait":1,"wait":1}`).problem(422, webhook.CodeInvalid, "/wait")
		b.call(key, "POST", "/v1/events", `{"type":"a","data":{},"wait":1,"deliver_at":"2024-01-01T00:00:00Z"}`).problem(422, webhook.CodeInvalid, "/wait")
		b.call(key, "POST", "/v1/events", `{"type":"a","data":{},"wait":null,"deliver_at":"2024-01-01T00:00:00Z"}`).want(http.StatusAccepted)
		b.call(key, "POST", "/v1/events/batch", `{"events":[{"type":"a","data":{},"wait":1}]}`).problem(422, webhook.CodeInvalid, "/events/0/wait")
		b.call(key, "POST", "/v1/events/batch", `{"events":[{"type":"a","data":{}}],"wait":1}`).problem(422, webhook.CodeInvalid, "/wait")
		b.call(key, "POST", "/v1/explain", `{"type":"a","data":{},"wait":1}`).problem(422, webhook.CodeInvalid, "/wait")
	})
}

// reported tells how waits ended.
type reported struct {
	Waits
	ends chan<- webhook.WaitEnd
}

func (r reported) Wait(ctx context.Context, e webhook.Awaited, deliveries int, d time.Duration) ([]webhook.Delivery, webhook.WaitEnd) {
	out, end := r.Waits.Wait(ctx, e, deliveries, d)
	r.ends <- end
	return out, end
}

// A large body is kept for nobody who only waits.
func TestWaitingHoldsNoBody(t *testing.T) {
	t.Parallel()
	gate := make(chan struct{})
	s, url := cramped(t, 1<<20, func(d *Deps) { d.Waits = gated{gate} })
	s.room.wait = time.Minute // whoever is alone gets its room, on a busy machine, too
	answers := make(chan *answer, 1)
	go func() {
		body := event(100 << 10)
		answers <- post(t, url+"/v1/events", strings.NewReader(body[:len(body)-1]+`,"wait":10}`))
	}()
	select {
	case gate <- struct{}{}: // it waits
	case a := <-answers:
		t.Fatalf("it was answered at once: %d %s", a.status, a.raw)
	}
	if !s.room.memory.TryAcquire(1 << 20) {
		t.Error("memory is held while a publisher waits")
	}
	gate <- struct{}{}
	(<-answers).want(http.StatusAccepted)
}

// gated waits until it is told twice.
type gated struct{ gate <-chan struct{} }

func (g gated) Wait(context.Context, webhook.Awaited, int, time.Duration) ([]webhook.Delivery, webhook.WaitEnd) {
	<-g.gate
	<-g.gate
	return nil, webhook.WaitSettled
}

// cramped's API has nothing but its Accepter: whatever else a publish without
// options asked would end in a panic.
func TestPublishingWithoutOptionsAsksNobodyElse(t *testing.T) {
	t.Parallel()
	_, url := cramped(t, 1<<20)
	post(t, url+"/v1/events", strings.NewReader(event(10))).want(http.StatusAccepted)
	post(t, url+"/v1/events/batch", strings.NewReader(`{"events":[`+event(10)+`,`+event(10)+`]}`)).want(http.StatusAccepted)
}

// Not parallel, for allocations are the whole process's.
func TestParsingAnEventWithoutOptionsAllocatesAsBefore(t *testing.T) {
	body := []byte(`{"type":"post.created","data":{"id":123,"title":"My Blog Post"},"id":"own","created_at":"2024-01-15T10:30:00Z"}`)
	n := testing.AllocsPerRun(100, func() {
		if _, _, bad := parseAlone(body); bad != nil {
			t.Fatal(bad)
		}
	})
	if n > parseAllocations {
		t.Errorf("%v allocations, want %d at most", n, parseAllocations)
	}
}

// parseAllocations were made before there were options.
const parseAllocations = 8
