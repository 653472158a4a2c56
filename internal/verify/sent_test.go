package verify

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/signature"
)

// TestSent: who knows what was sent tells a changed body from a wrong secret, which
// the request alone does not.
func TestSent(t *testing.T) {
	t.Parallel()
	const other = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	changed := strings.Replace(verifyBody, "1.50", "1.5", 1)
	for name, c := range map[string]struct {
		change        func(*Request)
		at            time.Duration
		mistake, says string
	}{
		"Right":         {func(*Request) {}, 0, "", "It verifies"},
		"ValueChanged":  {func(r *Request) { r.Body = []byte(changed) }, 0, BodyChanged, `"0,\"e\":`},
		"AnotherSecret": {func(r *Request) { r.Header.Set(signature.HeaderSignature, signature.Sign(other, r.Body)); bodyOnly(r) }, 0, WrongSecret, "byte for byte"},
		"SecretAndBody": {func(r *Request) {
			r.Body = []byte(changed)
			r.Header.Set(signature.HeaderSignature, signature.Sign(other, r.Body))
			bodyOnly(r)
		}, 0, WrongSecret, "They part after"},
		"KeyNotWhole": {func(r *Request) {
			r.Header.Set(signature.HeaderSignature, signature.Sign(verifySecret[6:], r.Body))
			bodyOnly(r)
		}, 0, WrongSecret, "without whsec_"},
		"AnotherTime":    {func(r *Request) { r.Header.Set(signature.HeaderStandardTimestamp, "1640995201") }, 0, HeaderChanged, `"1640995200" was sent`},
		"ClockAhead":     {func(*Request) {}, time.Hour, TooOld, "1h0m0s ahead"},
		"ClockBehind":    {func(*Request) {}, -time.Hour, TooNew, "1h0m0s behind"},
		"OwnCallsItMade": {func(r *Request) { r.Body = append(r.Body, '\n') }, 0, BodyChanged, "They part after"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sent, got := request(t, verifyBody), request(t, verifyBody)
			c.change(&got)
			check := Check{Secrets: []string{verifySecret}, Now: verifyTime.Add(c.at), Tolerance: signature.DefaultTolerance, Sent: &sent}
			v := check.Judge(t.Context(), got)
			if v.Verified != (c.mistake == "") || v.Mistake != c.mistake {
				t.Errorf("the mistake is %q, want %q: %+v", v.Mistake, c.mistake, v)
			}
			if !strings.Contains(v.Says+strings.Join(v.Hints, " "), c.says) {
				t.Errorf("%q is not said: %+v", c.says, v)
			}
		})
	}
}

// bodyOnly leaves one of the two schemes.
func bodyOnly(r *Request) {
	for name := range r.Header {
		if strings.HasPrefix(strings.ToLower(name), "webhook-") {
			r.Header.Del(name)
		}
	}
}

// TestSentKeepsTheRequest: to judge changes nothing that was handed in.
func TestSentKeepsTheRequest(t *testing.T) {
	t.Parallel()
	sent, got := request(t, verifyBody), request(t, verifyBody)
	got.Header.Set(signature.HeaderStandardTimestamp, "1")
	before := got.Header.Clone()
	check := Check{Secrets: []string{verifySecret}, Now: verifyTime, Tolerance: -1, Sent: &sent}
	check.Judge(t.Context(), got)
	for _, h := range []http.Header{got.Header, before} {
		if !slices.Equal(h.Values(signature.HeaderStandardTimestamp), []string{"1"}) {
			t.Errorf("got %v", h)
		}
	}
}
