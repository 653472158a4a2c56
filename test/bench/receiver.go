package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/postrider/postrider/signature"
)

// receiver answers every webhook with its kind's status, after as long as that takes, and counts it in the current tally.
type receiver struct {
	url     string
	current atomic.Pointer[tally]
	// beside counts another kind meanwhile; nil where there is none.
	beside  atomic.Pointer[tally]
	buffers sync.Pool
	srv     *http.Server
	done    chan struct{}
	err     error // read after done
}

func startReceiver(ctx context.Context) (*receiver, error) {
	lis, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the receiver: %w", err)
	}
	r := &receiver{url: "http://" + lis.Addr().String(), done: make(chan struct{})}
	r.buffers.New = func() any { return new(bytes.Buffer) }
	r.current.Store(newTally(acceptKind, 0, 0))
	r.srv = &http.Server{Handler: r, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		defer close(r.done)
		if err := r.srv.Serve(lis); !errors.Is(err, http.ErrServerClosed) {
			r.err = err
		}
	}()
	return r, nil
}

func (r *receiver) stop(context.Context) error {
	err := r.srv.Close()
	<-r.done
	return errors.Join(err, r.err)
}

// ServeHTTP implements http.Handler.
func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	at := time.Now()
	b := r.buffers.Get().(*bytes.Buffer)
	defer r.buffers.Put(b)
	b.Reset()
	if _, err := io.Copy(b, io.LimitReader(req.Body, 1<<20)); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	name, endpoint, _ := strings.Cut(strings.TrimPrefix(req.URL.Path, "/"), "/")
	a := arrival{kind: name, event: sequenceOf(b.Bytes()), attempt: req.Header.Get(signature.HeaderAttempt), at: at}
	var err error
	if a.endpoint, err = strconv.Atoi(endpoint); err != nil {
		a.endpoint = -1
	}
	t := r.tallyOf(name)
	t.add(a)
	if d := t.kind.answersAfter; d > 0 && sleep(req.Context(), d) != nil {
		return // the worker went away
	}
	w.WriteHeader(cmp.Or(t.kind.status, http.StatusOK))
}

func (r *receiver) tallyOf(kind string) *tally {
	if t := r.beside.Load(); t != nil && t.kind.name == kind {
		return t
	}
	return r.current.Load()
}

// sequenceOf finds the event's number in a request, -1 when there is none.
func sequenceOf(body []byte) int {
	_, rest, ok := bytes.Cut(body, []byte(sequenceKey))
	if !ok {
		return -1
	}
	n := 0
	for _, c := range rest {
		if c < '0' || c > '9' {
			break
		}
		n = n*10 + int(c-'0')
	}
	return n
}
