package egress

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"strings"
)

// numericAddr reads host as inet_aton does: one to four numbers, each decimal,
// octal (0…) or hexadecimal (0x…), the last one filling the bytes that are
// left, so that 127.1, 2130706433 and 0x7f000001 are all 127.0.0.1.
func numericAddr(host string) (netip.Addr, bool) {
	parts := strings.Split(host, ".")
	if len(parts) > 4 {
		return netip.Addr{}, false
	}
	var value uint32
	for i, part := range parts {
		// The last part has the bytes that the parts before it left.
		bits := 8
		if i == len(parts)-1 {
			bits = 32 - 8*i
		}
		n, ok := parseNumber(part, bits)
		if !ok {
			return netip.Addr{}, false
		}
		if i < len(parts)-1 {
			n <<= 24 - 8*i
		}
		value |= n
	}
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], value)
	return netip.AddrFrom4(b), true
}

// parseNumber reads one part of an address that must fit into bits.
func parseNumber(s string, bits int) (uint32, bool) {
	digits, base := s, 10
	switch {
	case isHexPrefixed(s):
		if digits, base = s[2:], 16; digits == "" {
			return 0, true // "0x" alone is 0 to inet_aton
		}
	case len(s) > 1 && s[0] == '0':
		digits, base = s[1:], 8
	}
	if digits == "" || digits[0] == '+' || digits[0] == '-' {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, base, bits)
	return uint32(n), err == nil
}

func isHexPrefixed(s string) bool {
	return len(s) >= 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X')
}

// endsInNumber reports whether host's last label is a number, as no name's is.
func endsInNumber(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	if isHexPrefixed(last) {
		return strings.Trim(last[2:], "0123456789abcdefABCDEF") == ""
	}
	return last != "" && strings.Trim(last, "0123456789") == ""
}
