package egress

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// client is what the hostile-receiver suite knows of a Sender, so that another
// HTTP stack can be put to the same test.
type client interface {
	Do(ctx context.Context, req Request) webhook.Response
}

func loopback() Config { return Config{Allow: prefixes("127.0.0.0/8", "::1/128")} }

// newClient makes the client under test, which may reach loopback addresses
// unless policy says otherwise.
func newClient(t testing.TB, policy Config, cfg SenderConfig) client {
	t.Helper()
	s, err := NewSender(NewPolicy(policy), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func post(t testing.TB, c client, url string) webhook.Response {
	t.Helper()
	return c.Do(t.Context(), Request{URL: url, Body: []byte(`{"id":"evt_1"}`), Timeout: 20 * time.Second})
}

// receiver is a TCP server whose every connection is handled by the test.
type receiver struct {
	net.Listener
	conns    atomic.Int64
	requests atomic.Int64
	wg       sync.WaitGroup
	mu       sync.Mutex
	open     []net.Conn
	stop     chan struct{} // closed when the test is over
}

// newReceiver serves on address, e.g. "127.0.0.1:0", until the test ends.
func newReceiver(t testing.TB, address string, handle func(r *receiver, c *conn)) *receiver {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	return serve(t, l, handle)
}

func serve(t testing.TB, l net.Listener, handle func(r *receiver, c *conn)) *receiver {
	r := &receiver{Listener: l, stop: make(chan struct{})}
	r.wg.Go(func() { r.accept(handle) })
	t.Cleanup(r.close)
	return r
}

func (r *receiver) accept(handle func(r *receiver, c *conn)) {
	for {
		c, err := r.Accept()
		if err != nil {
			return
		}
		r.conns.Add(1)
		r.mu.Lock()
		r.open = append(r.open, c)
		r.mu.Unlock()
		r.wg.Go(func() {
			defer c.Close()
			handle(r, &conn{Conn: c, in: bufio.NewReader(c), served: &r.requests})
		})
	}
}

func (r *receiver) close() {
	close(r.stop)
	r.Close()
	r.mu.Lock()
	for _, c := range r.open {
		c.Close()
	}
	r.mu.Unlock()
	r.wg.Wait()
}

func (r *receiver) url() string { return "http://" + r.Addr().String() + "/hook?token=s3cret" }

func (r *receiver) port() string {
	_, port, _ := net.SplitHostPort(r.Addr().String())
	return port
}

// conn is one connection of a receiver.
type conn struct {
	net.Conn
	in     *bufio.Reader
	served *atomic.Int64
}

// request reads one request; false means that there is none.
func (c *conn) request() (head string, body []byte, ok bool) {
	var b strings.Builder
	length := 0
	for {
		line, err := c.in.ReadString('\n')
		if err != nil {
			return "", nil, false
		}
		b.WriteString(line)
		if line == "\r\n" {
			break
		}
		if name, value, _ := strings.Cut(line, ":"); strings.EqualFold(name, "Content-Length") {
			length, _ = strconv.Atoi(strings.TrimSpace(value))
		}
	}
	body = make([]byte, length)
	if _, err := io.ReadFull(c.in, body); err != nil {
		return "", nil, false
	}
	c.served.Add(1)
	return b.String(), body, true
}

func (c *conn) send(parts ...string) error {
	_, err := io.WriteString(c, strings.Join(parts, ""))
	return err
}

// reset closes with RST instead of FIN.
func (c *conn) reset() {
	raw := c.Conn
	if t, ok := raw.(*tls.Conn); ok {
		raw = t.NetConn()
	}
	if t, ok := raw.(*net.TCPConn); ok {
		t.SetLinger(0)
		t.Close()
	}
}

// answering answers every request with the same bytes.
func answering(answer string) func(*receiver, *conn) {
	return func(_ *receiver, c *conn) {
		for {
			if _, _, ok := c.request(); !ok || c.send(answer) != nil {
				return
			}
		}
	}
}

// once reads one request, sends the bytes and closes.
func once(answer string) func(*receiver, *conn) {
	return func(_ *receiver, c *conn) {
		if _, _, ok := c.request(); ok {
			c.send(answer)
		}
	}
}

// onceOpen is once, but the connection stays open.
func onceOpen(answer string) func(*receiver, *conn) {
	return func(r *receiver, c *conn) {
		once(answer)(r, c)
		<-r.stop
	}
}

// endless sends start and then piece over and over.
func endless(start, piece string) func(*receiver, *conn) {
	return func(_ *receiver, c *conn) {
		if _, _, ok := c.request(); !ok {
			return
		}
		for err := c.send(start); err == nil; err = c.send(piece) {
		}
	}
}

// drip sends start and then, every few milliseconds, piece.
func drip(start, piece string) func(*receiver, *conn) {
	return func(r *receiver, c *conn) {
		if _, _, ok := c.request(); !ok {
			return
		}
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for err := c.send(start); err == nil; err = c.send(piece) {
			select {
			case <-tick.C:
			case <-r.stop:
				return
			}
		}
	}
}

const okAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// wantError fails unless res is an error of class whose sentence contains part,
// and holds no secret.
func wantError(t *testing.T, res webhook.Response, class webhook.ErrorClass, part string) {
	t.Helper()
	if res.Err == nil {
		t.Fatalf("status %d, want an error of class %s", res.StatusCode, class)
	}
	if res.Err.Class != class || !strings.Contains(res.Err.Detail, part) {
		t.Errorf("%s: %q, want %s: %q (cause: %v)", res.Err.Class, res.Err.Detail, class, part, res.Err.Cause)
	}
	if strings.Contains(res.Err.Detail, "s3cret") || strings.Contains(res.Err.Detail, "/hook") {
		t.Errorf("%q holds the URL's path or query", res.Err.Detail)
	}
}

func wantStatus(t *testing.T, res webhook.Response, status int) {
	t.Helper()
	if res.Err != nil {
		t.Fatalf("%s: %s (cause: %v), want status %d", res.Err.Class, res.Err.Detail, res.Err.Cause, status)
	}
	if res.StatusCode != status {
		t.Fatalf("status %d, want %d", res.StatusCode, status)
	}
}
