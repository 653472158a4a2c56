package cli

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/postrider/postrider/client"
	"github.com/postrider/postrider/signature"
)

// benchReceiver notes when each event arrives. It and its endpoint are there for one
// run only.
type benchReceiver struct {
	server   *http.Server
	endpoint string

	mu      sync.Mutex
	arrived map[string]time.Time
}

const (
	// waitForArrivals is how long after the last acceptance.
	waitForArrivals = 30 * time.Second
	lookForArrivals = 50 * time.Millisecond
	// closeWithin is for deleting the endpoint, also after Ctrl-C.
	closeWithin = 10 * time.Second
)

// newBenchReceiver listens, and subscribes to the events.
func newBenchReceiver(ctx context.Context, s *session, eventType string) (*benchReceiver, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start a receiver: %w", err)
	}
	r := &benchReceiver{arrived: map[string]time.Time{}}
	r.server = &http.Server{Handler: r, ReadHeaderTimeout: closeWithin}
	go func() { _ = r.server.Serve(listener) }() // ends with close
	e, err := s.api.Endpoints.Create(ctx, client.EndpointInput{
		URL: "http://" + listener.Addr().String() + "/", Events: []string{eventType},
		Description: "postrider bench, deleted at its end", RetrySchedule: []int{},
	})
	if err != nil {
		_ = r.server.Close() // the error says why it is not needed
		return nil, err
	}
	r.endpoint = e.ID
	return r, nil
}

// ServeHTTP implements http.Handler.
func (r *benchReceiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	now := time.Now()
	_, _ = io.Copy(io.Discard, req.Body) // a body that is cut off is no arrival less
	r.mu.Lock()
	if id := req.Header.Get(signature.HeaderID); r.arrived[id].IsZero() {
		r.arrived[id] = now
	}
	r.mu.Unlock()
	w.WriteHeader(http.StatusNoContent)
}

// wait waits until all of the events have arrived, or for half a minute.
func (r *benchReceiver) wait(ctx context.Context, events map[string]time.Time) *benchDelivered {
	ctx, cancel := context.WithTimeout(ctx, waitForArrivals)
	defer cancel()
	tick := time.NewTicker(lookForArrivals)
	defer tick.Stop()
	for {
		took := r.took(events)
		if len(took) == len(events) {
			return &benchDelivered{len(took), percentilesOf(took)}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			took = r.took(events)
			return &benchDelivered{len(took), percentilesOf(took)}
		}
	}
}

// took is how long it took each event that is there.
func (r *benchReceiver) took(events map[string]time.Time) []time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []time.Duration
	for id, began := range events {
		if at, ok := r.arrived[id]; ok {
			out = append(out, at.Sub(began))
		}
	}
	return out
}

// close deletes the endpoint, whatever has ended the run.
func (r *benchReceiver) close(s *session) {
	ctx, cancel := context.WithTimeout(context.Background(), closeWithin)
	defer cancel()
	if err := s.api.Endpoints.Delete(ctx, r.endpoint); err != nil {
		s.note("The endpoint %s could not be deleted (%s): postrider endpoints delete %[1]s", r.endpoint, err)
	}
	_ = r.server.Close() // nobody is sent to it any more
}
