package egress

import (
	"math/big"
	"net/netip"
	"net/url"
	"strings"
	"testing"
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
