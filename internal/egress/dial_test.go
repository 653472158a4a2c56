package egress

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/webhook"
	"github.com/postrider/postrider/test/hostile"
)

// turncoat answers the first lookup with one address and all others with another.
type turncoat struct {
	first, then string
	lookups     atomic.Int64
}

func (r *turncoat) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	if r.lookups.Add(1) == 1 {
		return []netip.Addr{netip.MustParseAddr(r.first)}, nil
	}
	return []netip.Addr{netip.MustParseAddr(r.then)}, nil
}

func TestSenderJudgesTheAddressReallyDialled(t *testing.T) {
	t.Parallel()
	r := newReceiver(t, "127.0.0.1:0", answering(okAnswer))
	raw := "http://rebind.example:" + r.port() + "/hook?token=s3cret"
	config := Config{Resolver: &turncoat{first: "93.184.216.34", then: "127.0.0.1"}}
	s, err := NewSender(NewPolicy(config), SenderConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if e := s.policy.CheckURL(t.Context(), raw); e != nil {
		t.Fatalf("when saved: %s", e.Detail)
	}
	wantError(t, post(t, s, raw), webhook.ClassBlocked, "blocked: 127.0.0.1 is a loopback address (egress.allow can permit it)")
	if got := r.conns.Load(); got != 0 {
		t.Errorf("%d connections were made", got)
	}
}

// Whatever lies between the judge and the socket, the last word is control's.
func TestDialerJudgesInControl(t *testing.T) {
	t.Parallel()
	r := newReceiver(t, "127.0.0.1:0", answering(okAnswer))
	d := newDialer(NewPolicy(Config{}), nil, nil, nil)
	conn, err := d.direct.DialContext(t.Context(), "tcp", "localhost:"+r.port())
	if err == nil {
		conn.Close()
	}
	if !isBlocked(err) {
		t.Errorf("%v, want a refusal", err)
	}
}

func TestSenderBlocksEverySpellingOfAnAddress(t *testing.T) {
	t.Parallel()
	r := newReceiver(t, "127.0.0.1:0", answering(okAnswer))
	blocked, allowed := newClient(t, Config{}, SenderConfig{}), newClient(t, loopback(), SenderConfig{})
	for _, host := range []string{"127.0.0.1", "2130706433", "0x7f.1", "0177.0.0.1", "127.1", "127.0.0.1.", "[::ffff:127.0.0.1]", "１２７.1"} {
		raw := "http://" + host + ":" + r.port() + "/"
		wantError(t, post(t, blocked, raw), webhook.ClassBlocked, "127.0.0.1 is a loopback address")
		wantStatus(t, post(t, allowed, raw), 200)
	}
	for _, host := range []string{"169.254.169.254", "[fd00:ec2::254]", "[64:ff9b::a9fe:a9fe]", "[fe80::1]", "224.0.0.1"} {
		wantError(t, post(t, allowed, "http://"+host+"/"), webhook.ClassBlocked, "never allowed")
	}
}

func TestSenderGoesOnToTheNextAddress(t *testing.T) {
	t.Parallel()
	reachable, forbidden := hostile.SamePort(t, "127.0.0.2", "127.0.0.1")
	r := serve(t, reachable, answering(okAnswer))
	// Were 127.0.0.1 dialled, this one would answer.
	trap := serve(t, forbidden, answering("HTTP/1.1 500 Trapped\r\nContent-Length: 0\r\n\r\n"))
	resolver := names{"many.example": {"127.0.0.1", "127.0.0.3", "127.0.0.2"}, "down.example": {"127.0.0.3", "127.0.0.1"}, "bad.example": {"127.0.0.1", "10.0.0.1"}}
	c := newClient(t, Config{Allow: prefixes("127.0.0.2/31"), Resolver: resolver}, SenderConfig{})
	wantStatus(t, post(t, c, "http://many.example:"+r.port()+"/"), 200)
	wantError(t, post(t, c, "http://down.example:"+r.port()+"/"), webhook.ClassRefused, "connection refused by 127.0.0.3:")
	wantError(t, post(t, c, "http://bad.example:"+r.port()+"/"), webhook.ClassBlocked, "blocked: 127.0.0.1")
	if got := trap.conns.Load(); got != 0 {
		t.Errorf("%d connections were made to a forbidden address", got)
	}
}

// A local name is refused as a whole where another one would only lose an address:
// when it is dialled as when it was saved.
func TestSenderHoldsLocalNamesToAllTheirAddresses(t *testing.T) {
	t.Parallel()
	r := newReceiver(t, "127.0.0.1:0", answering(okAnswer))
	resolver := names{
		"fine.internal": {"127.0.0.1"}, "half.internal": {"127.0.0.1", "10.0.0.1"}, "public.local": {"127.0.0.1", "93.184.216.34"},
		"metadata.internal": {"127.0.0.1", "169.254.169.254"}, "half.example": {"127.0.0.1", "10.0.0.1"},
	}
	c := newClient(t, Config{Allow: prefixes("127.0.0.1/32"), Resolver: resolver}, SenderConfig{})
	for _, name := range []string{"fine.internal", "FINE.internal.", "half.example"} {
		wantStatus(t, post(t, c, "http://"+name+":"+r.port()+"/"), 200)
	}
	served := r.conns.Load()
	for name, want := range map[string]string{
		"half.internal":     "blocked: half.internal is a local name that resolves to 10.0.0.1, and 10.0.0.1 is a private address (egress.allow can permit it)",
		"HALF.internal.":    "blocked: half.internal is a local name that resolves to 10.0.0.1, and 10.0.0.1 is a private address (egress.allow can permit it)",
		"public.local":      "blocked: public.local is a local name that resolves to 93.184.216.34 (egress.allow can permit it)",
		"metadata.internal": "and is never allowed, whatever egress.allow says",
	} {
		wantError(t, post(t, c, "http://"+name+":"+r.port()+"/"), webhook.ClassBlocked, want)
	}
	if got := r.conns.Load(); got != served {
		t.Errorf("%d connections were made for refused names", got-served)
	}
}

func TestSenderTriesAFewAddressesOnly(t *testing.T) {
	t.Parallel()
	many := make([]string, 0, 100)
	for i := range 100 {
		many = append(many, netip.AddrFrom4([4]byte{127, 0, 1, byte(i)}).String())
	}
	s, err := NewSender(NewPolicy(Config{Allow: prefixes("127.0.0.0/8"), Resolver: names{"many.example": many}}), SenderConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var tried atomic.Int64
	s.dialer.direct.ControlContext = func(context.Context, string, string, syscall.RawConn) error {
		tried.Add(1)
		return syscall.ECONNREFUSED
	}
	wantError(t, post(t, s, "http://many.example/"), webhook.ClassRefused, "connection refused")
	if got := tried.Load(); got != maxAddrs {
		t.Errorf("%d addresses were tried, want %d", got, maxAddrs)
	}
}

func TestResolvePutsIPv4First(t *testing.T) {
	t.Parallel()
	p := NewPolicy(Config{Resolver: names{"a.example": {"2606:4700::2", "8.8.8.8", "2606:4700::1", "::ffff:8.8.8.8", "8.8.4.4"}}})
	got, err := p.resolve(t.Context(), host{name: "a.example"})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"8.8.8.8", "8.8.4.4", "2606:4700::2", "2606:4700::1"}
	for i, addr := range got {
		if i >= len(want) || addr.String() != want[i] {
			t.Fatalf("%v, want %v", got, want)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestSenderExplainsFailuresToConnect(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		cause  error
		class  webhook.ErrorClass
		detail string
	}{
		"Refused":      {syscall.ECONNREFUSED, webhook.ClassRefused, "connection refused by 127.0.0.1:80"},
		"NoRoute":      {syscall.EHOSTUNREACH, webhook.ClassRefused, "no route to 127.0.0.1:80"},
		"NoNetwork":    {syscall.ENETUNREACH, webhook.ClassRefused, "no route to 127.0.0.1:80"},
		"Firewall":     {syscall.EPERM, webhook.ClassRefused, "a firewall on our side"},
		"KernelGaveUp": {syscall.ETIMEDOUT, webhook.ClassTimeout, "no connection to 127.0.0.1:80"},
		"NoFiles":      {syscall.EMFILE, webhook.ClassInternal, "no connection could be opened"},
		"NoPorts":      {syscall.EADDRNOTAVAIL, webhook.ClassInternal, "no connection could be opened"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := NewSender(NewPolicy(loopback()), SenderConfig{})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			s.dialer.direct.ControlContext = func(context.Context, string, string, syscall.RawConn) error { return tt.cause }
			wantError(t, post(t, s, "http://127.0.0.1/hook?token=s3cret"), tt.class, tt.detail)
		})
	}
}

// lookupFunc is a Resolver made of a function.
type lookupFunc func(ctx context.Context) ([]netip.Addr, error)

func (f lookupFunc) LookupNetIP(ctx context.Context, _, _ string) ([]netip.Addr, error) {
	return f(ctx)
}

func TestSenderExplainsDNSFailures(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		lookup lookupFunc
		class  webhook.ErrorClass
		detail string
	}{
		"NotFound": {func(context.Context) ([]netip.Addr, error) {
			return nil, &net.DNSError{Err: "no such host", Server: "10.9.8.7:53", IsNotFound: true}
		}, webhook.ClassDNS, "the name a.example has no address"},
		"Empty": {func(context.Context) ([]netip.Addr, error) { return nil, nil }, webhook.ClassDNS, "the name a.example has no address"},
		"ServerFailed": {func(context.Context) ([]netip.Addr, error) {
			return nil, &net.DNSError{Err: "server misbehaving", Server: "10.9.8.7:53", IsTemporary: true}
		}, webhook.ClassDNS, "the name a.example could not be resolved"},
		"ServerSilent": {func(context.Context) ([]netip.Addr, error) {
			return nil, &net.DNSError{Err: "i/o timeout", Server: "10.9.8.7:53", IsTimeout: true}
		}, webhook.ClassDNS, "the name server did not answer"},
		"Other": {func(context.Context) ([]netip.Addr, error) { return nil, errors.New("10.9.8.7") }, webhook.ClassDNS, "could not be resolved"},
		"TooSlow": {func(ctx context.Context) ([]netip.Addr, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}, webhook.ClassTimeout, "the name a.example was not resolved within 0.1 s"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newClient(t, Config{Resolver: tt.lookup}, SenderConfig{})
			res := c.Do(t.Context(), Request{URL: "http://a.example/hook?token=s3cret", Timeout: timeoutFor(tt.class)})
			wantError(t, res, tt.class, tt.detail)
		})
	}
}

func timeoutFor(class webhook.ErrorClass) time.Duration {
	if class == webhook.ClassTimeout {
		return 100 * time.Millisecond
	}
	return 20 * time.Second
}

func TestSenderTimesOutWhileConnecting(t *testing.T) {
	t.Parallel()
	s, err := NewSender(NewPolicy(loopback()), SenderConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.dialer.direct.ControlContext = func(ctx context.Context, _, _ string, _ syscall.RawConn) error {
		<-ctx.Done()
		return ctx.Err()
	}
	res := s.Do(t.Context(), Request{URL: "http://127.0.0.1/", Timeout: 100 * time.Millisecond})
	wantError(t, res, webhook.ClassTimeout, "no connection to 127.0.0.1 within 0.1 s")
}

func TestNewSenderRefusesABadProxy(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{"socks5://127.0.0.1:1080", "http://", "127.0.0.1:3128", "//proxy"} {
		u, err := url.Parse(raw)
		if err != nil {
			continue
		}
		if _, err := NewSender(NewPolicy(Config{}), SenderConfig{Proxy: u}); err == nil {
			t.Errorf("%s passes", raw)
		}
	}
}
