package egress

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"testing"
)

// names is a Resolver of fixed answers; any other name does not exist.
type names map[string][]string

func (n names) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	list, ok := n[host]
	if !ok {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	out := make([]netip.Addr, 0, len(list))
	for _, s := range list {
		out = append(out, netip.MustParseAddr(s))
	}
	return out, nil
}

func TestCheckURLAcceptsWhatReceiversUse(t *testing.T) {
	t.Parallel()
	p := NewPolicy(Config{Resolver: names{"example.com": {"93.184.216.34", "2606:4700::1"}}})
	for _, raw := range []string{
		"https://example.com", "http://example.com/", "HTTPS://EXAMPLE.com/Hook?x=1&y=2#part", "https://example.com:8443/a/b",
		"https://example.com:/", "https://example.com./hook", "https://example.com:65535", "https://example.com:1/",
		"https://not-there.example.org/hook", // does not resolve at the moment
		"https://xn--bcher-kva.example/", "https://bücher.example/", "https://under_score.example.org",
		"https://8.8.8.8/", "https://[2606:4700::1111]/", "https://[2606:4700::1111]:8443/x", "https://[::ffff:8.8.8.8]/",
		"https://134744072/", "https://0x08080808/", "https://010.010.010.010/", // 8.8.8.8
		"https://example.com/%20?q=%00", "https://1.example.com", "https://0x7f.example.com", "https://internal.example.com",
		"https://localhost.example.com", "https://xlocalhost", "https://a" + strings.Repeat("/", 2000),
	} {
		if e := p.CheckURL(t.Context(), raw); e != nil {
			t.Errorf("%s: %s", raw, e.Detail)
		}
	}
}

func TestCheckURLRefusesWhatIsNoURL(t *testing.T) {
	t.Parallel()
	p := NewPolicy(Config{Resolver: names{}})
	long := strings.Repeat("a", 63)
	for raw, want := range map[string]string{
		"":                                                 "is missing",
		"example.com/hook":                                 "https:// or http://",
		"//example.com/hook":                               "https:// or http://",
		"ftp://example.com":                                "https:// or http://",
		"file:///etc/passwd":                               "https:// or http://",
		"gopher://example.com":                             "https:// or http://",
		"javascript:alert(1)":                              "https:// or http://",
		"https:example.com":                                "https:// or http://",
		"https://":                                         "the host of the URL is missing",
		"https:///hook":                                    "the host of the URL is missing",
		"https://:443/":                                    "the host of the URL is missing",
		"https://user@example.com":                         "no user name or password",
		"https://user:pw@example.com":                      "no user name or password",
		"https://:@example.com":                            "no user name or password",
		"https://good.example@127.0.0.1/":                  "no user name or password",
		"https://example.com:0/":                           "1 to 65535",
		"https://example.com:65536/":                       "1 to 65535",
		"https://example.com:http/":                        "not valid",
		"https://example.com:-1/":                          "not valid",
		" https://example.com":                             "no spaces",
		"https://example.com/ ":                            "no spaces",
		"https://example.com/a b":                          "no spaces",
		"https://exam ple.com/":                            "no spaces",
		"https://example.com/\x00":                         "control characters",
		"https://example.com/\r\nX: y":                     "no spaces or control",
		"https://example.com/\u2028":                       "no spaces or control",
		"https://example.com\\@evil/":                      "not valid",
		"https://a..b/":                                    "empty label",
		"https://.a.b/":                                    "empty label",
		"https://a.b../":                                   "empty label",
		"https://./":                                       "empty label",
		"https://exa$mple.com/":                            "no name holds",
		"https://exam%70le.com/":                           "not valid",
		"https://" + long + "a.com":                        "longer than 63",
		"https://" + strings.Repeat(long+".", 4) + "com":   "longer than 253",
		"https://\u2028":                                   "no spaces",
		"https://xn--\u00fc.example/":                      "international",
		"https://[::1":                                     "not valid",
		"https://[fe80::1%25eth0]/":                        "with a zone",
		"https://[::g]/":                                   "valid",
		"https://256.256.256.256/":                         "neither a name nor",
		"https://1.2.3.4.5/":                               "neither a name nor",
		"https://08.8.8.8/":                                "neither a name nor",
		"https://4294967296/":                              "neither a name nor",
		"https://example.0x1/":                             "neither a name nor",
		"https://example.com/" + strings.Repeat("a", 2048): "longer than 2048",
	} {
		e := p.CheckURL(t.Context(), raw)
		if e == nil {
			t.Errorf("%q passes", raw)
			continue
		}
		if e.Pointer != "/url" || !strings.Contains(e.Detail, want) {
			t.Errorf("%q: %s %q, want /url %q", raw, e.Pointer, e.Detail, want)
		}
	}
}

