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
	// Local is the local name that led to Addr. Its addresses have to be listed in
	// egress.allow, so Rule may be empty.
	Local string
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
	text := who + " is " + b.Rule
	if b.Local != "" {
		if text = b.Local + " is a local name that resolves to " + b.Addr.String(); b.Rule != "" {
			text += ", and " + who + " is " + b.Rule
		}
	}
	if b.Never {
		return text + " and is never allowed, whatever egress.allow says"
	}
	return text + " (egress.allow can permit it)"
}

func (b *Blocked) Error() string { return "blocked: " + b.Reason() }
