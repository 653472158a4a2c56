package egress

import (
	"net/netip"
	"slices"
	"testing"
)

// registered is a line of IANA's IPv4 or IPv6 Special-Purpose Address Registry.
type registered struct{ prefix, name, rfc string }

// registries are both, as of 2025-10-09. Some blocks are marked as globally
// reachable there: no receiver lives in them all the same.
var registries = []registered{
	{"0.0.0.0/8", `"This network"`, "RFC 791, section 3.2"},
	{"0.0.0.0/32", `"This host on this network"`, "RFC 1122, section 3.2.1.3"},
	{"10.0.0.0/8", "Private-Use", "RFC 1918"},
	{"100.64.0.0/10", "Shared Address Space", "RFC 6598"},
	{"127.0.0.0/8", "Loopback", "RFC 1122, section 3.2.1.3"},
	{"169.254.0.0/16", "Link Local", "RFC 3927"},
	{"172.16.0.0/12", "Private-Use", "RFC 1918"},
	{"192.0.0.0/24", "IETF Protocol Assignments", "RFC 6890, section 2.1"},
	{"192.0.0.0/29", "IPv4 Service Continuity Prefix", "RFC 7335"},
	{"192.0.0.8/32", "IPv4 dummy address", "RFC 7600"},
	{"192.0.0.9/32", "Port Control Protocol Anycast", "RFC 7723"},
	{"192.0.0.10/32", "Traversal Using Relays around NAT Anycast", "RFC 8155"},
	{"192.0.0.170/32", "NAT64/DNS64 Discovery", "RFC 8880, RFC 7050, section 2.2"},
	{"192.0.0.171/32", "NAT64/DNS64 Discovery", "RFC 8880, RFC 7050, section 2.2"},
	{"192.0.2.0/24", "Documentation (TEST-NET-1)", "RFC 5737"},
	{"192.31.196.0/24", "AS112-v4", "RFC 7535"},
	{"192.52.193.0/24", "AMT", "RFC 7450"},
	{"192.88.99.0/24", "Deprecated (6to4 Relay Anycast)", "RFC 7526"},
	{"192.88.99.2/32", "6a44-relay anycast address", "RFC 6751"},
	{"192.168.0.0/16", "Private-Use", "RFC 1918"},
	{"192.175.48.0/24", "Direct Delegation AS112 Service", "RFC 7534"},
	{"198.18.0.0/15", "Benchmarking", "RFC 2544"},
	{"198.51.100.0/24", "Documentation (TEST-NET-2)", "RFC 5737"},
	{"203.0.113.0/24", "Documentation (TEST-NET-3)", "RFC 5737"},
	{"240.0.0.0/4", "Reserved", "RFC 1112, section 4"},
	{"255.255.255.255/32", "Limited Broadcast", "RFC 8190, RFC 919, section 7"},

	{"::1/128", "Loopback Address", "RFC 4291"},
	{"::/128", "Unspecified Address", "RFC 4291"},
	{"64:ff9b::/96", "IPv4-IPv6 Translat.", "RFC 6052"},
	{"64:ff9b:1::/48", "IPv4-IPv6 Translat.", "RFC 8215"},
	{"100::/64", "Discard-Only Address Block", "RFC 6666"},
	{"100:0:0:1::/64", "Dummy IPv6 Prefix", "RFC 9780"},
	{"2001::/23", "IETF Protocol Assignments", "RFC 2928"},
	{"2001::/32", "TEREDO", "RFC 4380, RFC 8190"},
	{"2001:1::1/128", "Port Control Protocol Anycast", "RFC 7723"},
	{"2001:1::2/128", "Traversal Using Relays around NAT Anycast", "RFC 8155"},
	{"2001:1::3/128", "DNS-SD Service Registration Protocol Anycast", "RFC 9665"},
	{"2001:2::/48", "Benchmarking", "RFC 5180, RFC Errata 1752"},
	{"2001:3::/32", "AMT", "RFC 7450"},
	{"2001:4:112::/48", "AS112-v6", "RFC 7535"},
	{"2001:10::/28", "Deprecated (previously ORCHID)", "RFC 4843"},
	{"2001:20::/28", "ORCHIDv2", "RFC 7343"},
	{"2001:30::/28", "Drone Remote ID Protocol Entity Tags (DETs) Prefix", "RFC 9374"},
	{"2001:db8::/32", "Documentation", "RFC 3849"},
	{"2002::/16", "6to4", "RFC 3056"},
	{"2620:4f:8000::/48", "Direct Delegation AS112 Service", "RFC 7534"},
	{"3fff::/20", "Documentation", "RFC 9637"},
	{"5f00::/16", "Segment Routing (SRv6) SIDs", "RFC 9602"},
	{"fc00::/7", "Unique-Local", "RFC 4193, RFC 8190"},
	{"fe80::/10", "Link-Local Unicast", "RFC 4291"},
	// ::ffff:0:0/96, IPv4-mapped Address, RFC 4291, is judged as what it maps: see
	// TestJudgeLooksThroughEveryWrapping.
}

