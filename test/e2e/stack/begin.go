package stack

import (
	"io"
	"net/http"
	"testing"
	"time"
)

// Begin sends the start of a POST's body, and returns once the API has begun to
// read it. finish sends the rest and returns the answer.
func (c Client) Begin(t testing.TB, path, start string) (finish func(rest string) Answer) {
	t.Helper()
	body, pipe := io.Pipe()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.url+path, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+c.key)
	req.Header.Set("Content-Type", "application/json")
	// The body is sent when the API asks for it, which it does when it reads.
	req.Header.Set("Expect", "100-continue")
	transport := &http.Transport{ExpectContinueTimeout: time.Minute, DisableKeepAlives: true}
	answers := make(chan Answer, 1)
	go func() {
		res, err := transport.RoundTrip(req)
		if err != nil {
			body.CloseWithError(err)
			answers <- Answer{Body: []byte(err.Error())}
			return
		}
		defer res.Body.Close()
		raw, _ := io.ReadAll(res.Body) // half an answer is shown as it is
		answers <- Answer{res.StatusCode, res.Header, raw}
	}()
	write := func(text string) {
		if _, err := io.WriteString(pipe, text); err != nil {
			t.Fatal(err)
		}
	}
	write(start)
	return func(rest string) Answer {
		write(rest)
		pipe.Close()
		return <-answers
	}
}