func TestCheckURLJudgesEverySpellingOfAnAddress(t *testing.T) {
	t.Parallel()
	p := NewPolicy(Config{Resolver: names{}})
	for addr, hosts := range map[string][]string{
		"127.0.0.1": {
			"127.0.0.1", "127.0.0.1.", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7F.1", "0X7f.0x0.0x0.0x1",
			"0177.0.0.1", "017700000001", "0177.1", "127.0x1", "00000177.0.0.1", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
			"１２７.０.０.１", "127。0。0。1", "①②⑦.⓪.⓪.①", "%EF%BC%91%EF%BC%92%EF%BC%97.0.0.1",
		},
		"169.254.169.254": {
			"169.254.169.254", "2852039166", "0xa9fea9fe", "0xa9.254.0251.0xfe", "169.16689662", "169.254.43518",
			"[::ffff:169.254.169.254]", "[64:ff9b::169.254.169.254]", "[64:ff9b:1::169.254.169.254]", "[2002:a9fe:a9fe::]", "[::169.254.169.254]",
			"[2001:0:a9fe:a9fe::1]", "[2001::5601:5601]", "[2606:4700::5efe:169.254.169.254]",
		},
		"0.0.0.0":       {"0", "0.0.0.0", "0x0", "0x", "00", "0.0"},
		"::1":           {"[::1]", "[0:0:0:0:0:0:0:1]", "[::0001]"},
		"::":            {"[::]"},
		"fd00:ec2::254": {"[fd00:ec2::254]", "[FD00:0EC2::0254]"},
		"10.0.0.1":      {"10.1", "167772161", "012.0.0.1"},
	} {
		for _, host := range hosts {
			e := p.CheckURL(t.Context(), "http://"+host+"/")
			if e == nil {
				t.Errorf("%s passes, want it refused as %s", host, addr)
				continue
			}
			if !strings.Contains(e.Detail, addr) || !strings.Contains(e.Detail, "egress.allow") {
				t.Errorf("%s: %q, want it to name %s and egress.allow", host, e.Detail, addr)
			}
		}
	}
}

func TestCheckURLResolvesNames(t *testing.T) {
	t.Parallel()
	resolver := names{
		"private.example": {"10.0.0.1"}, "mixed.example": {"93.184.216.34", "192.168.1.1"}, "v6.example": {"93.184.216.34", "fd00::1"},
		"mapped.example": {"::ffff:127.0.0.1"}, "metadata.example": {"169.254.169.254"}, "public.example": {"93.184.216.34"},
		"localhost": {"127.0.0.1", "::1"}, "half.localhost": {"127.0.0.1", "10.0.0.1"}, "public.internal": {"93.184.216.34"},
		"printer.local": {"192.168.1.9"}, "metadata.google.internal": {"169.254.169.254"}, "empty.internal": {},
	}
	for _, tt := range []struct {
		allow string
		host  string
		want  string // part of the refusal; empty when accepted
	}{
		{"", "public.example", ""},
		{"", "private.example", "private.example resolves to 10.0.0.1, and 10.0.0.1 is a private address (egress.allow can permit it)"},
		{"", "PRIVATE.example.", "private.example resolves to 10.0.0.1"},
		{"", "mixed.example", "192.168.1.1"},
		{"", "v6.example", "fd00::1"},
		{"", "mapped.example", "127.0.0.1 is a loopback address"},
		{"", "metadata.example", "never allowed"},
		{"10.0.0.0/8", "private.example", ""},
		{"10.0.0.0/8", "mixed.example", "192.168.1.1"},
		{"0.0.0.0/0", "metadata.example", "never allowed"},

		{"", "localhost", "egress.allow"},
		{"", "LOCALHOST.", "egress.allow"},
		{"", "ｌｏｃａｌｈｏｓｔ", "egress.allow"},
		{"127.0.0.0/8", "localhost", "::1"},
		{"127.0.0.0/8,::1/128", "localhost", ""},
		{"127.0.0.0/8,::1/128", "Localhost.", ""},
		{"127.0.0.0/8", "half.localhost", "10.0.0.1"},
		{"127.0.0.0/8", "unknown.localhost", "not known"},
		{"", "unknown.local", "egress.allow"},
		{"", "unknown.internal", "egress.allow"},
		{"", "empty.internal", "not known"},
		{"", "public.internal", "public.internal is a local name that resolves to 93.184.216.34 (egress.allow can permit it)"},
		{"93.184.216.0/24", "public.internal", ""},
		{"", "printer.local", "192.168.1.9"},
		{"192.168.0.0/16", "printer.local", ""},
		{"0.0.0.0/0", "metadata.google.internal", "never allowed"},
		{"", "unknown.example", ""},
	} {
		var allow []string
		if tt.allow != "" {
			allow = strings.Split(tt.allow, ",")
		}
		p := NewPolicy(Config{Allow: prefixes(allow...), Resolver: resolver})
		e := p.CheckURL(t.Context(), "https://"+tt.host+"/hook")
		switch {
		case tt.want == "" && e != nil:
			t.Errorf("allow %q: %s: %s, want it to pass", tt.allow, tt.host, e.Detail)
		case tt.want != "" && e == nil:
			t.Errorf("allow %q: %s passes, want %q", tt.allow, tt.host, tt.want)
		case tt.want != "" && !strings.Contains(e.Detail, tt.want):
			t.Errorf("allow %q: %s: %q, want %q", tt.allow, tt.host, e.Detail, tt.want)
		}
	}
}

func TestCheckURLHoldsToHTTPSOnly(t *testing.T) {
	t.Parallel()
	p := NewPolicy(Config{HTTPSOnly: true, Resolver: names{}})
	if e := p.CheckURL(t.Context(), "https://example.com/"); e != nil {
		t.Errorf("https: %s", e.Detail)
	}
	e := p.CheckURL(t.Context(), "http://example.com/")
	if e == nil || !strings.Contains(e.Detail, "egress.https_only") {
		t.Errorf("http: %v, want a refusal that names egress.https_only", e)
	}
}
