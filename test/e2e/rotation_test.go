package e2e

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/postrider/postrider/signature"
	"github.com/postrider/postrider/test/e2e/stack"
)

// strict is a receiver that checks X-Webhook-Signature with one secret, as most do.
func strict(t *testing.T, secret string) (url string) {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || signature.Verify(body, r.Header.Get(signature.HeaderSignature), secret) != nil {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

// A receiver that knows one secret gets everything while they rotate, whichever
// it is; one that knows the new one ends the rotation.
func TestRotationLosesNoRequest(t *testing.T) {
	t.Parallel()
	const before, after = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	for _, known := range []string{before, after} {
		t.Run(map[string]string{before: "KnowsTheOld", after: "KnowsTheNew"}[known], func(t *testing.T) {
			t.Parallel()
			s := stack.New(t)
			api := s.API(t)
			s.Worker(t)
			s.Scheduler(t)
			c := s.Workspace(t, api)
			var e stack.Endpoint
			c.Call(t, http.MethodPost, "/v1/endpoints", stack.Settings{
				"url": strict(t, known), "events": []string{"*"}, "secret": before, "retry_schedule": []int{},
			}, http.StatusCreated, &e)
			path := "/v1/endpoints/" + e.ID + "/secret"
			c.Call(t, http.MethodPost, path+"/rotate", stack.Settings{"secret": after}, http.StatusOK, nil)

			first := c.Publish(t, "post.created").ID
			c.WaitSettled(t)
			var signed []string
			for _, d := range c.Deliveries(t, first) {
				if d.Status != "success" || d.Attempts != 1 {
					t.Errorf("got %+v", d)
				}
				for _, a := range c.Attempts(t, d.ID) {
					if a.Number != 1 {
						t.Errorf("got attempt %+v", a)
					}
					signed = append(signed, a.SignedWith)
				}
			}
			want, promoted := []string{"old"}, false
			if known == after {
				want, promoted = []string{"new", "old"}, true // newest first
			}
			if !slices.Equal(signed, want) {
				t.Errorf("signed with %v, want %v", signed, want)
			}
			var now struct {
				Secret   string
				Previous string `json:"previous_secret"`
			}
			stack.Eventually(t, "the rotation is over if the receiver knows the new secret", func() bool {
				now.Previous = ""
				c.Call(t, http.MethodGet, path, nil, http.StatusOK, &now)
				return (now.Previous == "") == promoted
			})
			if now.Secret != after {
				t.Errorf("the newest secret is %s", now.Secret)
			}
			second := c.PublishBatch(t, "post.created", 50)
			c.WaitSettled(t)
			for _, id := range second {
				for _, d := range c.Deliveries(t, id) {
					if d.Status != "success" || d.Attempts != 1 {
						t.Errorf("got %+v", d)
					}
				}
			}
		})
	}
}
