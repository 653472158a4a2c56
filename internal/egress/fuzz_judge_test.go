package egress

import (
	"net/netip"
	"testing"
)

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
		"::": 12, "::ffff:0:0:0": 12, "64:ff9b::": 12, "64:ff9b:1::": 12, "2002::": 2, "2001::": 4, "2606:4700::5efe:0:0": 12, "2606:4700::200:5efe:0:0": 12,
	} {
		w := netip.MustParseAddr(prefix).As16()
		copy(w[at:], b[:])
		out = append(out, netip.AddrFrom16(w))
	}
	return out
}
