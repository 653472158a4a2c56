package egress

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/webhook"
	"github.com/postrider/postrider/test/hostile"
)

// connectProxy tunnels, and remembers what it was asked for.
type connectProxy struct {
	*receiver
	mu    sync.Mutex
	heads []string
}

func newConnectProxy(t *testing.T, config *tls.Config) *connectProxy {
	t.Helper()
	p := &connectProxy{}
	if config == nil {
		p.receiver = newReceiver(t, "127.0.0.1:0", p.tunnel)
	} else {
		p.receiver = newTLSReceiver(t, config, p.tunnel)
	}
	return p
}

func (p *connectProxy) tunnel(_ *receiver, c *conn) {
	head, _, ok := c.request()
	if !ok {
		return
	}
	p.mu.Lock()
	p.heads = append(p.heads, head)
	p.mu.Unlock()
	target := strings.Fields(head)[1]
	upstream, err := net.Dial("tcp", target)
	if err != nil {
		c.send("HTTP/1.1 502 Bad Gateway\r\n\r\n")
		return
	}
	c.send("HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n")
	done := make(chan struct{})
	go func() {
		defer close(done)
		io.Copy(upstream, c.in)
		upstream.Close()
	}()
	io.Copy(c, upstream)
	c.Close()
	<-done
}

func (p *connectProxy) asked() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string{}, p.heads...)
}

func proxyURL(t *testing.T, scheme string, r *receiver, user *url.Userinfo) *url.URL {
	t.Helper()
	return &url.URL{Scheme: scheme, Host: r.Addr().String(), User: user}
}

func TestSenderTunnelsThroughTheProxyToTheAddressItJudged(t *testing.T) {
	t.Parallel()
	ca := hostile.NewAuthority(t, "CA")
	config := serverTLS(ca.Issue(t, hostile.Always(), "hooks.example", "127.0.0.1"))
	heads := make(chan string, 1)
	report := func(_ *receiver, c *conn) {
		for {
			head, _, ok := c.request()
			if !ok {
				return
			}
			heads <- head
			c.send(okAnswer)
		}
	}
	for name, tt := range map[string]struct {
		scheme string
		proxy  *connectProxy
		r      *receiver
	}{
		"PlainOverPlain": {"http", newConnectProxy(t, nil), newReceiver(t, "127.0.0.1:0", report)},
		"TLSOverPlain":   {"http", newConnectProxy(t, nil), newTLSReceiver(t, config, report)},
		"PlainOverTLS":   {"https", newConnectProxy(t, config), newReceiver(t, "127.0.0.1:0", report)},
		"TLSOverTLS":     {"https", newConnectProxy(t, config), newTLSReceiver(t, config, report)},
	} {
		t.Run(name, func(t *testing.T) {
			// Not in parallel: they share heads.
			cfg := SenderConfig{RootCAs: ca.Pool(), Proxy: proxyURL(t, tt.scheme, tt.proxy.receiver, url.UserPassword("me", "pw"))}
			c := newClient(t, hooks(), cfg)
			target := "://hooks.example:" + tt.r.port() + "/hook"
			if strings.HasPrefix(name, "TLS") {
				target = "https" + target
			} else {
				target = "http" + target
			}
			for range 3 {
				wantStatus(t, post(t, c, target), 200)
				if head := <-heads; !strings.Contains(head, "Host: hooks.example:"+tt.r.port()+"\r\n") || strings.Contains(head, "Proxy-") {
					t.Errorf("the receiver got %q", head)
				}
			}
			address := "127.0.0.1:" + tt.r.port()
			want := "CONNECT " + address + " HTTP/1.1\r\nHost: " + address + "\r\nProxy-Authorization: Basic bWU6cHc=\r\n\r\n"
			if got := tt.proxy.asked(); len(got) != 1 || got[0] != want {
				t.Errorf("the proxy was asked %q, want %q once", got, want)
			}
		})
	}
}

