package chaos

import (
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

// answersAfter is how long an answer takes, so that there is something in flight.
const answersAfter = 5 * time.Millisecond

// receiver records what arrives, by webhook, delivery and attempt number. It
// answers 204, but every twentieth delivery's first attempt 500.
type receiver struct {
	url string

	mu      sync.Mutex
	secrets map[string]string
	seen    map[arrivalKey]*arrivals
	resent  map[string][]time.Duration // by round
	bad     []error
	held    chan struct{} // closed to let go what is held back
	waiting int
	// answered is called once, right after an answer has been sent.
	answered func()
}

type arrivalKey struct{ event, path string }

// arrivals are those of one delivery.
type arrivals struct {
	delivery  string
	attempts  map[int]int
	total     int
	refused   bool      // the first attempt was answered 500
	delivered time.Time // at last
	cut       time.Time // the sender went away before it was answered
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{secrets: map[string]string{}, seen: map[arrivalKey]*arrivals{}, resent: map[string][]time.Duration{}}
	srv := httptest.NewServer(r)
	r.url = srv.URL
	t.Cleanup(func() {
		srv.CloseClientConnections()
		srv.Close()
		for _, err := range r.bad[:min(len(r.bad), 5)] {
			t.Errorf("one of %d bad requests: %v", len(r.bad), err)
		}
	})
	return r
}

func (r *receiver) knows(path, secret string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.secrets[path] = secret
}

// ServeHTTP implements http.Handler.
func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return // the sender went away before it had sent all
	}
	key := arrivalKey{req.Header.Get(signature.HeaderID), req.URL.Path}
	refuse, held := r.arrive(key, req, body)
	timer := time.NewTimer(answersAfter)
	defer timer.Stop()
	answer := timer.C
	if held != nil {
		answer = nil
	}
	select {
	case <-answer:
	case <-held:
	case <-req.Context().Done():
		r.leave(key, held != nil, true, refuse)
		return
	}
	if refuse {
		w.WriteHeader(http.StatusInternalServerError)
	} else {
		w.WriteHeader(http.StatusNoContent)
	}
	err = http.NewResponseController(w).Flush()
	if done := r.leave(key, held != nil, err != nil, refuse); done != nil {
		done()
	}
}

// arrive notes a request and says how to answer it.
func (r *receiver) arrive(key arrivalKey, req *http.Request, body []byte) (refuse bool, held chan struct{}) {
	h := req.Header
	delivery := h.Get(signature.HeaderDelivery)
	attempt, err := strconv.Atoi(h.Get(signature.HeaderAttempt))
	r.mu.Lock()
	defer r.mu.Unlock()
	err = errors.Join(err, signature.Verify(body, h.Get(signature.HeaderSignature), r.secrets[key.path]))
	a := r.seen[key]
	if a == nil {
		a = &arrivals{delivery: delivery, attempts: map[int]int{}}
		r.seen[key] = a
	}
	if a.delivery != delivery {
		err = errors.Join(err, fmt.Errorf("%v came as the deliveries %s and %s", key, a.delivery, delivery))
	}
	if err != nil {
		r.bad = append(r.bad, err)
	}
	if !a.cut.IsZero() {
		round := roundOf(key.path)
		r.resent[round] = append(r.resent[round], time.Since(a.cut))
		a.cut = time.Time{}
	}
	a.total++
	a.attempts[attempt]++
	refuse = attempt == 1 && unlucky(delivery)
	a.refused = a.refused || refuse
	if r.held != nil {
		r.waiting++
	}
	return refuse, r.held
}

// leave notes how a request ended.
func (r *receiver) leave(key arrivalKey, wasHeld, cut, refused bool) (answered func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if wasHeld {
		r.waiting--
	}
	a := r.seen[key]
	switch {
	case cut && a.delivered.IsZero():
		a.cut = time.Now()
	case !cut && !refused:
		a.delivered = time.Now()
	}
	if !cut {
		answered, r.answered = r.answered, nil
	}
	return answered
}
