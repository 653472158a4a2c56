package hooktest_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/postrider/postrider/hooktest"
	"github.com/postrider/postrider/signature"
)

// exampleT stands for the t of a test.
type exampleT struct{ testing.TB }

func (*exampleT) Helper()                      {}
func (*exampleT) Context() context.Context     { return context.Background() }
func (*exampleT) Cleanup(func())               {}
func (*exampleT) Fatalf(f string, args ...any) { panic(fmt.Sprintf(f, args...)) }

func ExampleNewRequest() {
	t := &exampleT{}
	verified, err := signature.Middleware(signature.Config{Secrets: []string{secret}})
	if err != nil {
		fmt.Println(err)
		return
	}
	handler := verified(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		event, _ := signature.EventFrom(r.Context())
		fmt.Println("handled", event.Type, string(event.Data))
		w.WriteHeader(http.StatusNoContent)
	}))
	answer := func(r *http.Request) int {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w.Code
	}

	post := map[string]int{"id": 123}
	fmt.Println(answer(hooktest.NewRequest(t, secret, "post.created", post)))
	fmt.Println(answer(hooktest.NewRequest(t, secret, "post.created", post, hooktest.WrongSecret)))
	fmt.Println(answer(hooktest.NewRequest(t, secret, "post.created", post, hooktest.Stale)))
	// Output:
	// handled post.created {"id":123}
	// 204
	// 401
	// 401
}

func ExampleNewReceiver() {
	t := &exampleT{} // of func TestX(t *testing.T)
	receiver := hooktest.NewReceiver(t, secret, hooktest.Status(500).Times(2), hooktest.OK())

	// Postrider has an endpoint with receiver.URL; here is what it sends.
	for attempt := 1; attempt <= 3; attempt++ {
		sent := hooktest.NewRequest(t, secret, "post.created", map[string]int{"id": 123}, hooktest.EventID("evt_1"), hooktest.Attempt(attempt))
		deliver(sent, receiver.URL)
	}

	fmt.Println(len(receiver.WaitFor(3)), "attempts")
	event := receiver.AssertReceived("post.created", func(e hooktest.ReceivedEvent) bool { return e.Attempt == 3 })
	fmt.Println(event.ID, string(event.Data))
	// Output:
	// 500
	// 500
	// 200
	// 3 attempts
	// evt_1 {"id":123}
}

// deliver sends a request to a URL.
func deliver(r *http.Request, to string) {
	var err error
	if r.URL, err = url.Parse(to); err != nil {
		panic(err)
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		panic(err)
	}
	res.Body.Close()
	fmt.Println(res.StatusCode)
}
