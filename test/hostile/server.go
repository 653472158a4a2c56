package hostile

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// Server is a receiver on loopback, whose every connection is handled by a
// function.
type Server struct {
	net.Listener
	conns atomic.Int64
	sent  atomic.Int64
	stop  chan struct{} // closed when the test is over
	wg    sync.WaitGroup
	mu    sync.Mutex
	open  []net.Conn
}

// Listen serves on address, e.g. "127.0.0.1:0", until the test ends.
func Listen(t testing.TB, address string, config *tls.Config, handle func(*Conn)) *Server {
	t.Helper()
	lis, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	return On(t, lis, config, handle)
}

// On serves on a listener that there is already. With a config the connections are
// TLS, and handle gets them before the handshake.
func On(t testing.TB, lis net.Listener, config *tls.Config, handle func(*Conn)) *Server {
	s := &Server{Listener: lis, stop: make(chan struct{})}
	s.wg.Go(func() { s.accept(config, handle) })
	t.Cleanup(s.close)
	return s
}

func (s *Server) accept(config *tls.Config, handle func(*Conn)) {
	for {
		raw, err := s.Accept()
		if err != nil {
			return
		}
		s.conns.Add(1)
		s.mu.Lock()
		s.open = append(s.open, raw)
		s.mu.Unlock()
		c := &Conn{Conn: raw, raw: raw, server: s}
		if config != nil {
			c.Conn = tls.Server(raw, config)
		}
		c.in = bufio.NewReader(c.Conn)
		s.wg.Go(func() {
			defer c.Close()
			handle(c)
		})
	}
}

func (s *Server) close() {
	close(s.stop)
	s.Close()
	s.mu.Lock()
	for _, c := range s.open {
		c.Close()
	}
	s.mu.Unlock()
	s.wg.Wait()
}

// Port is the one it listens on.
func (s *Server) Port() string {
	_, port, _ := net.SplitHostPort(s.Addr().String())
	return port
}

// Conns is how many connections were made to it.
func (s *Server) Conns() int64 { return s.conns.Load() }

// Sent is how many bytes it could send, on all connections together.
func (s *Server) Sent() int64 { return s.sent.Load() }

// Conn is one connection to a receiver.
type Conn struct {
	net.Conn
	raw    net.Conn // below TLS, if there is any
	in     *bufio.Reader
	server *Server
}

// Request reads one request; nil means that there is none.
func (c *Conn) Request() *http.Request {
	req, err := http.ReadRequest(c.in)
	if err != nil {
		return nil
	}
	if _, err := io.Copy(io.Discard, req.Body); err != nil {
		return nil
	}
	return req
}

// Send reports whether it could.
func (c *Conn) Send(parts ...string) bool {
	n, err := io.WriteString(c, strings.Join(parts, ""))
	c.server.sent.Add(int64(n))
	return err == nil
}

// Stay keeps the connection open until the test ends.
func (c *Conn) Stay() { <-c.server.stop }

// Reset closes with RST instead of FIN.
func (c *Conn) Reset() {
	if tcp, ok := c.raw.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // what fails is found by the sender, which then sees a FIN
		_ = tcp.Close()
	}
}
