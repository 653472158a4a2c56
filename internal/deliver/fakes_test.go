package deliver

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

var errAway = errors.New("away")

// sentRequest is a request with its place in time.
type sentRequest struct {
	webhook.Request
	at time.Time
}

func (r sentRequest) header(name string) (value string) {
	for _, h := range r.Header {
		if h.Name == name {
			value = h.Value
		}
	}
	return value
}

// fakeSender is all receivers: it answers 200 unless told otherwise.
type fakeSender struct {
	mu     sync.Mutex
	sent   []sentRequest
	answer func(n int, req webhook.Request) webhook.Response
	// held, while not nil, is what answers wait for; begun says when one does.
	held  chan struct{}
	begun chan sentRequest
}

// Do answers by answer, which gets the number of the request from 1.
func (f *fakeSender) Do(_ context.Context, req webhook.Request) webhook.Response {
	started := time.Now()
	f.mu.Lock()
	f.sent = append(f.sent, sentRequest{req, started})
	n, answer, held, begun := len(f.sent), f.answer, f.held, f.begun
	f.mu.Unlock()
	if held != nil {
		begun <- sentRequest{req, started}
		<-held
	}
	res := webhook.Response{StatusCode: http.StatusOK}
	if answer != nil {
		res = answer(n, req)
	}
	res.Started, res.Duration = started, time.Since(started)
	return res
}

// hold makes every request from now on hang until letAllGo.
func (f *fakeSender) hold() (begun <-chan sentRequest) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.held, f.begun = make(chan struct{}), make(chan sentRequest, 1000)
	return f.begun
}

func (f *fakeSender) letAllGo() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.held != nil {
		close(f.held)
		f.held = nil
	}
}

func (f *fakeSender) answers(answer func(n int, req webhook.Request) webhook.Response) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answer = answer
}

func (f *fakeSender) requests() []sentRequest {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]sentRequest(nil), f.sent...)
}

// status answers every request alike. Headers come in pairs.
func status(code int, headers ...string) func(int, webhook.Request) webhook.Response {
	h := make(http.Header)
	for i := 0; i < len(headers); i += 2 {
		h.Set(headers[i], headers[i+1])
	}
	return func(int, webhook.Request) webhook.Response { return webhook.Response{StatusCode: code, Header: h} }
}

// scheduled is a task that waits in Redis.
type scheduled struct {
	webhook.Chunk
	due time.Time
}

// fakeRetries is a Redis that keeps what it is told.
type fakeRetries struct {
	mu   sync.Mutex
	all  []scheduled
	now  []webhook.Chunk
	away bool
}

func (f *fakeRetries) EnqueueAt(_ context.Context, c webhook.Chunk, due time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.away {
		return errAway
	}
	f.all = append(f.all, scheduled{c, due})
	return nil
}

func (f *fakeRetries) Enqueue(_ context.Context, chunks []webhook.Chunk) ([]webhook.Chunk, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.away {
		return chunks, errAway
	}
	f.now = append(f.now, chunks...)
	return nil, nil
}

func (f *fakeRetries) tasks() []scheduled {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]scheduled(nil), f.all...)
}

// fakeRates grants as many as it is told to.
type fakeRates struct {
	mu           sync.Mutex
	granted      int
	first, apart time.Duration
	asked        bool
}

func (f *fakeRates) wasAsked() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked
}

func (f *fakeRates) grant(n int, first, apart time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.granted, f.first, f.apart = n, first, apart
}

func (f *fakeRates) Reserve(_ context.Context, _ webhook.ID, _, n int, _ time.Duration) (int, time.Duration, time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = true
	return min(f.granted, n), f.first, f.apart
}
