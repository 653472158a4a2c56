package hooktest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/signature"
)

// maxReceivedBytes bounds a body, of whatever format.
const maxReceivedBytes = 4 << 20

// ReceivedEvent is a request that a Receiver has verified. Each attempt of a
// delivery is one.
type ReceivedEvent struct {
	signature.Event
	Header http.Header
	Body   []byte
}

// Receiver is an HTTP server on loopback that stands for an endpoint. It verifies
// both signatures of what comes and answers as its script says; what does not
// verify is answered 401, moves no script on, and is in no list but Refused. It
// is safe for many goroutines.
type Receiver struct {
	// URL is where it listens; any path below is its own, too.
	URL string
	// Patience is how long WaitFor and AssertReceived wait. Set it before they
	// are called. Default 10 s.
	Patience time.Duration

	t        testing.TB
	verifier *signature.Verifier

	mu       sync.Mutex
	script   []Step // never empty
	arrivals []arrival
	news     chan struct{} // closed, and made anew, with each arrival
}

// arrival is any request that came.
type arrival struct {
	event   ReceivedEvent
	refused error
	answer  string
}

// NewReceiver starts a Receiver for the endpoint's secret, which ends with the
// test. Each step of the script is for one request, or as many as its Times say,
// and the last goes on for ever; without a script all is OK.
func NewReceiver(t testing.TB, secret string, script ...Step) *Receiver {
	t.Helper()
	verifier, err := signature.NewVerifier(signature.Config{Secrets: []string{secret}, Scheme: signature.SchemeBoth})
	if err != nil {
		t.Fatalf("hooktest.NewReceiver: %v", err)
	}
	if len(script) == 0 {
		script = []Step{OK()}
	}
	for _, s := range script {
		if s.times < 1 {
			t.Fatalf("hooktest.NewReceiver: the step %q is for %d requests", s.name, s.times)
		}
	}
	r := &Receiver{Patience: 10 * time.Second, t: t, verifier: verifier, script: slices.Clone(script), news: make(chan struct{})}
	srv := httptest.NewServer(r)
	r.URL = srv.URL
	t.Cleanup(func() {
		srv.CloseClientConnections() // ends what stalls
		srv.Close()
	})
	return r
}

// ServeHTTP implements http.Handler.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxReceivedBytes))
	var e signature.Event
	if err == nil {
		e, err = r.verifier.Verify(req.Context(), req.Header, body)
	}
	step := r.record(ReceivedEvent{e, req.Header, body}, err)
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	step.answer(w, req)
}

// record notes the request, and returns the step that answers it.
func (r *Receiver) record(e ReceivedEvent, refused error) Step {
	r.mu.Lock()
	defer r.mu.Unlock()
	step := r.script[0]
	if refused == nil && len(r.script) > 1 {
		if r.script[0].times--; r.script[0].times == 0 {
			r.script = r.script[1:]
		}
	}
	r.arrivals = append(r.arrivals, arrival{e, refused, step.name})
	close(r.news)
	r.news = make(chan struct{})
	return step
}

// Events are the verified requests so far, in the order in which they came.
func (r *Receiver) Events() []ReceivedEvent {
	r.mu.Lock()
	defer r.mu.Unlock()
	var events []ReceivedEvent
	for _, a := range r.arrivals {
		if a.refused == nil {
			events = append(events, a.event)
		}
	}
	return events
}

// Refused says why the requests that did not verify did not; compare with
// signature's errors.
func (r *Receiver) Refused() []error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var errs []error
	for _, a := range r.arrivals {
		if a.refused != nil {
			errs = append(errs, a.refused)
		}
	}
	return errs
}

// WaitFor waits until n verified requests have come, and returns those there are
// then. If they don't come within Patience the test ends, with what came instead.
func (r *Receiver) WaitFor(n int) []ReceivedEvent {
	r.t.Helper()
	var events []ReceivedEvent
	if !r.await(func() bool { events = r.Events(); return len(events) >= n }) {
		r.t.Fatalf("%d of %d webhooks arrived within %s. %s", len(events), n, r.Patience, r.whatCame())
	}
	return events
}

// AssertReceived waits for an event of this type that all of the functions accept
// and returns the first one's request. If none comes within Patience the test
// fails, with what came instead.
func (r *Receiver) AssertReceived(eventType string, accepts ...func(ReceivedEvent) bool) ReceivedEvent {
	r.t.Helper()
	var found ReceivedEvent
	if !r.await(func() (ok bool) { found, ok = r.first(eventType, accepts); return ok }) {
		r.t.Errorf("no %s arrived within %s. %s", described(eventType, accepts), r.Patience, r.whatCame())
	}
	return found
}

// AssertNotReceived fails the test if an event of this type that all of the
// functions accept has come so far: wait for what does come before.
func (r *Receiver) AssertNotReceived(eventType string, accepts ...func(ReceivedEvent) bool) {
	r.t.Helper()
	if e, ok := r.first(eventType, accepts); ok {
		r.t.Errorf("%s %s arrived. %s", described(eventType, accepts), e.ID, r.whatCame())
	}
}

func described(eventType string, accepts []func(ReceivedEvent) bool) string {
	if len(accepts) == 0 {
		return eventType
	}
	return fmt.Sprintf("%s that the function accepts", eventType)
}

func (r *Receiver) first(eventType string, accepts []func(ReceivedEvent) bool) (ReceivedEvent, bool) {
	for _, e := range r.Events() {
		if e.Type == eventType && !slices.ContainsFunc(accepts, func(accept func(ReceivedEvent) bool) bool { return !accept(e) }) {
			return e, true
		}
	}
	return ReceivedEvent{}, false
}

// await looks again with each arrival, for as long as Patience.
func (r *Receiver) await(done func() bool) bool {
	over := time.NewTimer(r.Patience)
	defer over.Stop()
	for {
		r.mu.Lock()
		news := r.news
		r.mu.Unlock()
		if done() {
			return true
		}
		select {
		case <-news:
		case <-over.C:
			return false
		}
	}
}
