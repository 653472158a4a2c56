package signature_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
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
	verified, err := signature.Middleware(signature.MiddlewareConfig{Secrets: []string{secret}})
	if err != nil {
		fmt.Println(err)
		return
	}
	receiver := verified(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNoContent)
	}))

	answer := httptest.NewRecorder()
	receiver.ServeHTTP(answer, httptest.NewRequest(http.MethodPost, "/webhooks", strings.NewReader(`{}`)))
	fmt.Println(answer.Code, strings.TrimSpace(answer.Body.String()))
	// Output: 401 signature: a header is missing: webhook-id
}