// beyond is refused as well, and in neither registry.
var beyond = []registered{
	{"224.0.0.0/4", "Multicast", "RFC 5771"},
	{"168.63.129.16/32", "a cloud's metadata", "none"},
	{"::/96", "IPv4-compatible, deprecated", "RFC 4291, section 2.5.5.1"},
	{"::ffff:0:0:0/96", "IPv4-translated", "RFC 2765, section 2.1"},
	{"fec0::/10", "Site-local, deprecated", "RFC 3879"},
	{"ff00::/8", "Multicast", "RFC 4291, section 2.7"},
	// All that IANA has given to nobody: the space outside of 2000::/3.
	{"::/3", "no global unicast", "RFC 4291, section 4"}, {"4000::/2", "no global unicast", "RFC 4291, section 4"}, {"8000::/1", "no global unicast", "RFC 4291, section 4"},
}

// special tells from the two lists alone whether an address is to be refused.
func special(addr netip.Addr) bool {
	return slices.ContainsFunc(slices.Concat(registries, beyond), func(r registered) bool {
		return netip.MustParsePrefix(r.prefix).Contains(addr)
	})
}

func TestJudgeRefusesTheRegistriesAndPassesTheirNeighbours(t *testing.T) {
	t.Parallel()
	p := NewPolicy(Config{})
	passed := 0
	for _, r := range registries {
		prefix := netip.MustParsePrefix(r.prefix)
		first, last := prefix.Addr(), lastOf(prefix)
		for _, addr := range []netip.Addr{first, last} {
			if p.Judge(addr) == nil {
				t.Errorf("%s of %s (%s, %s) passes", addr, r.prefix, r.name, r.rfc)
			}
		}
		for _, neighbour := range []netip.Addr{first.Prev(), last.Next()} {
			if !neighbour.IsValid() || special(neighbour) {
				continue
			}
			passed++
			if b := p.Judge(neighbour); b != nil {
				t.Errorf("%s beside %s (%s, %s): %v", neighbour, r.prefix, r.name, r.rfc, b)
			}
		}
	}
	if passed < 30 {
		t.Errorf("only %d neighbours were looked at", passed)
	}
}

// The contract names what no setting opens; every other special address is the
// operator's to allow.
func TestEgressAllowOpensAllButTheNeverTier(t *testing.T) {
	t.Parallel()
	p := NewPolicy(Config{Allow: prefixes("0.0.0.0/0", "::/0")})
	never := prefixes("169.254.0.0/16", "fe80::/10", "224.0.0.0/4", "ff00::/8",
		"169.254.169.254/32", "fd00:ec2::254/128", "100.100.100.200/32", "168.63.129.16/32")
	isNever := func(addr netip.Addr) bool {
		return slices.ContainsFunc(never, func(n netip.Prefix) bool { return n.Contains(addr) })
	}
	for _, prefix := range never {
		for _, addr := range []netip.Addr{prefix.Addr(), lastOf(prefix)} {
			if b := p.Judge(addr); b == nil || !b.Never {
				t.Errorf("%s of %s: %v, want it never allowed", addr, prefix, b)
			}
		}
		for _, addr := range []netip.Addr{prefix.Addr().Prev(), lastOf(prefix).Next()} {
			if b := p.Judge(addr); addr.IsValid() && !isNever(addr) && b != nil {
				t.Errorf("%s beside %s: %v, though egress.allow lists it", addr, prefix, b)
			}
		}
	}
	for _, r := range registries {
		prefix := netip.MustParsePrefix(r.prefix)
		for _, addr := range []netip.Addr{prefix.Addr(), lastOf(prefix)} {
			if b := p.Judge(addr); b != nil && !isNever(addr) && !b.Inner.IsValid() {
				t.Errorf("%s of %s: %v, though egress.allow lists it", addr, r.prefix, b)
			}
		}
	}
}

