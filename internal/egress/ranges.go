package egress

import "net/netip"

// rule names a range of addresses; is completes "the address is …".
type rule struct {
	prefix netip.Prefix
	is     string
}

func lookup(rules []rule, addr netip.Addr) (rule, bool) {
	for _, r := range rules {
		if r.prefix.Contains(addr) {
			return r, true
		}
	}
	return rule{}, false
}

func rules(pairs ...string) []rule {
	out := make([]rule, 0, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, rule{prefix: netip.MustParsePrefix(pairs[i]), is: pairs[i+1]})
	}
	return out
}

// publicIPv6 is all that IANA has given out as global unicast.
func publicIPv6() netip.Prefix { return netip.MustParsePrefix("2000::/3") }

// neverRules are out of reach whatever egress.allow says: nothing that takes
// webhooks lives there, and a cloud's metadata service gives out credentials.
func neverRules() []rule {
	return rules(
		"169.254.169.254/32", "a cloud metadata address",
		"100.100.100.200/32", "a cloud metadata address",
		"168.63.129.16/32", "a cloud metadata address",
		"fd00:ec2::254/128", "a cloud metadata address",
		"169.254.0.0/16", "a link-local address",
		"fe80::/10", "a link-local address",
		"224.0.0.0/4", "a multicast address",
		"ff00::/8", "a multicast address",
	)
}

// specialRules are IANA's two special-purpose registries (RFC 6890 and its
// updates), whether marked globally reachable there or not: none of it is a
// place where a receiver on the internet lives. Narrow ranges come before the
// wide ones around them.
func specialRules() []rule {
	return append(specialIPv4(), specialIPv6()...)
}

func specialIPv4() []rule {
	return rules(
		"0.0.0.0/8", "an address of \"this network\"",
		"10.0.0.0/8", "a private address",
		"100.64.0.0/10", "a carrier-grade NAT address",
		"127.0.0.0/8", "a loopback address",
		"172.16.0.0/12", "a private address",
		"192.0.0.0/24", "an address for protocol assignments",
		"192.0.2.0/24", "a documentation address",
		"192.31.196.0/24", "an AS112 address",
		"192.52.193.0/24", "an AMT relay address",
		"192.88.99.0/24", "a 6to4 relay address",
		"192.168.0.0/16", "a private address",
		"192.175.48.0/24", "an AS112 address",
		"198.18.0.0/15", "a benchmarking address",
		"198.51.100.0/24", "a documentation address",
		"203.0.113.0/24", "a documentation address",
		"255.255.255.255/32", "the broadcast address",
		"240.0.0.0/4", "a reserved address",
	)
}

func specialIPv6() []rule {
	return rules(
		"::1/128", "the loopback address",
		"::/128", "the unspecified address",
		"::/96", "an IPv4-compatible address",
		"::ffff:0:0:0/96", "an IPv4-translated address",
		"64:ff9b::/96", "a NAT64 address",
		"64:ff9b:1::/48", "a local NAT64 address",
		"100::/64", "a discard-only address",
		"100:0:0:1::/64", "a dummy address",
		"2001::/32", "a Teredo address",
		"2001:2::/48", "a benchmarking address",
		"2001:3::/32", "an AMT relay address",
		"2001:4:112::/48", "an AS112 address",
		"2001:10::/28", "an ORCHID address",
		"2001:20::/28", "an ORCHID address",
		"2001:30::/28", "a drone remote ID address",
		"2001::/23", "an address for protocol assignments",
		"2001:db8::/32", "a documentation address",
		"2002::/16", "a 6to4 address",
		"2620:4f:8000::/48", "an AS112 address",
		"3fff::/20", "a documentation address",
		"5f00::/16", "a segment routing address",
		"fc00::/7", "a private (unique local) address",
		"fec0::/10", "a private (site-local) address",
	)
}
