package egress

import (
	"bufio"
	"bytes"
	"io"
	"math/big"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/postrider/postrider/internal/webhook"
)

// FuzzCheckURL holds that what passes leads where every reader of URLs would go,
// and nowhere it must not.
func FuzzCheckURL(f *testing.F) {
	for _, seed := range []string{
		"https://example.com/", "http://127.1/", "http://[::1%25a]:1/", "http://0x7f.1", "http://①②⑦.1/", "http://2130706433",
		"http://a@b", "http://[64:ff9b::7f00:1]", "http://[::ffff:1.2.3.4]:99999", "http://xn--a", "http://localhost.", "http://00.0x.",
		`http://a.example\@127.0.0.1/`, "http://a.example#@127.0.0.1/", "http://a.example?@b/", "http://a.example:80@b", "https://a.example/ü?ü#ü",
	} {
		f.Add(seed)
	}
	p := NewPolicy(Config{Resolver: names{}})
	f.Fuzz(func(t *testing.T, raw string) {
		if p.CheckURL(t.Context(), raw) != nil {
			return
		}
		u, err := url.Parse(raw)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.User != nil {
			t.Fatalf("%q passes", raw)
		}
		h, err := parseHost(u.Hostname())
		if err != nil {
			t.Fatalf("%q passes, but its host %v", raw, err)
		}
		if h.isLocal() || h.isAddr() && p.Judge(h.addr) != nil {
			t.Fatalf("%q passes, but leads to %s", raw, h)
		}
		// What net/http and net would make of the host must be what was judged.
		if ip, err := netip.ParseAddr(strings.TrimSuffix(u.Hostname(), ".")); err == nil && ip.Unmap() != h.addr {
			t.Fatalf("%q: judged as %s, dialled as %s", raw, h, ip)
		}
		// And browsers, which end the authority at a backslash, too.
		authority := browsersAuthority(t, raw)
		if strings.ContainsAny(authority, "@\\") || authority != u.Host && u.Host == strings.ToLower(u.Host) && !strings.Contains(raw, "%") {
			t.Fatalf("%q: others may read the host as %q, we as %q", raw, authority, u.Host)
		}
	})
}

