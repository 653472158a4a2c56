package egress

import (
	"bytes"
	"context"
	"net"
	"net/netip"
	"net/url"
	"syscall"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/webhook"
	"github.com/postrider/postrider/test/hostile"
)

// gone is the one sentence to which package deliver adds.
const gone = "answers `410 Gone`"

// TestDocumentedBehaviours holds docs/delivery-errors.md to what is made of each
// receiver. test/e2e does the same the whole way through a worker.
func TestDocumentedBehaviours(t *testing.T) {
	t.Parallel()
	page, known := hostile.Page(t), hostile.NewAuthority(t, "Known CA")
	names := hostile.NewNameServer(t)
	hostile.Names(names)
	for _, b := range hostile.Behaviours() {
		t.Run(b.Name, func(t *testing.T) {
			t.Parallel()
			row, there := page[b.Does]
			if !there {
				t.Fatalf("docs/delivery-errors.md has no row %q", b.Does)
			}
			policy := loopback()
			policy.Resolver = hostile.Resolver(names.Addr())
			to, server := b.Start(t, known)
			timeout := 30 * time.Second
			if b.Hangs {
				timeout = 1200 * time.Millisecond
			}
			c := newClient(t, policy, SenderConfig{RootCAs: known.Pool()})
			res := c.Do(t.Context(), Request{URL: to, Body: []byte(`{"id":"evt_1"}`), Timeout: timeout})
			class, detail := res.Failure()
			if b.Does == gone {
				detail += "; the endpoint is disabled"
			}
			row.Check(t, class, detail)
			if res.StatusCode != b.Status || b.Body != nil && !bytes.Equal(res.Body, b.Body) {
				t.Errorf("%d with %d bytes of body (%.40q), want %d with %d", res.StatusCode, len(res.Body), res.Body, b.Status, len(b.Body))
			}
			if server != nil && server.Conns() > 1 {
				t.Errorf("%d connections were made, want one", server.Conns())
			}
			// What the sockets' buffers hold was sent, and no more.
			if server != nil && server.Sent() > 32<<20 {
				t.Errorf("the receiver could send %d bytes", server.Sent())
			}
		})
	}
}

// inside are the rows that no receiver on this machine brings about.
var inside = map[string]func(t *testing.T) webhook.Response{
	"lets packets to it get lost": dialling(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }),

	"lets packets to it get lost until the kernel gives up": dialling(failing(syscall.ETIMEDOUT)),
	"is in a network that no route leads to":                dialling(failing(syscall.ENETUNREACH)),
	"is behind a firewall of ours":                          dialling(failing(syscall.EPERM)),

	"can't be asked, for this process has no sockets left": dialling(failing(syscall.EMFILE)),

	"has a name server that is silent": resolving(func(context.Context) ([]netip.Addr, error) {
		return nil, &net.DNSError{Err: "i/o timeout", Server: "10.9.8.7:53", IsTimeout: true}
	}),
	"meets a mistake in Postrider": resolving(func(context.Context) ([]netip.Addr, error) { panic("a mistake") }),

	"is out of the proxy's reach":                         proxied("HTTP/1.1 502 Bad Gateway\r\n\r\n"),
	"is forbidden by the proxy":                           proxied("HTTP/1.1 403 Forbidden\r\n\r\n"),
	"can't be asked, for the proxy wants a password":      proxied("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"),
	"can't be asked, for the proxy is down":               proxied(""),
	"has a certificate that is not valid yet":             certified(notYet),
	"has a certificate under an authority's that expired": certified(expiredAuthority),

	"is at an address that may be allowed":                          to("http://10.0.0.1/", Config{}),
	"is at an address that is never allowed":                        to("http://169.254.169.254/", Config{}),
	"is at an address that leads to one that may be allowed":        to("http://[2002:a00:1::]/", Config{Allow: prefixes("2002::/16")}),
	"is at an address that leads to one that is never allowed":      to("http://[64:ff9b::a9fe:a9fe]/", Config{}),
	"has a local name and an address that is not listed":            to("http://a.internal/", Config{Resolver: names{"a.internal": {"93.184.216.34"}}}),
	"has a local name and an address that may be allowed":           to("http://localhost/", Config{Resolver: names{"localhost": {"127.0.0.1"}}}),
	"has a local name and an address that is never allowed":         to("http://a.local/", Config{Resolver: names{"a.local": {"169.254.1.1"}}}),
	"has a plain http URL where egress.https_only is set meanwhile": to("http://example.com/", Config{HTTPSOnly: true}),

	"can't be asked, for a header can't be sent": func(t *testing.T) webhook.Response {
		c := newClient(t, loopback(), SenderConfig{})
		r := newReceiver(t, "127.0.0.1:0", answering(okAnswer))
		return c.Do(t.Context(), Request{URL: r.url(), Header: []webhook.Header{{Name: "X A", Value: "b"}}})
	},
	"is not waited for, as this process ends": func(t *testing.T) webhook.Response {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		return newClient(t, loopback(), SenderConfig{}).Do(ctx, Request{URL: "http://127.0.0.1:1/"})
	},
}