func TestSenderJudgesWhatItAsksOfTheProxy(t *testing.T) {
	t.Parallel()
	p := newConnectProxy(t, nil)
	policy := Config{Resolver: names{"private.example": {"10.0.0.1"}, "metadata.example": {"169.254.169.254"}}}
	// The proxy's own address is a loopback one, which the policy does not allow.
	c := newClient(t, policy, SenderConfig{Proxy: proxyURL(t, "http", p.receiver, nil)})
	for raw, want := range map[string]string{
		"http://private.example/":   "blocked: 10.0.0.1 is a private address",
		"https://private.example/":  "blocked: 10.0.0.1 is a private address",
		"https://metadata.example/": "never allowed",
		"http://127.0.0.1/":         "blocked: 127.0.0.1 is a loopback address",
		"http://2130706433/":        "blocked: 127.0.0.1 is a loopback address",
	} {
		wantError(t, post(t, c, raw), webhook.ClassBlocked, want)
	}
	wantError(t, post(t, c, "http://unknown.example/"), webhook.ClassDNS, "has no address")
	if got := p.conns.Load(); got != 0 {
		t.Errorf("the proxy was asked for %q", p.asked())
	}
}

func TestSenderExplainsProxyFailures(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		handle func(*receiver, *conn)
		class  webhook.ErrorClass
		detail string
	}{
		"Forbids":       {once("HTTP/1.1 403 Forbidden\r\n\r\n"), webhook.ClassBlocked, "the proxy of egress.proxy refuses this address (403)"},
		"WantsPassword": {once("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"), webhook.ClassInternal, "the proxy of egress.proxy answered 407"},
		"CannotReach":   {once("HTTP/1.1 502 Bad Gateway\r\n\r\n"), webhook.ClassRefused, "could not reach the receiver (502)"},
		"GivesUp":       {once("HTTP/1.1 504 Gateway Timeout\r\n\r\n"), webhook.ClassRefused, "could not reach the receiver (504)"},
		"Closes":        {once(""), webhook.ClassInternal, "could not be reached"},
		"Resets":        {func(_ *receiver, c *conn) { c.request(); c.reset() }, webhook.ClassInternal, "could not be reached"},
		"TalksGarbage":  {once("hello\r\n\r\n"), webhook.ClassInternal, "could not be reached"},
		"TalksTooMuch":  {onceOpen("HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"), webhook.ClassInternal, "could not be reached"},
		"NeverEnds":     {endless("HTTP/1.1 200 OK\r\n", "X-A: b\r\n"), webhook.ClassInternal, "could not be reached"},
		"Silent":        {onceOpen(""), webhook.ClassTimeout, "no connection to 127.0.0.1 within 0.1 s"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReceiver(t, "127.0.0.1:0", tt.handle)
			c := newClient(t, loopback(), SenderConfig{Proxy: proxyURL(t, "http", r, url.UserPassword("me", "pa55"))})
			res := c.Do(t.Context(), Request{URL: "http://127.0.0.1:1/hook?token=s3cret", Timeout: timeoutFor(tt.class)})
			wantError(t, res, tt.class, tt.detail)
			if strings.Contains(res.Err.Detail, "pa55") || strings.Contains(res.Err.Detail, r.port()) {
				t.Errorf("%q says where the proxy is, or its password", res.Err.Detail)
			}
		})
	}
	t.Run("IsDown", func(t *testing.T) {
		t.Parallel()
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
		c := newClient(t, loopback(), SenderConfig{Proxy: &url.URL{Scheme: "http", Host: l.Addr().String()}})
		wantError(t, post(t, c, "http://127.0.0.1:1/"), webhook.ClassInternal, "the proxy of egress.proxy could not be reached")
	})
}

func TestSenderStopsAskingTheProxyWhenTheCallerStops(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	r := newReceiver(t, "127.0.0.1:0", func(r *receiver, c *conn) {
		c.request()
		cancel()
		<-r.stop
	})
	c := newClient(t, loopback(), SenderConfig{Proxy: proxyURL(t, "http", r, nil)})
	res := c.Do(ctx, Request{URL: "http://127.0.0.1:1/", Timeout: 200 * time.Millisecond})
	wantError(t, res, webhook.ClassInternal, "stopped before it ended")
}