func browsersAuthority(t *testing.T, raw string) string {
	t.Helper()
	_, rest, ok := strings.Cut(raw, "://")
	if !ok {
		t.Fatalf("%q passes without ://", raw)
	}
	if end := strings.IndexAny(rest, `/?#\`); end >= 0 {
		rest = rest[:end]
	}
	return rest
}

// FuzzHost holds parseHost's idea of numbers against inet_aton's, with numbers of
// any size, and that each result reads back as itself.
func FuzzHost(f *testing.F) {
	for _, seed := range []string{
		"127.1", "0x7f.1", "0177.0.0.1", "2130706433", "4294967296", "0x", "00", "08", "1.2.3.4.5", "a.0x1", "1.", "١٢٧.0.0.1", "127。0。0。1",
		"::1", "::ffff:1.2.3.4", "fe80::1%eth0", "LOCALHOST.", "a_b.example", "xn--bcher-kva.example", "bücher.example", "ß.example", "a\u00adb.example", "⓵.1",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		h, err := parseHost(raw)
		if addr, number := slowAton(strings.TrimSuffix(raw, ".")); number {
			if err == nil && h.addr != addr || err != nil && addr.IsValid() {
				t.Fatalf("%q is %s (%v), want %s", raw, h, err, addr)
			}
		}
		if err != nil {
			return
		}
		if again, err := parseHost(h.String()); err != nil || again != h {
			t.Fatalf("%q: %s reads back as %s (%v)", raw, h, again, err)
		}
		if h.isAddr() {
			if h.addr.Is4In6() || h.addr.Zone() != "" || h.name != "" {
				t.Fatalf("%q is %+v", raw, h)
			}
			return
		}
		if len(h.name) > 253 || strings.Trim(h.name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "" || strings.HasPrefix(h.name, ".") || strings.HasSuffix(h.name, ".") || strings.Contains(h.name, "..") {
			t.Fatalf("%q is %q", raw, h.name)
		}
		if _, err := netip.ParseAddr(h.name); err == nil {
			t.Fatalf("%q is a name and an address", h.name)
		}
	})
}

// slowAton reads what is made of numbers only; the address is not valid where one
// does not fit.
func slowAton(host string) (addr netip.Addr, number bool) {
	parts := strings.Split(host, ".")
	value, fits := new(big.Int), len(parts) <= 4
	for i, part := range parts {
		text, base := part, 10
		switch {
		case strings.HasPrefix(strings.ToLower(part), "0x"):
			text, base = "0"+part[2:], 16
		case len(part) > 1 && part[0] == '0':
			text, base = part[1:], 8
		}
		n, ok := new(big.Int).SetString(text, base)
		if !ok || strings.Trim(text, "0123456789abcdefABCDEF") != "" {
			return addr, false
		}
		room := uint(8)
		if i == len(parts)-1 && i < 4 {
			room = uint(32 - 8*i)
		}
		fits = fits && uint(n.BitLen()) <= room
		if fits {
			value.Add(value.Lsh(value, room), n)
		}
	}
	if !fits {
		return addr, true
	}
	var b [4]byte
	value.FillBytes(b[:])
	return netip.AddrFrom4(b), true
}

// FuzzJudge holds the lists of addresses against package netip's own, and that an
// address is judged alike however it is wrapped.
func FuzzJudge(f *testing.F) {
	for _, seed := range []string{
		"8.8.8.8", "127.0.0.1", "169.254.169.254", "100.64.0.1", "168.63.129.16", "224.0.0.1", "255.255.255.255", "0.0.0.0",
		"2606:4700::1111", "::1", "fe80::1", "fd00:ec2::254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "2001::1", "ff02::1", "fec0::1", "4000::1",
	} {
		b := netip.MustParseAddr(seed).As16()
		f.Add(b[:])
	}
	strict := NewPolicy(Config{Resolver: names{}})
	open := NewPolicy(Config{Resolver: names{}, Allow: prefixes("0.0.0.0/0", "::/0")})
	f.Fuzz(func(t *testing.T, raw []byte) {
		var b [16]byte
		copy(b[:], raw)
		addr := netip.AddrFrom16(b)
		inner := addr.Unmap()
		if strict.Judge(addr) == nil && (!inner.IsGlobalUnicast() || inner.IsPrivate() || inner.IsLoopback() || inner.IsLinkLocalUnicast()) {
			t.Fatalf("%s passes", addr)
		}
		if open.Judge(addr) == nil && (inner.IsMulticast() || inner.IsLinkLocalUnicast() || inner.IsInterfaceLocalMulticast()) {
			t.Fatalf("%s passes where everything is allowed", addr)
		}
		for _, p := range []*Policy{strict, open} {
			v4 := netip.AddrFrom4([4]byte(b[12:16]))
			verdict := p.Judge(v4) == nil
			for _, wrapped := range wrappings(v4) {
				if got := p.Judge(wrapped) == nil; got && !verdict {
					t.Fatalf("%s is refused, and %s passes", v4, wrapped)
				}
				if got := p.Judge(wrapped.WithZone("eth0")) == nil; got && !verdict {
					t.Fatalf("%s is refused, and %s with a zone passes", v4, wrapped)
				}
			}
			if mapped := p.Judge(netip.AddrFrom16(v4.As16())) == nil; mapped != verdict {
				t.Fatalf("%s passes: %t, mapped: %t", v4, verdict, mapped)
			}
		}
	})
}

// wrappings are IPv6 addresses that may end up at an IPv4 one.
func wrappings(v4 netip.Addr) []netip.Addr {
	b := v4.As4()
	out := []netip.Addr{netip.AddrFrom16(v4.As16())}
	for prefix, at := range map[string]int{
		"::": 12, "::ffff:0:0:0": 12, "64:ff9b::": 12, "64:ff9b:1::": 12, "2002::": 2, "2001::": 4,
	} {
		w := netip.MustParseAddr(prefix).As16()
		copy(w[at:], b[:])
		out = append(out, netip.AddrFrom16(w))
	}
	return out
}

// FuzzRequestHead holds what is written against net/http's reader: it is one POST
// with the headers that were asked for, to the host that was judged, and not a
// byte more.
func FuzzRequestHead(f *testing.F) {
	for _, seed := range [][3]string{
		{"https://example.com/hook?a=b", "X-A", "b"}, {"http://example.com:8080", "Transfer-Encoding", "chunked"}, {"http://bücher.example/ü?ü", "X-A", "é"},
		{"http://[2606:4700::1111]:1/", "X-A", "b\r\nX-B: c"}, {"http://a.example//b/../c", "X-A:", "b"}, {"http://a.example/?a=\"<>`{}|^", "Content-Length", "0"},
		{"http://a.example/%0d%0aX-A:%20b", "connection", "close"}, {"http://a.example/#f", "x-a", " trimmed\t"}, {"http://134744072/", "Host", "evil"},
	} {
		f.Add(seed[0], seed[1], seed[2], []byte(`{"id":"evt_1"}`))
	}
	p := NewPolicy(Config{Resolver: names{}})
	f.Fuzz(func(t *testing.T, raw, name, value string, body []byte) {
		u, h, err := p.parseURL(raw)
		if err != nil {
			return
		}
		req := Request{URL: raw, Body: body, Header: []webhook.Header{{Name: "X-First", Value: "1"}, {Name: name, Value: value}, {Name: "X-Last", Value: "2"}}}
		x := exchange{}
		if x.compose(&req, newTarget(u, h)) != nil {
			return
		}
		wire := bytes.NewReader(append(bytes.Clone(x.request), x.rest...))
		in := bufio.NewReader(wire)
		got, err := http.ReadRequest(in)
		if err != nil {
			t.Fatalf("%q %q %q: nobody can read %q: %v", raw, name, value, x.request, err)
		}
		read, err := io.ReadAll(got.Body)
		if err != nil || !bytes.Equal(read, body) || in.Buffered()+wire.Len() > 0 {
			t.Fatalf("%q %q %q: the body %q became %q (%v), %d bytes follow", raw, name, value, body, read, err, in.Buffered()+wire.Len())
		}
		checkTarget(t, raw, u, got.URL)
		checkHead(t, raw, h, got, name, value)
	})
}

