package egress

import (
	"context"
	"net/netip"
	"slices"
)

// maxAddrs bounds the addresses that one attempt tries: a name with hundreds of
// them must not turn a worker into a port scanner.
const maxAddrs = 8

// resolve returns the addresses of a URL's host, IPv4 first: a receiver with a
// broken IPv6 route is common, one with a broken IPv4 route is not. It judges
// none of them.
func (p *Policy) resolve(ctx context.Context, h host) ([]netip.Addr, error) {
	if h.isAddr() {
		return []netip.Addr{h.addr}, nil
	}
	found, err := p.resolver.LookupNetIP(ctx, "ip", h.name)
	if err != nil {
		return nil, err
	}
	addrs := make([]netip.Addr, 0, len(found))
	for _, addr := range found {
		if addr = addr.Unmap(); !slices.Contains(addrs, addr) {
			addrs = append(addrs, addr)
		}
	}
	slices.SortStableFunc(addrs, func(a, b netip.Addr) int { return a.BitLen() - b.BitLen() })
	return addrs, nil
}
