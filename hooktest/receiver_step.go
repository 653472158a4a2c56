package hooktest

import (
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"
)

// Step is what a Receiver does with a request.
type Step struct {
	name    string
	times   int
	status  int
	header  http.Header
	body    string
	after   time.Duration
	instead func(w http.ResponseWriter, r *http.Request) // of an answer
}

// Status answers with a status code.
func Status(code int) Step { return Step{name: strconv.Itoa(code), times: 1, status: code} }

// OK answers 200.
func OK() Step { return Status(http.StatusOK) }

// Gone answers 410, for which Postrider disables the endpoint.
func Gone() Step { return Status(http.StatusGone) }

// Redirect answers 307 to another URL. Postrider does not follow.
func Redirect(location string) Step {
	return Status(http.StatusTemporaryRedirect).Header("Location", location)
}

// Slow answers 200, after a time.
func Slow(after time.Duration) Step {
	s := OK()
	s.name, s.after = fmt.Sprintf("200 after %s", after), after
	return s
}

// Stall never answers: it ends when the sender hangs up, or with the test.
func Stall() Step {
	return Step{name: "nothing: stalled", times: 1, instead: func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }}
}

// Reset resets the connection.
func Reset() Step {
	return Step{name: "nothing: reset", times: 1, instead: func(w http.ResponseWriter, _ *http.Request) { hangUp(w, "") }}
}

// Garbage answers with something that is no HTTP.
func Garbage() Step {
	return Step{name: "garbage", times: 1, instead: func(w http.ResponseWriter, _ *http.Request) { hangUp(w, "this is no HTTP\r\n\r\n") }}
}

// Times makes a step one for n requests in a row, 1 or more.
func (s Step) Times(n int) Step {
	s.times = n
	return s
}

// Header adds a header to the answer, such as Retry-After.
func (s Step) Header(name, value string) Step {
	if s.header = s.header.Clone(); s.header == nil {
		s.header = http.Header{}
	}
	s.header.Add(name, value)
	return s
}

// Body gives the answer a body.
func (s Step) Body(text string) Step {
	s.body = text
	return s
}

// answer plays the step. What it waits for ends with the connection, at the latest
// when the test ends.
func (s Step) answer(w http.ResponseWriter, r *http.Request) {
	if s.instead != nil {
		s.instead(w, r)
		return
	}
	if s.after > 0 {
		timer := time.NewTimer(s.after)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
		}
	}
	for name, values := range s.header {
		w.Header()[name] = values
	}
	w.WriteHeader(s.status)
	fmt.Fprint(w, s.body)
}

// hangUp writes to the bare connection and closes it, by a reset if there is
// nothing to write.
func hangUp(w http.ResponseWriter, last string) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // HTTP/2, which this server does not speak
	}
	if tcp, ok := conn.(*net.TCPConn); ok && last == "" {
		_ = tcp.SetLinger(0) // else it is closed in the usual manner
	}
	fmt.Fprint(conn, last)
	conn.Close()
}