// checkTarget holds that path and query say the same, escaped slashes included.
func checkTarget(t *testing.T, raw string, want, got *url.URL) {
	t.Helper()
	path := want.Path
	if path == "" {
		path = "/"
	}
	slashes := func(u *url.URL) int { return strings.Count(strings.ToLower(u.RawPath), "%2f") }
	if got.Path != path || slashes(got) != slashes(want) || unescaped(got.RawQuery) != unescaped(want.RawQuery) {
		t.Fatalf("%q: sent to %q, query %q", raw, got.EscapedPath(), got.RawQuery)
	}
}

// unescaped leaves alone what is no escape.
func unescaped(query string) string {
	var b strings.Builder
	for i := 0; i < len(query); i++ {
		if i+2 < len(query) && query[i] == '%' {
			if text, err := url.PathUnescape(query[i : i+3]); err == nil {
				b.WriteString(text)
				i += 2
				continue
			}
		}
		b.WriteByte(query[i])
	}
	return b.String()
}

func checkHead(t *testing.T, raw string, h host, got *http.Request, name, value string) {
	t.Helper()
	line := got.Method + " " + got.RequestURI + " " + got.Proto
	if got.Method != "POST" || got.Proto != "HTTP/1.1" || strings.ContainsFunc(got.RequestURI, func(r rune) bool { return r <= ' ' || r > '~' }) {
		t.Fatalf("%q: the first line is %q", raw, line)
	}
	to, err := url.Parse("http://" + got.Host)
	if err != nil {
		t.Fatalf("%q: the host is %q: %v", raw, got.Host, err)
	}
	if at, err := parseHost(to.Hostname()); err != nil || at != h {
		t.Fatalf("%q: judged as %s, sent to %s (%v)", raw, h, at, err)
	}
	want := http.Header{"X-First": {"1"}}
	if !isFraming(name) {
		want.Add(name, strings.Trim(value, " \t"))
	}
	want.Add("X-Last", "2")
	if len(got.TransferEncoding) > 0 || got.Close || len(got.Trailer) > 0 {
		t.Fatalf("%q: %q: %q made it another message", raw, name, value)
	}
	got.Header.Del("Content-Length")
	if strings.EqualFold(name, "Pragma") {
		got.Header.Del("Cache-Control") // net/http adds it
	}
	if len(got.Header) != len(want) {
		t.Fatalf("%q %q: the headers are %q, want %q", name, value, got.Header, want)
	}
	for key, values := range want {
		if strings.Join(got.Header[key], "\n") != strings.Join(values, "\n") {
			t.Fatalf("%q %q: the headers are %q, want %q", name, value, got.Header, want)
		}
	}
}