// wrappings4 put an IPv4 address into an IPv6 one.
var wrappings4 = map[string]func(b [4]byte) netip.Addr{
	"mapped, RFC 4291":           at("::ffff:0:0", 12),
	"compatible, RFC 4291":       at("::", 12),
	"translated, RFC 2765":       at("::ffff:0:0:0", 12),
	"NAT64, RFC 6052":            at("64:ff9b::", 12),
	"local NAT64 /96, RFC 8215":  at("64:ff9b:1::", 12),
	"local NAT64 of a site":      at("64:ff9b:1:1::", 12),
	"local NAT64 /48, RFC 6052":  at("64:ff9b:1::", 6, 7, 9, 10),
	"local NAT64 /56, RFC 6052":  at("64:ff9b:1::", 7, 9, 10, 11),
	"local NAT64 /64, RFC 6052":  at("64:ff9b:1::", 9, 10, 11, 12),
	"6to4, RFC 3056":             at("2002::", 2),
	"Teredo server, RFC 4380":    at("2001::f7f7:f7f7", 4),
	"ISATAP, RFC 5214":           at("2606:4700::5efe:0:0", 12),
	"ISATAP global, RFC 5214":    at("2606:4700::200:5efe:0:0", 12),
	"ISATAP in 6to4":             at("2002:808:808::5efe:0:0", 12),
	"ISATAP in unique local":     at("fd12::5efe:0:0", 12),
	"Teredo client, bits turned": func(b [4]byte) netip.Addr { return at("2001:0:808:808::", 12)([4]byte{^b[0], ^b[1], ^b[2], ^b[3]}) },
}

// at puts the four bytes at these places, or from the first one on.
func at(into string, places ...int) func([4]byte) netip.Addr {
	if len(places) == 1 {
		places = []int{places[0], places[0] + 1, places[0] + 2, places[0] + 3}
	}
	return func(b [4]byte) netip.Addr {
		whole := netip.MustParseAddr(into).As16()
		for i, place := range places {
			whole[place] = b[i]
		}
		return netip.AddrFrom16(whole)
	}
}

func TestJudgeLooksThroughEveryWrapping(t *testing.T) {
	t.Parallel()
	open := NewPolicy(Config{Allow: prefixes("::/0")}) // the wrappings, not what is in them
	shut := NewPolicy(Config{})
	for name, wrap := range wrappings4 {
		for _, inner := range []string{"10.0.0.1", "127.0.0.1", "192.168.255.255", "172.16.0.1", "100.64.0.1", "240.0.0.1"} {
			addr := wrap(netip.MustParseAddr(inner).As4())
			for _, p := range []*Policy{open, shut} {
				if b := p.Judge(addr); b == nil || b.Never {
					t.Errorf("%s: %s in %s: %v, want it refused with the hint at egress.allow", name, inner, addr, b)
				}
			}
		}
		all := NewPolicy(Config{Allow: prefixes("::/0", "0.0.0.0/0")})
		for _, inner := range []string{"169.254.169.254", "100.100.100.200", "168.63.129.16", "169.254.1.1", "224.0.0.1"} {
			addr := wrap(netip.MustParseAddr(inner).As4())
			if b := all.Judge(addr); b == nil || !b.Never {
				t.Errorf("%s: %s in %s: %v, want it never allowed", name, inner, addr, b)
			}
		}
		// Near miss: with a public address inside, only the wrapping is special.
		if b := open.Judge(wrap([4]byte{8, 8, 8, 8})); b != nil {
			t.Errorf("%s of 8.8.8.8: %v", name, b)
		}
	}
	for _, addr := range []string{"2606:4700::5eff:a00:1", "2606:4700::100:5efe:a00:1", "2606:4700:0:5efe:a00:1::"} {
		if b := shut.Judge(netip.MustParseAddr(addr)); b != nil {
			t.Errorf("%s is no ISATAP address: %v", addr, b)
		}
	}
}
