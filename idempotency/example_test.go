package idempotency_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"time"

	"github.com/postrider/postrider/idempotency"
	"github.com/postrider/postrider/signature"
)

// delivered is a request as Postrider makes it; in tests take hooktest.NewRequest.
func delivered(id string) *http.Request {
	body := []byte(`{"id":"` + id + `","type":"post.created","created_at":"2026-01-01T00:00:00Z","data":{"object":{}},"workspace_id":1}`)
	now := time.Now()
	signed, err := signature.SignStandard(secret, id, now, body)
	if err != nil {
		panic(err)
	}
	r, err := http.NewRequest(http.MethodPost, "http://receiver.test/webhooks", bytes.NewReader(body))
	if err != nil {
		panic(err)
	}
	r.Header.Set(signature.HeaderStandardID, id)
	r.Header.Set(signature.HeaderStandardTimestamp, strconv.FormatInt(now.Unix(), 10))
	r.Header.Set(signature.HeaderStandardSignature, signed)
	return r
}

func ExampleOnce() {
	verified, err := signature.Middleware(signature.Config{Secrets: []string{secret}})
	if err != nil {
		fmt.Println(err)
		return
	}
	once := idempotency.Once(&idempotency.Memory{}, idempotency.OnceConfig{Scope: "example"})

	receiver := verified(once(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		event, _ := signature.EventFrom(r.Context())
		fmt.Println("handled", event.ID)
		w.WriteHeader(http.StatusNoContent)
	})))
	for _, id := range []string{"evt_1", "evt_1", "evt_2"} {
		answer := httptest.NewRecorder()
		receiver.ServeHTTP(answer, delivered(id))
		fmt.Println(answer.Code)
	}
	// Output:
	// handled evt_1
	// 204
	// 200
	// handled evt_2
	// 204
}

// Every store is a ReplayGuard, too: it refuses a request that somebody captured
// and sends again, within the tolerance.
func ExampleStore() {
	store := &idempotency.Memory{}
	verified, err := signature.Middleware(signature.Config{Secrets: []string{secret}, Replay: store})
	if err != nil {
		fmt.Println(err)
		return
	}
	receiver := verified(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	captured := delivered("evt_1")
	for range 2 {
		r := captured.Clone(captured.Context())
		r.Body, err = captured.GetBody()
		if err != nil {
			fmt.Println(err)
			return
		}
		answer := httptest.NewRecorder()
		receiver.ServeHTTP(answer, r)
		fmt.Println(answer.Code)
	}
	// Output:
	// 204
	// 401
}
