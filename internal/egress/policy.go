package egress

import (
	"context"
	"net"
	"net/netip"
	"slices"
)

// Resolver looks names up; *net.Resolver is one.
type Resolver interface {
	// LookupNetIP returns the addresses of host; network is "ip".
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Config is the operator's word on what may be reached. The zero value allows
// the public internet, over http and https.
type Config struct {
	// Allow lists networks (egress.allow) that may be reached though they are
	// special. It can't open link-local, multicast and metadata addresses.
	Allow []netip.Prefix
	// HTTPSOnly (egress.https_only) refuses plain http.
	HTTPSOnly bool
	// Resolver looks hosts up. Default net.DefaultResolver.
	Resolver Resolver
}

// Policy decides which URLs and addresses may be reached. It never changes and
// is safe for concurrent use.
type Policy struct {
	allow     []netip.Prefix
	never     []rule
	special   []rule
	httpsOnly bool
	resolver  Resolver
}

// NewPolicy makes a policy of the operator's settings.
func NewPolicy(cfg Config) *Policy {
	p := &Policy{
		never:     neverRules(),
		special:   specialRules(),
		httpsOnly: cfg.HTTPSOnly,
		resolver:  cfg.Resolver,
	}
	if p.resolver == nil {
		p.resolver = net.DefaultResolver
	}
	for _, prefix := range cfg.Allow {
		p.allow = append(p.allow, unmapPrefix(prefix))
	}
	return p
}

// Judge returns why addr may not be reached, or nil when it may. An IPv6
// address that carries an IPv4 one is judged as both.
func (p *Policy) Judge(addr netip.Addr) *Blocked {
	// A prefix contains no address with a zone, and a mapped address is dialled
	// as the IPv4 address it maps: judge neither by its disguise.
	addr = addr.Unmap().WithZone("")
	if !addr.IsValid() {
		return &Blocked{Addr: addr, Rule: "not an IP address", Never: true}
	}
	layers := append([]netip.Addr{addr}, carried(addr)...)
	// The never tier goes first over all layers: else an address that leads to a
	// metadata service would be refused with the hint that a setting permits it.
	for _, layer := range layers {
		if r, found := lookup(p.never, layer); found {
			return blocked(addr, layer, r.is, true)
		}
	}
	for _, layer := range layers {
		if p.allowed(layer) {
			continue
		}
		if what, found := p.specialName(layer); found {
			return blocked(addr, layer, what, false)
		}
	}
	return nil
}

// judgeHost is Judge for an address that a host has. Names under .localhost,
// .local and .internal are held to a stricter rule: a list of what is special says
// nothing about a private network that uses public addresses, so every address
// must be one that the operator listed.
func (p *Policy) judgeHost(h host, addr netip.Addr) *Blocked {
	b := p.Judge(addr)
	if !h.isLocal() {
		return b
	}
	if b == nil && !p.allowed(addr) {
		b = &Blocked{Addr: addr}
	}
	if b != nil {
		b.Local = h.name
	}
	return b
}

// allowed reports whether egress.allow lists addr.
func (p *Policy) allowed(addr netip.Addr) bool {
	return slices.ContainsFunc(p.allow, func(prefix netip.Prefix) bool { return prefix.Contains(addr) })
}

func (p *Policy) specialName(addr netip.Addr) (string, bool) {
	if r, found := lookup(p.special, addr); found {
		return r.is, true
	}
	// IANA has given out nothing else: what is not special and not in here
	// belongs to nobody.
	if addr.Is6() && !publicIPv6().Contains(addr) {
		return "outside of the public IPv6 addresses", true
	}
	return "", false
}

// unmapPrefix turns ::ffff:10.0.0.0/104 into 10.0.0.0/8, as addresses are
// judged unmapped.
func unmapPrefix(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96).Masked()
	}
	return p.Masked()
}
