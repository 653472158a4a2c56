package egress

import "net/netip"

// carried returns the IPv4 addresses that a packet to an IPv6 address may end
// up at, by translation or tunnel. Mapped addresses (::ffff:a.b.c.d) are not
// among them: they are unmapped before.
func carried(addr netip.Addr) []netip.Addr {
	if !addr.Is6() {
		return nil
	}
	b := addr.As16()
	if isISATAP(b) {
		// The prefix may be a tunnel, too.
		return append(tunnelled(addr, b), ipv4(b, 12, 13, 14, 15))
	}
	return tunnelled(addr, b)
}

// isISATAP reads the interface id of RFC 5214: ::0:5efe:a.b.c.d, or ::200:5efe:…
// for an IPv4 address that is unique. Any /64 may hold such ids.
func isISATAP(b [16]byte) bool {
	return (b[8] == 0 || b[8] == 2) && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe
}

func tunnelled(addr netip.Addr, b [16]byte) []netip.Addr {
	within := func(prefix string) bool { return netip.MustParsePrefix(prefix).Contains(addr) }
	switch {
	case addr == netip.IPv6Unspecified(), addr == netip.IPv6Loopback():
		return nil
	case within("::/96"), // IPv4-compatible
		within("::ffff:0:0:0/96"), // IPv4-translated
		within("64:ff9b::/96"):    // NAT64
		return []netip.Addr{ipv4(b, 12, 13, 14, 15)}
	case within("64:ff9b:1::/48"):
		return localNAT64(b)
	case within("2002::/16"): // 6to4
		return []netip.Addr{ipv4(b, 2, 3, 4, 5)}
	case within("2001::/32"): // Teredo: the server, then the client, whose bits are flipped
		client := ipv4(b, 12, 13, 14, 15).As4()
		for i := range client {
			client[i] ^= 0xff
		}
		return []netip.Addr{ipv4(b, 4, 5, 6, 7), netip.AddrFrom4(client)}
	}
	return nil
}

// localNAT64 reads an address of RFC 8215's range in each place where RFC 6052
// may put the IPv4 address, for which one a network uses is its own business.
// What reads as 0.x.y.z is a place not used.
func localNAT64(b [16]byte) []netip.Addr {
	unused := netip.MustParsePrefix("0.0.0.0/8")
	var out []netip.Addr
	for _, at := range [][4]int{{6, 7, 9, 10}, {7, 9, 10, 11}, {9, 10, 11, 12}, {12, 13, 14, 15}} {
		if inner := ipv4(b, at[0], at[1], at[2], at[3]); !unused.Contains(inner) {
			out = append(out, inner)
		}
	}
	return out
}

func ipv4(b [16]byte, i, j, k, l int) netip.Addr {
	return netip.AddrFrom4([4]byte{b[i], b[j], b[k], b[l]})
}
