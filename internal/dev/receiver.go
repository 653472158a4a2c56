package dev

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/postrider/postrider/client"
	"github.com/postrider/postrider/signature"
)

// receiver is dev's own endpoint: it verifies both signatures of what arrives
// and shows it.
type receiver struct {
	out io.Writer
	mu  sync.Mutex // one webhook's lines stay together
	// endpoint is what it verifies by; nil until that is made.
	endpoint atomic.Pointer[endpoint]
	lis      net.Listener
	srv      *http.Server
	done     chan struct{}
	// refused is why its endpoint could not be made; nil when all is well.
	refused error
}

func startReceiver(out io.Writer) (*receiver, error) {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the receiver: %w", err)
	}
	r := &receiver{out: out, lis: lis, done: make(chan struct{})}
	r.srv = &http.Server{Handler: http.HandlerFunc(r.receive), ReadHeaderTimeout: 5 * time.Second}
	go func() {
		defer close(r.done)
		if err := r.srv.Serve(lis); !errors.Is(err, http.ErrServerClosed) {
			fmt.Fprintln(out, "receiver:", err)
		}
	}()
	return r, nil
}

func (r *receiver) url() string { return "http://" + r.lis.Addr().String() + "/webhooks" }

func (r *receiver) close() {
	r.srv.Close()
	<-r.done
}

func (r *receiver) receive(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, 4<<20))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if r.endpoint.Load() == nil {
		// Left over from an earlier run: delivered again in a moment.
		http.Error(w, "not ready", http.StatusServiceUnavailable)
		return
	}
	verdict := "both signatures valid"
	if err = r.verify(req.Context(), req.Header, body); err != nil {
		verdict = "signature INVALID: " + err.Error()
	}
	r.mu.Lock()
	fmt.Fprintf(r.out, "\n%s webhook received: %s  %s  attempt %s  %s\n%s\n", time.Now().Format("15:04:05.000"),
		req.Header.Get(signature.HeaderEvent), req.Header.Get(signature.HeaderID),
		req.Header.Get(signature.HeaderAttempt), verdict, body)
	r.mu.Unlock()
	if err != nil {
		http.Error(w, verdict, http.StatusUnauthorized)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// endpoint is the receiver's own, with the secrets that it is known to have.
type endpoint struct {
	client  *client.Client
	id      string
	secrets []string
}

// newEndpoint reads the endpoint's secrets.
func newEndpoint(ctx context.Context, c *client.Client, id string) (*endpoint, error) {
	got, err := c.Endpoints.Secret(ctx, id)
	if err != nil {
		return nil, err
	}
	e := &endpoint{client: c, id: id, secrets: []string{got.Secret}}
	if got.PreviousSecret != "" {
		e.secrets = append(e.secrets, got.PreviousSecret)
	}
	return e, nil
}

// verify looks up the secrets anew where those known don't do: whoever tries how
// a rotation goes gives this receiver no new one.
func (r *receiver) verify(ctx context.Context, header http.Header, body []byte) error {
	known := r.endpoint.Load()
	err := known.check(header, body)
	if err == nil {
		return nil
	}
	now, failed := newEndpoint(ctx, known.client, known.id)
	if failed != nil {
		return err
	}
	r.endpoint.Store(now)
	return now.check(header, body)
}

func (e *endpoint) check(header http.Header, body []byte) error {
	return errors.Join(
		signature.Verify(body, header.Get(signature.HeaderSignature), e.secrets...),
		signature.VerifyStandard(header, body, e.secrets, 0, time.Now()))
}