func TestDocumentedFailuresOnOurSide(t *testing.T) {
	t.Parallel()
	page := hostile.Page(t)
	for does, bringAbout := range inside {
		t.Run(does, func(t *testing.T) {
			t.Parallel()
			row, there := page[does]
			if !there {
				t.Fatalf("docs/delivery-errors.md has no row %q", does)
			}
			res := bringAbout(t)
			row.Check(t, res.Err.Class, res.Err.Detail)
		})
	}
}

func TestEveryDocumentedRowIsTried(t *testing.T) {
	t.Parallel()
	tried := map[string]bool{}
	for _, b := range hostile.Behaviours() {
		tried[b.Does] = true
	}
	for does := range inside {
		tried[does] = true
	}
	for does := range hostile.Page(t) {
		if !tried[does] {
			t.Errorf("no test is about the receiver that %s", does)
		}
	}
}

func failing(err error) func(context.Context) error {
	return func(context.Context) error { return err }
}

func dialling(fail func(context.Context) error) func(*testing.T) webhook.Response {
	return func(t *testing.T) webhook.Response {
		s, err := NewSender(NewPolicy(loopback()), SenderConfig{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Close)
		s.dialer.direct.ControlContext = func(ctx context.Context, _, _ string, _ syscall.RawConn) error { return fail(ctx) }
		return s.Do(t.Context(), Request{URL: "http://127.0.0.1/", Timeout: 200 * time.Millisecond})
	}
}

func resolving(lookup lookupFunc) func(*testing.T) webhook.Response {
	return to("http://a.example/", Config{Resolver: lookup})
}

func to(raw string, policy Config) func(*testing.T) webhook.Response {
	return func(t *testing.T) webhook.Response { return post(t, newClient(t, policy, SenderConfig{}), raw) }
}

// proxied asks a proxy that answers so, or that is not there.
func proxied(answer string) func(*testing.T) webhook.Response {
	return func(t *testing.T) webhook.Response {
		r := newReceiver(t, "127.0.0.1:0", once(answer))
		if answer == "" {
			r.Close()
		}
		c := newClient(t, loopback(), SenderConfig{Proxy: &url.URL{Scheme: "http", Host: r.Addr().String()}})
		return post(t, c, "http://127.0.0.1:1/")
	}
}

func certified(start func(*testing.T, *hostile.Authority) *receiver) func(*testing.T) webhook.Response {
	return func(t *testing.T) webhook.Response {
		known := hostile.NewAuthority(t, "Known CA")
		r := start(t, known)
		return post(t, newClient(t, hooks(), SenderConfig{RootCAs: known.Pool()}), "https://hooks.example:"+r.port()+"/")
	}
}

func notYet(t *testing.T, a *hostile.Authority) *receiver {
	return newTLSReceiver(t, serverTLS(a.Issue(t, hostile.Validity{From: "2110-03-04", Until: "2120-01-01"}, "hooks.example")), answering(okAnswer))
}

func expiredAuthority(t *testing.T, a *hostile.Authority) *receiver {
	middle := a.Under(t, "Old Middle", hostile.Validity{From: "2019-01-01", Until: "2021-05-06"})
	leaf := middle.Issue(t, hostile.Always(), "hooks.example")
	leaf.Certificate = append(leaf.Certificate, middle.DER())
	return newTLSReceiver(t, serverTLS(leaf), answering(okAnswer))
}
