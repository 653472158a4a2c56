package api

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/webhook"
	"github.com/postrider/postrider/signature"
)

// sentFor is a delivery whose first attempt was made, and what that sent.
func (b *bundle) sentFor(key, endpoint string) (delivery, body string) {
	b.t.Helper()
	delivery = b.delivery(key, `{"id":"evt_of_mine","type":"post.created","data":{"n":1.50,"html":"<b>"}}`)
	secret := b.call(key, "GET", "/v1/endpoints/"+endpoint+"/secret", "").want(http.StatusOK).text("secret")
	body = b.call(key, "GET", "/v1/deliveries/"+delivery+"/request", "").want(http.StatusOK).text("body")
	const timestamp = "1640995200"
	signer, err := signature.NewSigner(secret)
	if err != nil {
		b.t.Fatal(err)
	}
	headers := []webhook.Header{
		{Name: "Content-Type", Value: "application/json"}, {Name: signature.HeaderSignature, Value: signer.Sign([]byte(body))},
		{Name: signature.HeaderTimestamp, Value: timestamp}, {Name: signature.HeaderID, Value: "evt_of_mine"},
		{Name: signature.HeaderStandardID, Value: "evt_of_mine"}, {Name: signature.HeaderStandardTimestamp, Value: timestamp},
	}
	standard, err := signature.SignStandard(secret, "evt_of_mine", time.Unix(1640995200, 0), []byte(body))
	if err != nil {
		b.t.Fatal(err)
	}
	headers = append(headers, webhook.Header{Name: signature.HeaderStandardSignature, Value: standard})
	newWorker(b).record("mine", delivery, webhook.StatusPending, func(a *webhook.Attempt) { a.RequestHeaders = headers })
	return delivery, body
}

func TestVerifyDelivery(t *testing.T) {
	t.Parallel()
	b := setup(t)
	key := b.workspace("mine")
	endpoint := b.endpoint(key)
	delivery, body := b.sentFor(key, endpoint)
	path := "/v1/deliveries/" + delivery
	secret := b.call(key, "GET", "/v1/endpoints/"+endpoint+"/secret", "").want(http.StatusOK).text("secret")
	quoted := func(s string) string { raw, _ := json.Marshal(s); return string(raw) }

	t.Run("SaysWhichMistake", func(t *testing.T) {
		const other = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		for name, c := range map[string]struct{ in, mistake, says string }{
			"NothingWrong":   {`{}`, "", "It verifies: event evt_of_mine"},
			"RightSignature": {`{"signature":` + quoted(signature.Sign(secret, []byte(body))) + `}`, "", "It verifies"},
			"AnotherSecret":  {`{"signature":` + quoted(signature.Sign(other, []byte(body))) + `}`, "wrong_secret", "byte for byte"},
			"PartOfTheKey":   {`{"signature":` + quoted(signature.Sign(secret[6:], []byte(body))) + `}`, "wrong_secret", "without whsec_"},
			"BodyChanged":    {`{"body":` + quoted(strings.Replace(body, "1.50", "1.5", 1)) + `}`, "body_changed", "They part after"},
			"LineBreak":      {`{"body":` + quoted(body+"\n") + `}`, "body_changed", "without the line break"},
			"TooOld":         {`{"received_at":"2022-01-01T01:00:00Z"}`, "too_old", "ahead"},
			"TooNew":         {`{"received_at":"2021-12-31T23:00:00Z"}`, "too_new", "behind"},
			"InTime":         {`{"received_at":"2022-01-01T00:04:00Z"}`, "", "It verifies"},
			"NoHeaders":      {`{"headers":{}}`, "missing_header", "X-Webhook-Signature"},
			"BadStandard":    {`{"signature":"v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}`, "wrong_secret", "byte for byte"},
		} {
			a := b.call(key, "POST", path+"/verify", c.in).want(http.StatusOK)
			var mistake any
			if c.mistake != "" {
				mistake = c.mistake
			}
			if got := string(a.raw); a.object()["mistake"] != mistake || !strings.Contains(got, c.says) {
				t.Errorf("%s: got %s, want %q and %q", name, got, c.mistake, c.says)
			}
			if strings.Contains(string(a.raw), secret) || strings.Contains(string(a.raw), secret[6:]) {
				t.Errorf("%s: the secret is in %s", name, a.raw)
			}
		}
	})
	t.Run("KnowsTheFormatThatItWasSentIn", func(t *testing.T) {
		b.call(key, "PATCH", "/v1/endpoints/"+endpoint, `{"format":"raw"}`).want(http.StatusOK)
		a := b.call(key, "GET", path+"/request", "").want(http.StatusOK)
		if a.text("format") != "standard" || a.object()["as_sent"] != true || a.text("body") != body {
			t.Errorf("got %s", a.raw)
		}
		b.call(key, "POST", "/v1/endpoints/"+endpoint+"/secret/rotate", `{"overlap":0}`).want(http.StatusOK)
		a = b.call(key, "GET", path+"/request?attempt=1", "").want(http.StatusOK)
		if a.text("format") != "raw" || a.object()["as_sent"] != false || a.text("body") != `{"n":1.50,"html":"<b>"}` {
			t.Errorf("with another secret nobody knows: got %s", a.raw)
		}
	})
	t.Run("KnowsNoAttemptThatWasNotMade", func(*testing.T) {
		b.call(key, "GET", path+"/request?attempt=2", "").problem(http.StatusNotFound, webhook.CodeNotFound)
		b.call(key, "POST", path+"/verify", `{"attempt":2}`).problem(http.StatusNotFound, webhook.CodeNotFound)
		for _, bad := range []string{"0", "-1", "x", "99999999999"} {
			b.call(key, "GET", path+"/request?attempt="+bad, "").problem(http.StatusUnprocessableEntity, webhook.CodeInvalid)
		}
	})
	t.Run("HasNothingToJudgeBeforeTheFirstAttempt", func(*testing.T) {
		fresh := b.delivery(key, `{"id":"later","type":"post.created","data":{}}`)
		b.call(key, "POST", "/v1/deliveries/"+fresh+"/verify", "").problem(http.StatusUnprocessableEntity, webhook.CodeInvalid)
	})
	t.Run("SaysThatADeletedEndpointHasNoSecret", func(t *testing.T) {
		b.call(key, "DELETE", "/v1/endpoints/"+endpoint, "").want(http.StatusNoContent)
		b.call(key, "POST", path+"/verify", "").problem(http.StatusConflict, webhook.CodeConflict)
		if a := b.call(key, "GET", path+"/request", "").want(http.StatusOK); a.object()["as_sent"] != false || a.text("body") != body {
			t.Errorf("got %s", a.raw)
		}
	})
	t.Run("SaysWhenThePayloadIsGone", func(t *testing.T) {
		b.exec("UPDATE events SET body = NULL")
		if a := b.call(key, "GET", path+"/request", "").want(http.StatusOK); a.object()["body"] != nil {
			t.Errorf("got %s", a.raw)
		}
	})
}
