package egress

import (
	"fmt"
	"net/netip"
)

// Blocked says why an address may not be reached.
type Blocked struct {
	// Addr is the refused address.
	Addr netip.Addr
	// Inner is the IPv4 address that Addr carries, when that one is the reason.
	Inner netip.Addr
	// Rule completes "the address is …", e.g. "a private address".
	Rule string
	// Never means that no setting permits it.
	Never bool
}

func blocked(addr, layer netip.Addr, what string, never bool) *Blocked {
	b := &Blocked{Addr: addr, Rule: what, Never: never}
	if layer != addr {
		b.Inner = layer
	}
	return b
}

// Reason names the address, the rule and the setting.
func (b *Blocked) Reason() string {
	who := b.Addr.String()
	if b.Inner.IsValid() {
		who = fmt.Sprintf("%s leads to %s, which", b.Addr, b.Inner)
	}
	if b.Never {
		return fmt.Sprintf("%s is %s and is never allowed, whatever egress.allow says", who, b.Rule)
	}
	return fmt.Sprintf("%s is %s (egress.allow can permit it)", who, b.Rule)
}

func (b *Blocked) Error() string { return "blocked: " + b.Reason() }
