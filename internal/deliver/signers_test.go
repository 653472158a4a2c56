package deliver

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/webhook"
	"github.com/postrider/postrider/signature"
)

const (
	oldSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	newSecret = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
)

// rotates has an endpoint's secrets rotate for an hour.
func rotates(e *webhook.Endpoint) {
	until := time.Now().Add(time.Hour)
	e.Secret, e.NextSecret, e.NextSecretAt = oldSecret, newSecret, &until
}

// knows is a receiver that checks X-Webhook-Signature with one secret.
func knows(secret string) func(int, webhook.Request) webhook.Response {
	return func(_ int, req webhook.Request) webhook.Response {
		if signature.Verify(req.Body, sentRequest{Request: req}.header(signature.HeaderSignature), secret) != nil {
			return webhook.Response{StatusCode: http.StatusUnauthorized}
		}
		return webhook.Response{StatusCode: http.StatusNoContent}
	}
}

// wantsSigned fails the test unless the request is signed with these, the first
// in X-Webhook-Signature, all in webhook-signature in the order newest.
func wantsSigned(t *testing.T, r sentRequest, body string, newest ...string) {
	t.Helper()
	if want := signature.Sign(body, r.Body); r.header(signature.HeaderSignature) != want {
		t.Errorf("X-Webhook-Signature is %s, want %s", r.header(signature.HeaderSignature), want)
	}
	var want []string
	for _, secret := range newest {
		one, err := signature.SignStandard(secret, "evt_x", r.at, r.Body)
		must(t, err)
		want = append(want, one)
	}
	if got := r.header(signature.HeaderStandardSignature); got != strings.Join(want, " ") {
		t.Errorf("webhook-signature is %s, want %s", got, want)
	}
}

func TestRotation(t *testing.T) {
	t.Parallel()

	// run makes one delivery to an endpoint whose secrets rotate.
	run := func(t *testing.T, w *world, change ...func(*webhook.Endpoint)) row {
		t.Helper()
		c := w.chunk(w.endpoint(append([]func(*webhook.Endpoint){rotates}, change...)...), 1)
		must(t, w.runner.Process(t.Context(), c))
		return w.of(c.Members[0])
	}
	noRetry := func(e *webhook.Endpoint) { e.RetrySchedule = []time.Duration{} }

	t.Run("SignsWithBothUntilItsTime", func(t *testing.T) {
		t.Parallel()
		bubble(t, func(t *testing.T, w *world) {
			r := run(t, w)
			wantsSigned(t, w.sender.requests()[0], oldSecret, newSecret, oldSecret)
			if len(r.attempts) != 1 || r.attempts[0].SignedWith != webhook.SignedOld {
				t.Errorf("recorded %+v", r.attempts)
			}
		})
	})

	t.Run("SignsWithTheNewOneFromItsTimeOn", func(t *testing.T) {
		t.Parallel()
		bubble(t, func(t *testing.T, w *world) {
			r := run(t, w, func(e *webhook.Endpoint) { *e.NextSecretAt = time.Now() })
			wantsSigned(t, w.sender.requests()[0], newSecret, newSecret)
			if r.attempts[0].SignedWith != "" || len(w.promotions) != 0 {
				t.Errorf("%+v, promoted %v", r.attempts, w.promotions)
			}
		})
	})

	t.Run("A401ThatTheNewSecretTurnsInto2xxPromotesIt", func(t *testing.T) {
		t.Parallel()
		bubble(t, func(t *testing.T, w *world) {
			w.sender.answers(knows(newSecret))
			c := w.chunk(w.endpoint(rotates), 3)
			must(t, w.runner.Process(t.Context(), c))
			sent := w.sender.requests()
			if len(sent) != 6 {
				t.Fatalf("%d requests for 3 deliveries, want 6", len(sent))
			}
			for _, r := range sent {
				if r.header(signature.HeaderAttempt) != "1" {
					t.Errorf("attempt %s", r.header(signature.HeaderAttempt))
				}
			}
			for _, m := range c.Members {
				r := w.of(m)
				if r.Status != webhook.StatusSuccess || r.Attempts != 1 || len(r.attempts) != 2 {
					t.Fatalf("%+v", r)
				}
				first, second := r.attempts[0], r.attempts[1]
				if first.StatusCode != 401 || first.SignedWith != webhook.SignedOld || first.ErrorClass != webhook.ClassStatus ||
					second.StatusCode != 204 || second.SignedWith != webhook.SignedNew || bytes.Compare(first.ID[:], second.ID[:]) >= 0 {
					t.Errorf("recorded %+v, then %+v", first, second)
				}
			}
			if !slices.Equal(w.promotions, []int64{1}) {
				t.Errorf("promoted at %v, want version 1 once", w.promotions)
			}
		})
	})

	t.Run("A401ToBothIsAFailureAndPromotesNothing", func(t *testing.T) {
		t.Parallel()
		bubble(t, func(t *testing.T, w *world) {
			w.sender.answers(status(http.StatusUnauthorized))
			r := run(t, w, noRetry)
			if r.Status != webhook.StatusFailed || r.Attempts != 1 || len(r.attempts) != 2 || len(w.promotions) != 0 {
				t.Errorf("%+v, promoted %v", r, w.promotions)
			}
		})
	})

	t.Run("OtherFailuresAreNotMadeAgain", func(t *testing.T) {
		t.Parallel()
		bubble(t, func(t *testing.T, w *world) {
			w.sender.answers(status(http.StatusForbidden))
			if run(t, w, noRetry); len(w.sender.requests()) != 1 {
				t.Errorf("%d requests", len(w.sender.requests()))
			}
		})
	})

	t.Run("WithoutARotationA401IsNotMadeAgain", func(t *testing.T) {
		t.Parallel()
		bubble(t, func(t *testing.T, w *world) {
			w.sender.answers(status(http.StatusUnauthorized))
			r := run(t, w, noRetry, func(e *webhook.Endpoint) { e.NextSecret, e.NextSecretAt = "", nil })
			if len(w.sender.requests()) != 1 || r.attempts[0].SignedWith != "" {
				t.Errorf("%d requests, %+v", len(w.sender.requests()), r.attempts)
			}
		})
	})

	t.Run("BothRequestsShareTheAttemptsTime", func(t *testing.T) {
		t.Parallel()
		bubble(t, func(t *testing.T, w *world) {
			w.sender.answers(func(_ int, _ webhook.Request) webhook.Response {
				<-time.After(4 * time.Second)
				return webhook.Response{StatusCode: http.StatusUnauthorized}
			})
			run(t, w, noRetry)
			<-time.After(10 * time.Second) // it left its task after one
			if sent := w.sender.requests(); sent[0].Timeout != 10*time.Second || sent[1].Timeout != 6*time.Second {
				t.Errorf("timeouts %s and %s", sent[0].Timeout, sent[1].Timeout)
			}
		})
	})
}
