package egress

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/webhook"
	"github.com/postrider/postrider/test/hostile"
)

func TestSenderProbes(t *testing.T) {
	t.Parallel()
	ca := hostile.NewAuthority(t, "Known CA")
	silent := func(*receiver, *conn) {}
	probe := func(t *testing.T, policy Config, url string) webhook.Probe {
		t.Helper()
		s, err := NewSender(NewPolicy(policy), SenderConfig{RootCAs: ca.Pool()})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Close)
		return s.Probe(t.Context(), url, 5*time.Second)
	}

	t.Run("FindsTheWholeWay", func(t *testing.T) {
		t.Parallel()
		r := newTLSReceiver(t, serverTLS(ca.Issue(t, hostile.Validity{From: "2020-01-01", Until: "2031-02-03"}, "hooks.example")), func(_ *receiver, c *conn) { c.request() })
		p := probe(t, hooks(), "https://hooks.example:"+r.port()+"/hook")
		if p.URL != nil || p.DNS != nil || p.Connect != nil || p.TLSFailure != nil || p.ConnectAfter <= 0 {
			t.Fatalf("got %+v", p)
		}
		if len(p.Addresses) != 1 || p.Addresses[0] != (webhook.ProbedAddress{Address: "127.0.0.1"}) || p.Connected != r.Addr().String() {
			t.Errorf("got %+v", p)
		}
		if p.TLS.Issuer != "Known CA" || day(p.TLS.Expires) != "2031-02-03" || p.TLS.Version != "TLS 1.3" || p.TLS.Names[0] != "hooks.example" {
			t.Errorf("got %+v", p.TLS)
		}
	})
	t.Run("LooksForNoCertificateBehindPlainHTTP", func(t *testing.T) {
		t.Parallel()
		r := newReceiver(t, "127.0.0.1:0", silent)
		if p := probe(t, loopback(), r.url()); p.Connected == "" || p.TLS != nil || p.TLSFailure != nil {
			t.Errorf("got %+v", p)
		}
	})
	t.Run("FindsABadCertificate", func(t *testing.T) {
		t.Parallel()
		r := newTLSReceiver(t, serverTLS(ca.Issue(t, hostile.Always(), "other.example")), func(_ *receiver, c *conn) { c.request() })
		p := probe(t, hooks(), "https://hooks.example:"+r.port())
		if p.TLS != nil || p.TLSFailure == nil || p.TLSFailure.Class != webhook.ClassTLS || !strings.Contains(p.TLSFailure.Detail, "not for hooks.example") {
			t.Errorf("got %+v", p)
		}
	})
	t.Run("FindsAClosedPort", func(t *testing.T) {
		t.Parallel()
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
		if p := probe(t, loopback(), "http://"+l.Addr().String()); p.Connect == nil || p.Connect.Class != webhook.ClassRefused {
			t.Errorf("got %+v", p)
		}
	})
	t.Run("NamesTheRuleThatBlocksAndDialsNothing", func(t *testing.T) {
		t.Parallel()
		c := Config{Resolver: names{"hooks.example": {"10.0.0.1", "169.254.169.254"}}}
		p := probe(t, c, "https://hooks.example/")
		if len(p.Addresses) != 2 || !strings.Contains(p.Addresses[0].Blocked, "egress.allow can permit it") ||
			!strings.Contains(p.Addresses[1].Blocked, "never allowed") || p.Connect == nil || p.Connect.Class != webhook.ClassBlocked {
			t.Errorf("got %+v", p)
		}
	})
	t.Run("FindsANameThatIsNobodys", func(t *testing.T) {
		t.Parallel()
		p := probe(t, Config{Resolver: names{}}, "https://nobody.example/")
		if p.DNS == nil || p.DNS.Class != webhook.ClassDNS {
			t.Errorf("got %+v", p)
		}
	})
	t.Run("FindsABadURL", func(t *testing.T) {
		t.Parallel()
		if p := probe(t, Config{}, "https://user:pass@example.com/"); p.URL == nil {
			t.Errorf("got %+v", p)
		}
	})
}
