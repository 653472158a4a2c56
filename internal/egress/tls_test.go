package egress

import (
	"crypto/tls"
	"net"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/webhook"
	"github.com/postrider/postrider/test/hostile"
)

func serverTLS(cert tls.Certificate) *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert}}
}

func newTLSReceiver(t testing.TB, config *tls.Config, handle func(*receiver, *conn)) *receiver {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return serve(t, tls.NewListener(l, config), handle)
}

// hooks resolves the receiver's name to this machine.
func hooks() Config {
	c := loopback()
	c.Resolver = names{"hooks.example": {"127.0.0.1"}}
	return c
}

func TestSenderExplainsTLSFailures(t *testing.T) {
	t.Parallel()
	known, unknown := hostile.NewAuthority(t, "Known CA"), hostile.NewAuthority(t, "Unknown CA")
	good := known.Issue(t, hostile.Always(), "hooks.example")
	for name, tt := range map[string]struct {
		config *tls.Config
		detail string
	}{
		"Expired":     {serverTLS(known.Issue(t, hostile.Validity{From: "2020-01-01", Until: "2026-01-02"}, "hooks.example")), "TLS certificate expired on 2026-01-02"},
		"NotYetValid": {serverTLS(known.Issue(t, hostile.Validity{From: "2110-03-04", Until: "2120-01-01"}, "hooks.example")), "TLS certificate is not valid before 2110-03-04"},
		"OtherName": {
			serverTLS(known.Issue(t, hostile.Always(), "other.example", "www.other.example")),
			"the TLS certificate is for other.example, www.other.example, not for hooks.example (valid until 2120-01-01)",
		},
		"ManyNames":    {serverTLS(known.Issue(t, hostile.Always(), "a.example", "b.example", "c.example", "d.example", "10.1.1.1")), "a.example, b.example, c.example and 2 more, not for hooks.example"},
		"ParentOfName": {serverTLS(known.Issue(t, hostile.Always(), "example")), "not for hooks.example"},
		"NoName":       {serverTLS(known.Issue(t, hostile.Always())), "for no host at all, not for hooks.example"},
		"UnknownCA":    {serverTLS(unknown.Issue(t, hostile.Always(), "hooks.example")), `signed by an unknown authority, "Unknown CA" (valid until 2120-01-01)`},
		"WantsClientCert": {
			&tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{good}, ClientAuth: tls.RequireAnyClientCert},
			"the receiver asked for a client certificate, which Postrider has none of, and refused the TLS connection: certificate required",
		},
		"WantsOtherProtocol": {&tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{good}, NextProtos: []string{"spdy/1"}}, "the receiver refused the TLS connection: no application protocol"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newTLSReceiver(t, tt.config, answering(okAnswer))
			c := newClient(t, hooks(), SenderConfig{RootCAs: known.Pool()})
			res := post(t, c, "https://hooks.example:"+r.port()+"/hook?token=s3cret")
			wantError(t, res, webhook.ClassTLS, tt.detail)
			if got := r.requests.Load(); got != 0 {
				t.Errorf("%d requests got through", got)
			}
		})
	}
}

func TestSenderExplainsWhatIsNoTLS(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		handle  func(*receiver, *conn)
		timeout time.Duration
		class   webhook.ErrorClass
		detail  string
	}{
		"PlainHTTP": {func(r *receiver, c *conn) {
			c.send("HTTP/1.1 400 Bad Request\r\n\r\n")
			<-r.stop
		}, 20 * time.Second, webhook.ClassTLS, "does not speak TLS on this port"},
		"WantsOtherVersion": {func(r *receiver, c *conn) {
			c.send("\x15\x03\x01\x00\x02\x02\x46")
			<-r.stop
		}, 20 * time.Second, webhook.ClassTLS, "the receiver refused the TLS connection: protocol version"},
		"Closes": {func(_ *receiver, c *conn) { c.in.ReadByte() }, 20 * time.Second, webhook.ClassReset, "the connection"},
		"Resets": {func(_ *receiver, c *conn) { c.in.ReadByte(); c.reset() }, 20 * time.Second, webhook.ClassReset, "during the TLS handshake"},
		"Silent": {func(r *receiver, _ *conn) { <-r.stop }, 100 * time.Millisecond, webhook.ClassTimeout, "the TLS handshake with hooks.example did not end within 0.1 s"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReceiver(t, "127.0.0.1:0", tt.handle)
			c := newClient(t, hooks(), SenderConfig{})
			res := c.Do(t.Context(), Request{URL: "https://hooks.example:" + r.port() + "/hook?token=s3cret", Timeout: tt.timeout})
			wantError(t, res, tt.class, tt.detail)
		})
	}
}

func TestSenderReusesTLSConnections(t *testing.T) {
	t.Parallel()
	ca := hostile.NewAuthority(t, "CA")
	protocols := make(chan string, 1)
	config := &tls.Config{
		MinVersion:   tls.VersionTLS12,
		Certificates: []tls.Certificate{ca.Issue(t, hostile.Always(), "hooks.example", "127.0.0.1")},
		NextProtos:   []string{"h2", "http/1.1"},
		VerifyConnection: func(s tls.ConnectionState) error {
			protocols <- s.ServerName + " " + s.NegotiatedProtocol
			return nil
		},
	}
	r := newTLSReceiver(t, config, answering(okAnswer))
	c := newClient(t, hooks(), SenderConfig{RootCAs: ca.Pool()})
	for range 1000 {
		if res := post(t, c, "https://hooks.example:"+r.port()+"/"); res.Err != nil {
			t.Fatal(res.Err)
		}
	}
	if got := r.conns.Load(); got != 1 {
		t.Errorf("1000 requests took %d connections, want 1", got)
	}
	if got := <-protocols; got != "hooks.example http/1.1" {
		t.Errorf("handshake for %q, want hooks.example and http/1.1 though h2 is on offer", got)
	}
	// By address, and with the name's trailing dot, the certificate is checked as well.
	wantStatus(t, post(t, c, "https://127.0.0.1:"+r.port()+"/"), 200)
	<-protocols
	wantStatus(t, post(t, c, "https://hooks.example.:"+r.port()+"/"), 200)
	<-protocols
}

func TestSenderSendsAgainWhenAPooledTLSConnectionIsStale(t *testing.T) {
	t.Parallel()
	ca := hostile.NewAuthority(t, "CA")
	config := serverTLS(ca.Issue(t, hostile.Always(), "hooks.example"))
	for name, breakIt := range map[string]func(c *conn){"Closed": func(*conn) {}, "Reset": func(c *conn) { c.reset() }} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newTLSReceiver(t, config, staleAfter(1, breakIt))
			c := newClient(t, hooks(), SenderConfig{RootCAs: ca.Pool()})
			for range 3 {
				wantStatus(t, post(t, c, "https://hooks.example:"+r.port()+"/"), 200)
			}
		})
	}
}

func TestSenderNamesTheAuthorityThatExpired(t *testing.T) {
	t.Parallel()
	ca := hostile.NewAuthority(t, "Root")
	r := expiredAuthority(t, ca)
	c := newClient(t, hooks(), SenderConfig{RootCAs: ca.Pool()})
	res := post(t, c, "https://hooks.example:"+r.port()+"/")
	wantError(t, res, webhook.ClassTLS, `"Old Middle" expired on 2021-05-06`)
}
