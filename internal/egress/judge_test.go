package egress

import (
	"net/netip"
	"testing"

	"code.dny.dev/ssrf"
)

func prefixes(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, 0, len(list))
	for _, s := range list {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

func TestJudgeRefusesEverySpecialRange(t *testing.T) {
	t.Parallel()
	p := NewPolicy(Config{})
	for addr, rule := range map[string]string{
		"0.0.0.0": `an address of "this network"`, "0.255.255.255": `an address of "this network"`,
		"10.0.0.0": "a private address", "10.255.255.255": "a private address",
		"100.64.0.0": "a carrier-grade NAT address", "100.127.255.255": "a carrier-grade NAT address",
		"127.0.0.1": "a loopback address", "127.255.255.255": "a loopback address",
		"169.254.0.1":     "a link-local address",
		"169.254.169.254": "a cloud metadata address",
		"100.100.100.200": "a cloud metadata address",
		"168.63.129.16":   "a cloud metadata address",
		"172.16.0.0":      "a private address", "172.31.255.255": "a private address",
		"192.0.0.1": "an address for protocol assignments", "192.0.0.192": "an address for protocol assignments",
		"192.0.2.1": "a documentation address", "198.51.100.1": "a documentation address", "203.0.113.255": "a documentation address",
		"192.31.196.1": "an AS112 address", "192.175.48.1": "an AS112 address",
		"192.52.193.1": "an AMT relay address", "192.88.99.1": "a 6to4 relay address",
		"192.168.0.0": "a private address", "192.168.255.255": "a private address",
		"198.18.0.0": "a benchmarking address", "198.19.255.255": "a benchmarking address",
		"224.0.0.1": "a multicast address", "239.255.255.255": "a multicast address",
		"240.0.0.0": "a reserved address", "255.255.255.254": "a reserved address",
		"255.255.255.255": "the broadcast address",

		"::": "the unspecified address", "::1": "the loopback address",
		"::8.8.8.8": "an IPv4-compatible address", "::ffff:0:8.8.8.8": "an IPv4-translated address",
		"64:ff9b::8.8.8.8": "a NAT64 address", "64:ff9b:1::1": "a local NAT64 address",
		"100::1": "a discard-only address", "100:0:0:1::1": "a dummy address",
		"2001::1": "a Teredo address", "2001:2::1": "a benchmarking address", "2001:3::1": "an AMT relay address",
		"2001:4:112::1": "an AS112 address", "2001:10::1": "an ORCHID address", "2001:20::1": "an ORCHID address",
		"2001:30::1": "a drone remote ID address", "2001:1::1": "an address for protocol assignments",
		"2001:1ff:ffff::": "an address for protocol assignments", "2001:db8::1": "a documentation address",
		"2002:808:808::1": "a 6to4 address", "2620:4f:8000::1": "an AS112 address",
		"3fff:fff::1": "a documentation address", "5f00::1": "a segment routing address",
		"fc00::1": "a private (unique local) address", "fd12:3456::1": "a private (unique local) address",
		"fd00:ec2::254": "a cloud metadata address",
		"fe80::1":       "a link-local address", "fe80::1%eth0": "a link-local address",
		"fec0::1": "a private (site-local) address",
		"ff02::1": "a multicast address", "4000::1": "outside of the public IPv6 addresses",
	} {
		b := p.Judge(netip.MustParseAddr(addr))
		if b == nil {
			t.Errorf("%s passes, want it refused as %s", addr, rule)
			continue
		}
		if b.Rule != rule {
			t.Errorf("%s is refused as %q, want %q", addr, b.Rule, rule)
		}
	}
}

func TestJudgePassesTheNeighboursOfSpecialRanges(t *testing.T) {
	t.Parallel()
	p := NewPolicy(Config{})
	for _, addr := range []string{
		"1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
		"168.63.129.15", "168.63.129.17", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0",
		"192.0.1.0", "192.0.3.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0",
		"198.51.99.255", "198.51.101.0", "203.0.112.255", "203.0.114.0", "223.255.255.255", "8.8.8.8",
		"::ffff:8.8.8.8", "2000::1", "2001:200::1", "2001:db7::1", "2001:db9::1", "2003::1", "2606:4700::1111",
		"2620:4f:8001::1", "3ffe::1", "3fff:1000::1",
	} {
		if b := p.Judge(netip.MustParseAddr(addr)); b != nil {
			t.Errorf("%s: %v, want it to pass", addr, b)
		}
	}
}

// A second list, kept by other people, finds what ours forgets.
func TestJudgeRefusesAllThatPackageSSRFDoes(t *testing.T) {
	t.Parallel()
	p := NewPolicy(Config{})
	for _, prefix := range append(append([]netip.Prefix{}, ssrf.IPv4DeniedPrefixes...), ssrf.IPv6DeniedPrefixes...) {
		for _, addr := range []netip.Addr{prefix.Masked().Addr(), lastOf(prefix)} {
			if p.Judge(addr) == nil {
				t.Errorf("%s of %s passes", addr, prefix)
			}
		}
	}
	for _, addr := range []string{"1fff:ffff::", "4000::", "7777::1", "e000::1"} {
		if a := netip.MustParseAddr(addr); ssrf.IPv6GlobalUnicast.Contains(a) || p.Judge(a) == nil {
			t.Errorf("%s passes", addr)
		}
	}
}

func lastOf(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().AsSlice()
	for bit := p.Bits(); bit < len(b)*8; bit++ {
		b[bit/8] |= 0x80 >> (bit % 8)
	}
	addr, _ := netip.AddrFromSlice(b)
	return addr
}

func TestJudgeNeverPassesTheNeverTier(t *testing.T) {
	t.Parallel()
	p := NewPolicy(Config{Allow: prefixes("0.0.0.0/0", "::/0", "169.254.169.254/32", "fe80::/10", "::ffff:0:0/96")})
	for _, addr := range []string{
		"169.254.169.254", "169.254.0.1", "100.100.100.200", "168.63.129.16", "224.0.0.1", "239.1.2.3",
		"fd00:ec2::254", "fe80::1", "fe80::1%eth0", "febf::1", "ff02::1", "ff0e::1",
		"::ffff:169.254.169.254",       // mapped
		"::169.254.169.254",            // compatible
		"::ffff:0:169.254.169.254",     // translated
		"64:ff9b::169.254.169.254",     // NAT64
		"64:ff9b::100.100.100.200",     //
		"64:ff9b::168.63.129.16",       //
		"64:ff9b:1::169.254.169.254",   // local NAT64, /96
		"64:ff9b:1:a9fe:a9:fe00::",     // local NAT64, /48
		"64:ff9b:1:a9:fe:a9fe::",       // local NAT64, /56
		"64:ff9b:1:0:a9:fea9:fe00::",   // local NAT64, /64
		"2002:a9fe:a9fe::1",            // 6to4
		"2001:0:a9fe:a9fe::1",          // Teredo, server
		"2001::5601:5601",              // Teredo, client, bits flipped
		"2002:6464:64c8::1",            // 6to4
		"2002:e000:1::1",               // 6to4 of 224.0.0.1
		"::ffff:224.0.0.1",             //
		"2001:0:808:808:0:0:1fff:fffe", // Teredo, client 224.0.0.1
	} {
		b := p.Judge(netip.MustParseAddr(addr))
		if b == nil {
			t.Errorf("%s passes", addr)
			continue
		}
		if !b.Never {
			t.Errorf("%s: %v, want it never allowed", addr, b)
		}
	}
}

func TestJudgePassesWhatAllowLists(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		allow string
		pass  []string
		fail  []string
	}{
		{"127.0.0.0/8", []string{"127.0.0.1", "::ffff:127.0.0.1"}, []string{"10.0.0.1", "::1"}},
		{"::1/128", []string{"::1"}, []string{"127.0.0.1", "::"}},
		{"10.1.0.0/16", []string{"10.1.2.3"}, []string{"10.2.0.1", "10.0.255.255"}},
		{"10.1.2.3/8", []string{"10.9.9.9"}, []string{"192.168.0.1"}},
		{"::ffff:10.0.0.0/104", []string{"10.2.3.4"}, []string{"192.168.0.1"}},
		{"100.64.0.0/10", []string{"100.64.0.1"}, []string{"100.100.100.200"}},
		{"fc00::/7", []string{"fd00::1"}, []string{"fd00:ec2::254", "fe80::1"}},
		// What an address carries must be allowed too.
		{"64:ff9b::/96", []string{"64:ff9b::8.8.8.8"}, []string{"64:ff9b::10.0.0.1", "64:ff9b::127.0.0.1"}},
		{"64:ff9b:1::/48", []string{"64:ff9b:1::8.8.8.8", "64:ff9b:1:808:8:800::"}, []string{"64:ff9b:1::10.0.0.1", "64:ff9b:1:a00:0:100::"}},
		{"2002::/16", []string{"2002:808:808::1"}, []string{"2002:a00:1::1"}},
		{"10.0.0.0/8", nil, []string{"2002:a00:1::1", "64:ff9b::10.0.0.1", "::10.0.0.1"}},
	} {
		p := NewPolicy(Config{Allow: prefixes(tt.allow)})
		for _, addr := range tt.pass {
			if b := p.Judge(netip.MustParseAddr(addr)); b != nil {
				t.Errorf("allow %s: %v", tt.allow, b)
			}
		}
		for _, addr := range tt.fail {
			if p.Judge(netip.MustParseAddr(addr)) == nil {
				t.Errorf("allow %s: %s passes", tt.allow, addr)
			}
		}
	}
}

func TestJudgeRefusesTheZeroAddr(t *testing.T) {
	t.Parallel()
	if NewPolicy(Config{}).Judge(netip.Addr{}) == nil {
		t.Error("the zero Addr passes")
	}
}

func TestBlockedNamesAddressRuleAndSetting(t *testing.T) {
	t.Parallel()
	p := NewPolicy(Config{})
	for addr, want := range map[string]string{
		"10.0.0.1":          "blocked: 10.0.0.1 is a private address (egress.allow can permit it)",
		"169.254.169.254":   "blocked: 169.254.169.254 is a cloud metadata address and is never allowed, whatever egress.allow says",
		"2002:a9fe:a9fe::1": "blocked: 2002:a9fe:a9fe::1 leads to 169.254.169.254, which is a cloud metadata address and is never allowed, whatever egress.allow says",
	} {
		if got := p.Judge(netip.MustParseAddr(addr)).Error(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
