package signature_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"time"

	"github.com/postrider/postrider/signature"
)

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

func ExampleSign() {
	fmt.Println(signature.Sign(secret, []byte(`{"id":"evt_1"}`)))
	// Output: sha256=fdc08bb179c3948b0063f9d95a9aa09776ea511bea853e83274c2b4e23e24a5f
}

func ExampleVerify() {
	body := []byte(`{"id":"evt_1"}`)
	header := signature.Sign(secret, body) // what X-Webhook-Signature says

	fmt.Println(signature.Verify(body, header, secret))
	fmt.Println(signature.Verify([]byte(`{"id":"evt_2"}`), header, secret))
	// Output:
	// <nil>
	// signature: no signature matches
}

func ExampleVerifyStandard() {
	sent, body := time.Unix(1640995200, 0), []byte(`{"id":"evt_1"}`)
	signed, err := signature.SignStandard(secret, "evt_1", sent, body)
	if err != nil {
		fmt.Println(err)
		return
	}
	header := http.Header{}
	header.Set("webhook-id", "evt_1")
	header.Set("webhook-timestamp", "1640995200")
	header.Set("webhook-signature", signed)

	secrets := []string{secret}
	fmt.Println(signature.VerifyStandard(header, body, secrets, 0, sent.Add(time.Second)))

	err = signature.VerifyStandard(header, body, secrets, 0, sent.Add(time.Hour))
	fmt.Println(errors.Is(err, signature.ErrTooOld))
	// Output:
	// <nil>
	// true
}

func ExampleStandardHeader() {
	newest, err := signature.NewSigner("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")
	if err != nil {
		fmt.Println(err)
		return
	}
	old, err := signature.NewSigner(secret)
	if err != nil {
		fmt.Println(err)
		return
	}
	header := signature.StandardHeader("evt_1", time.Unix(1640995200, 0), []byte(`{}`), newest, old)
	fmt.Println(len(strings.Fields(header)), "signatures")
	// Output: 2 signatures
}

func ExampleMiddleware() {
	verified, err := signature.Middleware(signature.Config{
		Secrets: []string{secret},
		OnError: func(_ *http.Request, err error) { fmt.Println("refused:", err) },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	type post struct{ Title string }
	receiver := verified(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		event, _ := signature.EventFrom(r.Context())
		p, err := signature.Decode[post](event)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		fmt.Println(event.Type, event.ID, p.Title)
		w.WriteHeader(http.StatusNoContent)
	}))

	answer := httptest.NewRecorder()
	receiver.ServeHTTP(answer, postOf(`{"id":"evt_1","type":"post.created","created_at":"2026-01-01T00:00:00Z","data":{"object":{"title":"Hello"}},"workspace_id":1}`))
	fmt.Println(answer.Code)

	answer = httptest.NewRecorder()
	receiver.ServeHTTP(answer, httptest.NewRequest(http.MethodPost, "/webhooks", strings.NewReader(`{}`)))
	fmt.Println(answer.Code, strings.TrimSpace(answer.Body.String()))
	// Output:
	// post.created evt_1 Hello
	// 204
	// refused: signature: a header is missing: X-Webhook-Signature
	// 401 the webhook could not be verified
}

func ExampleNewVerifier() {
	verifier, err := signature.NewVerifier(signature.Config{Secrets: []string{secret}, Scheme: signature.SchemeStandard})
	if err != nil {
		fmt.Println(err)
		return
	}
	body := []byte(`{"id":"evt_1","type":"post.created","created_at":"2026-01-01T00:00:00Z","data":{"object":{}},"workspace_id":1}`)
	r := postOf(string(body))

	event, err := verifier.Verify(r.Context(), r.Header, body)
	fmt.Println(event.Type, err)

	// A framework parsed the body, and wrote it again.
	_, err = verifier.Verify(r.Context(), r.Header, []byte(strings.ReplaceAll(string(body), ":", ": ")))
	fmt.Println(errors.Is(err, signature.ErrBodyChanged))
	// Output:
	// post.created <nil>
	// true
}

// postOf is a request as Postrider makes it. In tests of your own take
// hooktest.NewRequest.
func postOf(body string) *http.Request {
	r, now := httptest.NewRequest(http.MethodPost, "/webhooks", strings.NewReader(body)), time.Now()
	signed, err := signature.SignStandard(secret, "evt_1", now, []byte(body))
	if err != nil {
		panic(err)
	}
	r.Header.Set(signature.HeaderStandardID, "evt_1")
	r.Header.Set(signature.HeaderStandardTimestamp, strconv.FormatInt(now.Unix(), 10))
	r.Header.Set(signature.HeaderStandardSignature, signed)
	return r
}
