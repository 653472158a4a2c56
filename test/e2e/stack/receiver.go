package stack

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/signature"
)

// Arrival is a request that reached the receiver.
type Arrival struct {
	Path, Event, Type, Delivery string
	Attempt                     int
	Header                      http.Header
	Body                        []byte
}

// Receiver is an endpoint's other side: it verifies both signatures, counts by
// event and path, and answers 204 where no script says otherwise. A request that
// does not verify fails the test.
type Receiver struct {
	URL string

	mu       sync.Mutex
	secrets  map[string][]string
	scripts  map[string][]Step
	counts   map[arrivalKey]int
	pairs    int // how many of counts there are
	arrivals []Arrival
	bad      []error
	lean     bool
}

type arrivalKey struct{ event, path string }

// NewReceiver starts one on loopback.
func NewReceiver(t testing.TB) *Receiver {
	t.Helper()
	r := &Receiver{secrets: map[string][]string{}, scripts: map[string][]Step{}, counts: map[arrivalKey]int{}}
	srv := httptest.NewServer(r)
	r.URL = srv.URL
	t.Cleanup(func() {
		srv.CloseClientConnections()
		srv.Close()
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, err := range r.bad[:min(len(r.bad), 5)] {
			t.Errorf("one of %d bad requests: %v", len(r.bad), err)
		}
	})
	return r
}

// CountOnly keeps counts and no arrivals, for tests with many.
func (r *Receiver) CountOnly() { r.lean = true }

// Knows makes secret the one that requests to path are signed with.
func (r *Receiver) Knows(path, secret string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.secrets[path] = []string{secret}
}

// ServeHTTP implements http.Handler.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return // the sender went away before it had sent all
	}
	if err := r.verify(req, body); err != nil {
		r.mu.Lock()
		r.bad = append(r.bad, fmt.Errorf("%s, event %s: %w", req.URL.Path, req.Header.Get(signature.HeaderID), err))
		r.mu.Unlock()
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	if step := r.count(req, body); step != nil {
		step(w, req)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (r *Receiver) verify(req *http.Request, body []byte) error {
	r.mu.Lock()
	secrets := r.secrets[req.URL.Path]
	r.mu.Unlock()
	h := req.Header
	err := errors.Join(
		signature.Verify(body, h.Get(signature.HeaderSignature), secrets...),
		signature.VerifyStandard(h, body, secrets, 0, time.Now()))
	id := h.Get(signature.HeaderID)
	if id == "" || id != h.Get(signature.HeaderStandardID) || !bytes.HasPrefix(body, []byte(`{"id":"`+id+`",`)) {
		err = errors.Join(err, fmt.Errorf("the ids in headers (%v) and body (%s) differ", h, body))
	}
	return err
}

// count notes the arrival and returns the script's next step, if there is one.
func (r *Receiver) count(req *http.Request, body []byte) Step {
	h := req.Header
	attempt, err := strconv.Atoi(h.Get(signature.HeaderAttempt))
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.bad = append(r.bad, fmt.Errorf("attempt: %w", err))
	}
	key := arrivalKey{h.Get(signature.HeaderID), req.URL.Path}
	if r.counts[key]++; r.counts[key] == 1 {
		r.pairs++
	}
	if !r.lean {
		r.arrivals = append(r.arrivals, Arrival{
			key.path, key.event, h.Get(signature.HeaderEvent), h.Get(signature.HeaderDelivery), attempt, h, body,
		})
	}
	steps := r.scripts[key.path]
	if len(steps) == 0 {
		return nil
	}
	r.scripts[key.path] = steps[1:]
	return steps[0]
}
