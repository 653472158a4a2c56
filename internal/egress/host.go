package egress

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"golang.org/x/net/idna"
)

// Lengths that DNS allows, in bytes.
const (
	maxNameBytes  = 253
	maxLabelBytes = 63
)

// host is where a URL points: an address or a name, never both.
type host struct {
	addr netip.Addr
	// name is ASCII, in lower case, without a trailing dot.
	name string
}

func (h host) isAddr() bool { return h.addr.IsValid() }

func (h host) String() string {
	if h.isAddr() {
		return h.addr.String()
	}
	return h.name
}

// isLocal reports whether the name can only mean this machine or its network.
func (h host) isLocal() bool {
	for _, zone := range []string{"localhost", "local", "internal"} {
		if strings.HasSuffix(h.name, "."+zone) {
			return true
		}
	}
	return h.name == "localhost"
}

// parseHost reads a URL's host, without port and brackets. The errors complete
// "the host …".
func parseHost(raw string) (host, error) {
	if raw == "" {
		return host{}, errors.New("is missing")
	}
	if strings.ContainsAny(raw, ":%") {
		return parseIPv6(raw)
	}
	name, err := toASCII(raw)
	if err != nil {
		return host{}, err
	}
	// After the mapping to ASCII, for it turns full-width digits and dots into
	// plain ones.
	name = strings.TrimSuffix(name, ".")
	if addr, ok := numericAddr(name); ok {
		return host{addr: addr}, nil
	}
	if endsInNumber(name) {
		return host{}, errors.New("is neither a name nor a valid IP address")
	}
	if err := checkName(name); err != nil {
		return host{}, err
	}
	return host{name: name}, nil
}

func parseIPv6(raw string) (host, error) {
	if strings.Contains(raw, "%") {
		return host{}, errors.New("is an address with a zone, which means something on one machine only")
	}
	addr, err := netip.ParseAddr(raw)
	if err != nil {
		return host{}, errors.New("is not a valid IPv6 address")
	}
	return host{addr: addr.Unmap()}, nil
}

func toASCII(raw string) (string, error) {
	for i := range len(raw) {
		if raw[i] >= 0x80 {
			name, err := idna.Lookup.ToASCII(raw)
			if err != nil {
				return "", errors.New("is not a valid international domain name")
			}
			return strings.ToLower(name), nil
		}
	}
	// Lookup would refuse the underscores that real names hold.
	return strings.ToLower(raw), nil
}

func checkName(name string) error {
	if len(name) > maxNameBytes {
		return fmt.Errorf("is longer than %d bytes", maxNameBytes)
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" {
			return errors.New("has an empty label (two dots in a row, or a dot in front)")
		}
		if len(label) > maxLabelBytes {
			return fmt.Errorf("has a label longer than %d bytes", maxLabelBytes)
		}
		if i := strings.IndexFunc(label, notInName); i >= 0 {
			return fmt.Errorf("has the character %q, which no name holds", label[i])
		}
	}
	return nil
}

func notInName(r rune) bool {
	return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_'
}
