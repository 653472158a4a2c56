package console

import (
	"context"
	"io"
	"net/http"
	"sync"
)

// open runs a handler whose answer may have no end beside who reads it, until the body
// is closed.
func (t inProcess) open(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(r.Context())
	read, write := io.Pipe()
	s := &streamed{header: http.Header{}, begun: make(chan struct{}), body: write}
	body := &streamedBody{PipeReader: read, cancel: cancel, over: make(chan struct{})}
	go func() {
		defer close(body.over)
		s.run(t.handler, r.WithContext(ctx))
	}()
	select {
	case <-s.begun:
	case <-ctx.Done():
		_ = body.Close()
		return nil, context.Cause(ctx)
	}
	return &http.Response{
		StatusCode: s.status, Status: http.StatusText(s.status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: s.sent, Body: body, ContentLength: -1, Request: r,
	}, nil
}

// streamedBody is read while the handler writes it.
type streamedBody struct {
	*io.PipeReader
	cancel context.CancelFunc
	over   chan struct{}
}

// Close ends the handler, and waits for that.
func (b *streamedBody) Close() error {
	b.cancel()
	err := b.PipeReader.Close()
	<-b.over
	return err
}

// streamed hands on what a handler writes.
type streamed struct {
	header, sent http.Header
	status       int
	once         sync.Once
	begun        chan struct{} // closed once status and sent are there
	body         *io.PipeWriter
}

func (s *streamed) run(h http.Handler, r *http.Request) {
	defer func() {
		// What the API has not made a problem of, as it does, has no connection to drop
		// here; it is no reason to end the process.
		_ = recover()
		s.WriteHeader(http.StatusOK)
		_ = s.body.Close()
	}()
	h.ServeHTTP(s, r)
}

func (s *streamed) Header() http.Header { return s.header }

func (s *streamed) WriteHeader(status int) {
	s.once.Do(func() {
		s.status, s.sent = status, s.header.Clone()
		close(s.begun)
	})
}

func (s *streamed) Write(b []byte) (int, error) {
	s.WriteHeader(http.StatusOK)
	return s.body.Write(b)
}

// Flush does nothing: what is written is read before Write returns.
func (s *streamed) Flush() {}
