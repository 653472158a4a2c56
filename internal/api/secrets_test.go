package api

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

const otherSecret = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

func TestRotateSecret(t *testing.T) {
	t.Parallel()
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	clock := &now
	b := setup(t, func(_ *Deps, c *Config) { c.Now = func() time.Time { return *clock } })
	key := b.workspace("456")
	fresh := func() string {
		in := `{"url":"https://example.com/","events":["a"],"secret":"` + goodSecret + `"}`
		return "/v1/endpoints/" + b.call(key, "POST", "/v1/endpoints", in).want(http.StatusCreated).text("id")
	}
	rotate := func(path, body string) *answer { return b.call(key, "POST", path+"/secret/rotate", body) }
	secret := func(path string) *answer { return b.call(key, "GET", path+"/secret", "").want(http.StatusOK) }

	t.Run("GeneratesOneAndOverlapsForADay", func(t *testing.T) {
		path := fresh()
		a := rotate(path, "").want(http.StatusOK)
		if !webhook.ValidSecret(a.text("secret")) || a.text("secret") == goodSecret || a.text("expires_at") != "2030-01-02T00:00:00Z" {
			t.Errorf("got %s", a.raw)
		}
		if got := secret(path); got.text("secret") != a.text("secret") || got.text("previous_secret") != goodSecret ||
			got.text("expires_at") != a.text("expires_at") {
			t.Errorf("got %s", got.raw)
		}
		shown := b.call(key, "GET", path, "").want(http.StatusOK)
		if shown.text("secret_rotates_until") != a.text("expires_at") || strings.Contains(string(shown.raw), "whsec_") {
			t.Errorf("got %s", shown.raw)
		}
	})

	t.Run("TakesOneAndAnOverlap", func(t *testing.T) {
		path := fresh()
		a := rotate(path, `{"secret":"`+otherSecret+`","overlap":60}`).want(http.StatusOK)
		if a.text("secret") != otherSecret || a.text("expires_at") != "2030-01-01T00:01:00Z" {
			t.Errorf("got %s", a.raw)
		}
	})

	t.Run("WithoutAnOverlapReplacesAtOnce", func(t *testing.T) {
		path := fresh()
		rotate(path, `{"secret":"`+otherSecret+`","overlap":0}`).want(http.StatusOK)
		if got := secret(path); string(got.raw) != `{"secret":"`+otherSecret+`"}` && strings.Contains(string(got.raw), "previous") {
			t.Errorf("got %s", got.raw)
		}
	})

	t.Run("ASecondOneReplacesTheNewer", func(t *testing.T) {
		path := fresh()
		rotate(path, `{"secret":"`+otherSecret+`"}`).want(http.StatusOK)
		third := rotate(path, "").want(http.StatusOK).text("secret")
		if got := secret(path); got.text("secret") != third || got.text("previous_secret") != goodSecret {
			t.Errorf("got %s", got.raw)
		}
	})

	t.Run("PromoteEndsIt", func(t *testing.T) {
		path := fresh()
		next := rotate(path, "").want(http.StatusOK).text("secret")
		for _, got := range []*answer{b.call(key, "POST", path+"/secret/promote", "").want(http.StatusOK), secret(path)} {
			if got.text("secret") != next || strings.Contains(string(got.raw), "previous") {
				t.Errorf("got %s", got.raw)
			}
		}
		b.call(key, "POST", path+"/secret/promote", "").want(http.StatusConflict)
	})

	t.Run("APatchOfTheSecretEndsIt", func(t *testing.T) {
		path := fresh()
		rotate(path, "").want(http.StatusOK)
		b.call(key, "PATCH", path, `{"description":"x"}`).want(http.StatusOK)
		if got := secret(path); got.text("previous_secret") != goodSecret {
			t.Errorf("another field's patch ended it: %s", got.raw)
		}
		b.call(key, "PATCH", path, `{"secret":"`+otherSecret+`"}`).want(http.StatusOK)
		if got := secret(path); got.text("secret") != otherSecret || strings.Contains(string(got.raw), "previous") {
			t.Errorf("got %s", got.raw)
		}
	})

	t.Run("RefusesWhatIsWrong", func(t *testing.T) {
		path := fresh()
		for body, want := range map[string]string{
			`{"secret":"x"}`:                    "weak_secret",
			`{"secret":"` + goodSecret + `"}`:   "/secret",
			`{"overlap":-1}`:                    "/overlap",
			`{"overlap":2592001}`:               "/overlap",
			`{"overlap":"1"}`:                   "/overlap",
			`{"secrets":"` + otherSecret + `"}`: "/secrets",
		} {
			if a := rotate(path, body).want(http.StatusUnprocessableEntity); !strings.Contains(string(a.raw), want) {
				t.Errorf("%s got %s", body, a.raw)
			}
		}
		if strings.Contains(string(secret(path).raw), "previous") {
			t.Error("something was rotated")
		}
		other := b.workspace("another")
		for _, route := range []string{"/secret/rotate", "/secret/promote"} {
			b.call(other, "POST", path+route, "").want(http.StatusNotFound)
			b.call(b.key("456", "endpoints:read"), "POST", path+route, "").want(http.StatusForbidden)
		}
	})

	// The last: it moves the clock.
	t.Run("IsOverWhenItsTimeHasCome", func(t *testing.T) {
		path := fresh()
		next := rotate(path, `{"overlap":60}`).want(http.StatusOK).text("secret")
		*clock = now.Add(time.Minute)
		if got := secret(path); got.text("secret") != next || strings.Contains(string(got.raw), "previous") {
			t.Errorf("got %s", got.raw)
		}
		b.call(key, "POST", path+"/secret/promote", "").want(http.StatusConflict)
		if got := b.call(key, "GET", path, "").want(http.StatusOK); got.object()["secret_rotates_until"] != nil {
			t.Errorf("got %s", got.raw)
		}
	})
}
