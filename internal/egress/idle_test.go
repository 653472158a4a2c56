package egress

import (
	"crypto/tls"
	"net"
	"testing"

	"github.com/postrider/postrider/test/hostile"
)

// What a receiver says on an idle connection is nobody's answer.
func TestSenderTakesNoAnswerGivenBeforeTheRequest(t *testing.T) {
	t.Parallel()
	ca := hostile.NewAuthority(t, "CA")
	config := serverTLS(ca.Issue(t, hostile.Always(), "127.0.0.1"))
	const smuggled = "HTTP/1.1 500 Smuggled\r\nContent-Length: 0\r\n\r\n"
	for _, scheme := range []string{"http", "https"} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			idle, said := make(chan struct{}), make(chan struct{})
			handle := func(r *receiver, c *conn) {
				if r.conns.Load() > 1 {
					answering(okAnswer)(r, c)
					return
				}
				c.request()
				c.send(okAnswer)
				<-idle
				c.send(smuggled)
				close(said)
				<-r.stop
			}
			r := newReceiver(t, "127.0.0.1:0", handle)
			if scheme == "https" {
				r = newTLSReceiver(t, config, handle)
			}
			c := newClient(t, loopback(), SenderConfig{RootCAs: ca.Pool()})
			raw := scheme + "://" + r.Addr().String() + "/"
			wantStatus(t, post(t, c, raw), 200)
			close(idle)
			<-said
			wantStatus(t, post(t, c, raw), 200)
			if got := r.conns.Load(); got != 2 {
				t.Errorf("%d connections, want 2", got)
			}
		})
	}
}

// corked is a connection that can hold back what is written, to send it at once.
type corked struct {
	net.Conn
	hold bool
	held []byte
}

func (c *corked) Write(p []byte) (int, error) {
	if c.hold {
		c.held = append(c.held, p...)
		return len(p), nil
	}
	return c.Conn.Write(p)
}

func (c *corked) flush() {
	c.hold = false
	c.Conn.Write(c.held)
	c.held = nil
}

type corkedListener struct{ net.Listener }

func (l corkedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return &corked{Conn: c}, err
}

// TLS reads ahead: of two records in one packet, the second has left the socket
// with the first.
func TestSenderFindsAnAnswerThatTLSHolds(t *testing.T) {
	t.Parallel()
	ca := hostile.NewAuthority(t, "CA")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	config := serverTLS(ca.Issue(t, hostile.Always(), "127.0.0.1"))
	r := serve(t, tls.NewListener(corkedListener{l}, config), func(_ *receiver, c *conn) {
		for {
			if _, _, ok := c.request(); !ok {
				return
			}
			below := c.Conn.(*tls.Conn).NetConn().(*corked)
			below.hold = true
			c.send(okAnswer)
			c.send("HTTP/1.1 500 Smuggled\r\nContent-Length: 0\r\n\r\n")
			below.flush()
		}
	})
	c := newClient(t, loopback(), SenderConfig{RootCAs: ca.Pool()})
	for range 20 {
		wantStatus(t, post(t, c, "https://"+r.Addr().String()+"/"), 200)
	}
	if got := r.conns.Load(); got != 20 {
		t.Errorf("%d connections, want a new one for each of 20 requests", got)
	}
}
