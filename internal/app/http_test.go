package app

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"
)

var noContent = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })

// dial connects.
func dial(t *testing.T, addr string) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn, bufio.NewReader(conn)
}

// ask makes one request on a connection, and returns whether the answer ends it.
func ask(t *testing.T, conn net.Conn, r *bufio.Reader) (status int, last bool) {
	t.Helper()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode, res.Close
}

func TestBoundedListener(t *testing.T) {
	t.Parallel()
	lis, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: noContent, ReadHeaderTimeout: time.Minute}
	done := make(chan struct{})
	go func() { defer close(done); _ = srv.Serve(newBoundedListener(lis, 2)) }()
	t.Cleanup(func() { srv.Close(); <-done })
	addr := lis.Addr().String()

	first, firstReader := dial(t, addr)
	second, secondReader := dial(t, addr)
	for range 2 {
		ask(t, first, firstReader)
		ask(t, second, secondReader)
	}
	// It is told before it has asked, so that it need not be listened to.
	_, refused := dial(t, addr)
	res, err := http.ReadResponse(refused, nil)
	if err != nil || res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") != "1" || !res.Close {
		t.Fatalf("the third got %+v: %v", res, err)
	}
	_ = res.Body.Close()
	if _, err := refused.ReadByte(); err == nil {
		t.Error("the third is still connected")
	}
	ask(t, first, firstReader)
	first.Close()
	deadline := time.Now().Add(time.Minute)
	for {
		conn, r := dial(t, addr)
		if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err == nil {
			if res, err := http.ReadResponse(r, nil); err == nil && res.Body.Close() == nil && res.StatusCode == http.StatusNoContent {
				return
			}
		}
		if time.Now().After(deadline) {
			t.Fatal("there was never room again")
		}
		<-time.After(10 * time.Millisecond)
	}
}

func TestHTTPServer_SendsClientsAwayWhileItDrains(t *testing.T) {
	t.Parallel()
	var draining atomic.Bool
	s := newHTTPServer("127.0.0.1:0", noContent, draining.Load, slog.New(slog.DiscardHandler))
	if err := s.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.stop(context.Background()) })
	conn, r := dial(t, s.addr())
	for range 2 {
		if status, last := ask(t, conn, r); last || status != http.StatusNoContent {
			t.Errorf("got %d before, the last: %t", status, last)
		}
	}
	draining.Store(true)
	if status, last := ask(t, conn, r); !last || status != http.StatusNoContent {
		t.Errorf("got %d while draining, the last: %t", status, last)
	}
	if _, err := r.ReadByte(); err == nil {
		t.Error("the connection is still open")
	}
	conn, r = dial(t, s.addr()) // still served
	ask(t, conn, r)
}
