package deliver

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/egress"
	"github.com/postrider/postrider/internal/webhook"
	"github.com/postrider/postrider/signature"
)

// receiver is a server that keeps what it gets and answers 204.
type receiver struct {
	url  string
	mu   sync.Mutex
	got  []received
	code int
}

type received struct {
	header http.Header
	body   []byte
	path   string
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{code: 204}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		r.mu.Lock()
		defer r.mu.Unlock()
		if err == nil && req.Method == http.MethodPost {
			r.got = append(r.got, received{req.Header, body, req.URL.Path})
		}
		w.WriteHeader(r.code)
	}))
	t.Cleanup(srv.Close)
	r.url = srv.URL
	return r
}

func (r *receiver) answers(code int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.code = code
}

func (r *receiver) last(t *testing.T) received {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.got) == 0 {
		t.Fatal("nothing arrived")
	}
	return r.got[len(r.got)-1]
}

// newSender is the one of production, which may reach loopback here.
func newSender(t *testing.T) *egress.Sender {
	t.Helper()
	policy := egress.NewPolicy(egress.Config{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	sender, err := egress.NewSender(policy, egress.SenderConfig{})
	must(t, err)
	t.Cleanup(sender.Close)
	return sender
}

// onTheWire is a stage whose requests go to a real receiver.
func onTheWire(t *testing.T) (*stage, *receiver) {
	t.Helper()
	s, r := setup(t), newReceiver(t)
	s.start(newSender(t))
	return s, r
}

func TestRequest(t *testing.T) {
	t.Parallel()

	t.Run("VerifiesInBothSchemesWithThePublicPackage", func(t *testing.T) {
		t.Parallel()
		s, r := onTheWire(t)
		e := s.endpoint(func(e *webhook.Endpoint) { e.URL = r.url + "/hook" })
		m := s.delivery(e, newTask)
		before := time.Now()
		s.process(chunk(newTask, m))
		got := r.last(t)
		must(t, signature.Verify(got.body, got.header.Get(signature.HeaderSignature), e.Secret))
		must(t, signature.VerifyStandard(got.header, got.body, []string{e.Secret}, time.Minute, time.Now()))
		if err := signature.Verify(got.body, got.header.Get(signature.HeaderSignature), webhook.NewSecret()); err == nil {
			t.Error("verifies with another secret")
		}
		eventID := m.EventID.Format(webhook.EventPrefix)
		for name, want := range map[string]string{
			"Content-Type": "application/json", "User-Agent": "Postrider/test", "X-Webhook-ID": eventID, "webhook-id": eventID,
			"X-Webhook-Event": "a.b", "X-Webhook-Delivery": m.DeliveryID.Format(webhook.DeliveryPrefix), "X-Webhook-Attempt": "1",
			"webhook-timestamp": got.header.Get("X-Webhook-Timestamp"),
		} {
			if all := got.header.Values(name); len(all) != 1 || all[0] != want {
				t.Errorf("%s is %q, want %q", name, all, want)
			}
		}
		if string(got.body) != `{"id":"`+eventID+`"}` || got.path != "/hook" {
			t.Errorf("got %s at %s", got.body, got.path)
		}
		at, err := strconv.ParseInt(got.header.Get("X-Webhook-Timestamp"), 10, 64)
		if err != nil || at < before.Unix() || at > time.Now().Unix() {
			t.Errorf("the timestamp is %d, %v", at, err)
		}
	})

	t.Run("HasTheSameIDAndBodyAndTheNextNumberOnARetry", func(t *testing.T) {
		t.Parallel()
		s, r := onTheWire(t)
		r.answers(500)
		m := s.delivery(s.endpoint(func(e *webhook.Endpoint) { e.URL = r.url }), retried)
		s.retryIn(chunk(retried, m))
		first := r.last(t)
		s.change(m, "next_attempt_at = now()")
		s.retryIn(chunk(retried, m))
		second := r.last(t)
		if string(first.body) != string(second.body) || first.header.Get("X-Webhook-ID") != second.header.Get("X-Webhook-ID") ||
			first.header.Get("X-Webhook-Delivery") != second.header.Get("X-Webhook-Delivery") || second.header.Get("X-Webhook-Attempt") != "2" {
			t.Errorf("first %v, then %v", first, second)
		}
	})

	t.Run("CarriesCustomHeadersThatAreMaskedOnRecord", func(t *testing.T) {
		t.Parallel()
		s, r := onTheWire(t)
		e := s.endpoint(func(e *webhook.Endpoint) {
			e.URL, e.Headers = r.url, map[string]string{"X-Token": "hunter2", "Authorization": "Bearer hunter2"}
		})
		m := s.delivery(e, newTask)
		s.process(chunk(newTask, m))
		if h := r.last(t).header; h.Get("X-Token") != "hunter2" || h.Get("Authorization") != "Bearer hunter2" {
			t.Errorf("the receiver got %v", h)
		}
		s.wantsAttempt(m, 1, "position('hunter2'::bytea IN request_headers) = 0")
		recorded := s.attempt(m).RequestHeaders
		for _, want := range []webhook.Header{
			{Name: "X-Token", Value: "***"}, {Name: "Authorization", Value: "***"}, {Name: "X-Webhook-ID", Value: r.last(t).header.Get("X-Webhook-ID")},
		} {
			if !slices.Contains(recorded, want) {
				t.Errorf("%v is not in %v", want, recorded)
			}
		}
	})

	t.Run("FollowsAPatchFromTheNextAttemptOn", func(t *testing.T) {
		t.Parallel()
		s, r := onTheWire(t)
		r.answers(500)
		e := s.endpoint(func(e *webhook.Endpoint) { e.URL, e.Headers = r.url+"/old", map[string]string{"X-A": "old"} })
		m := s.delivery(e, retried)
		s.retryIn(chunk(retried, m))
		_, err := s.endpoints.Update(t.Context(), "w", e.ID, func(e *webhook.Endpoint) error {
			e.URL, e.Headers, e.RetrySchedule = r.url+"/new", map[string]string{"X-A": "new"}, []time.Duration{time.Second, 9 * time.Second}
			return nil
		})
		must(t, err)
		s.wants(m, "next_attempt_at > now() + interval '50 seconds'") // a PATCH moves nothing
		s.change(m, "next_attempt_at = now()")
		if d := s.retryIn(chunk(retried, m)); d != 9*time.Second {
			t.Errorf("again in %s", d)
		}
		if got := r.last(t); got.path != "/new" || got.header.Get("X-A") != "new" {
			t.Errorf("got %s with %v", got.path, got.header)
		}
	})

	t.Run("FollowsNoRedirect", func(t *testing.T) {
		t.Parallel()
		s, r := onTheWire(t)
		r.answers(307)
		m := s.delivery(s.endpoint(func(e *webhook.Endpoint) { e.URL = r.url }), newTask)
		s.process(chunk(newTask, m))
		s.wants(m, "status = 'pending' AND attempts = 1")
		s.wantsAttempt(m, 1, "status_code = 307 AND error_class = 'status'")
	})

	t.Run("TakesNoLongerThanTheEndpointsTimeout", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		three := 3 * time.Second
		s.process(chunk(newTask, s.delivery(s.endpoint(func(e *webhook.Endpoint) { e.Timeout = &three }), newTask), s.delivery(s.endpoint(), newTask)))
		var all []string
		for _, r := range s.sender.requests() {
			all = append(all, r.Timeout.String())
		}
		if got := strings.Join(all, " "); got != "3s 10s" && got != "10s 3s" {
			t.Errorf("the timeouts are %s", got)
		}
	})
}

func TestTester(t *testing.T) {
	t.Parallel()
	newTester := func(s *stage) *Tester { return NewTester(s.store, newSender(s.t), newSender(s.t), s.cfg) }

	t.Run("MakesOneSignedRequest", func(t *testing.T) {
		t.Parallel()
		s, r := setup(t), newReceiver(t)
		r.answers(500)
		e := s.endpoint(func(e *webhook.Endpoint) { e.URL, e.Headers = r.url, map[string]string{"X-Token": "hunter2"} })
		res, err := newTester(s).Test(t.Context(), "w", e.ID, "webhook.test", json.RawMessage(`{"a":1}`))
		must(t, err)
		if res.StatusCode != 500 || res.Err != nil {
			t.Errorf("got %+v", res)
		}
		got := r.last(t)
		must(t, signature.Verify(got.body, got.header.Get(signature.HeaderSignature), e.Secret))
		must(t, signature.VerifyStandard(got.header, got.body, []string{e.Secret}, time.Minute, time.Now()))
		if !strings.Contains(string(got.body), `"data":{"object":{"a":1}}`) || got.header.Get("X-Webhook-Event") != "webhook.test" || got.header.Get("X-Token") != "hunter2" {
			t.Errorf("got %s with %v", got.body, got.header)
		}
		if n := len(r.got); n != 1 {
			t.Errorf("%d requests, want no retry", n)
		}
		if n := query[int](s, "SELECT (SELECT count(*) FROM events) + (SELECT count(*) FROM deliveries) + (SELECT count(*) FROM attempts)"); n != 0 {
			t.Errorf("it left %d rows", n)
		}
	})

	t.Run("TestsADisabledOne", func(t *testing.T) {
		t.Parallel()
		s, r := setup(t), newReceiver(t)
		e := s.endpoint(func(e *webhook.Endpoint) { e.URL, e.IsActive = r.url, false })
		res, err := newTester(s).Test(t.Context(), "w", e.ID, "webhook.test", json.RawMessage(`{}`))
		if err != nil || res.StatusCode != 204 {
			t.Errorf("got %+v, %v", res, err)
		}
	})

	t.Run("SeesEveryChange", func(t *testing.T) {
		t.Parallel()
		s, r := setup(t), newReceiver(t)
		e := s.endpoint(func(e *webhook.Endpoint) { e.URL = r.url + "/old" })
		tester := newTester(s)
		for _, path := range []string{"/old", "/new"} {
			_, err := tester.Test(t.Context(), "w", e.ID, "webhook.test", json.RawMessage(`{}`))
			must(t, err)
			if got := r.last(t).path; got != path {
				t.Errorf("got %s, want %s", got, path)
			}
			_, err = s.endpoints.Update(t.Context(), "w", e.ID, func(e *webhook.Endpoint) error { e.URL = r.url + "/new"; return nil })
			must(t, err)
		}
	})

	t.Run("KnowsNoEndpointOfAnotherWorkspace", func(t *testing.T) {
		t.Parallel()
		s, r := setup(t), newReceiver(t)
		e := s.endpoint(func(e *webhook.Endpoint) { e.URL = r.url })
		broken := s.endpoint(func(e *webhook.Endpoint) { e.URL, e.Secret = r.url, "not a secret" })
		for _, id := range []webhook.ID{e.ID, broken.ID, webhook.NewID(time.Now())} {
			_, err := newTester(s).Test(t.Context(), "other", id, "webhook.test", json.RawMessage(`{}`))
			if webhook.CodeOf(err) != webhook.CodeNotFound {
				t.Errorf("got %v", err)
			}
		}
		if len(r.got) != 0 {
			t.Error("a request was made")
		}
	})

	t.Run("KnowsNoDeletedOne", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		e := s.endpoint()
		must(t, s.endpoints.Delete(t.Context(), "w", e.ID))
		if _, err := newTester(s).Test(t.Context(), "w", e.ID, "webhook.test", nil); webhook.CodeOf(err) != webhook.CodeNotFound {
			t.Errorf("got %v", err)
		}
	})

	t.Run("SaysWhenItsSecretCanNotBeUsed", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		broken := s.endpoint(func(e *webhook.Endpoint) { e.Secret = "not a secret" })
		if _, err := newTester(s).Test(context.Background(), "w", broken.ID, "webhook.test", nil); err == nil || errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}
