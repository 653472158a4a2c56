package match

import (
	"bytes"
	"cmp"
)

// decimal is a JSON number exactly as it was written, digits and all: no float
// that loses the last ones, no big integer that 1e1000000000 would blow up. It
// stands for 0.<whole><fraction> × 10^point, without leading or trailing zeros,
// so equal numbers have equal decimals.
type decimal struct {
	negative bool
	// whole and fraction are digits that point into the number's text.
	whole, fraction []byte
	point           int64
}

// maxExponent is where exponents stop being told apart. Only an event can hold
// such a number: Compile refuses it in a filter, so comparisons stay right.
const maxExponent = 1 << 60

func parseDecimal(v value) decimal {
	unsigned, negative := bytes.CutPrefix(v, []byte("-"))
	mantissa, exponent := cutExponent(unsigned)
	whole, fraction, _ := bytes.Cut(mantissa, []byte("."))
	whole = bytes.TrimLeft(whole, "0")
	point := int64(len(whole))
	if len(whole) == 0 {
		digits := bytes.TrimLeft(fraction, "0")
		point = int64(len(digits) - len(fraction))
		fraction = digits
	}
	fraction = bytes.TrimRight(fraction, "0")
	if len(fraction) == 0 {
		whole = bytes.TrimRight(whole, "0")
	}
	if len(whole)+len(fraction) == 0 {
		return decimal{} // -0, 0.00 and 0e5 are all 0
	}
	return decimal{negative: negative, whole: whole, fraction: fraction, point: point + exponent}
}

func cutExponent(text []byte) (mantissa []byte, exponent int64) {
	for i, b := range text {
		if b == 'e' || b == 'E' {
			return text[:i], parseExponent(text[i+1:])
		}
	}
	return text, 0
}

// parseExponent reads an exponent and stops growing at ±maxExponent.
func parseExponent(text []byte) int64 {
	digits, negative := bytes.CutPrefix(text, []byte("-"))
	digits = bytes.TrimPrefix(digits, []byte("+"))
	var n int64
	for _, b := range digits {
		if n >= maxExponent/10 {
			n = maxExponent // before the next digit would overflow
			break
		}
		n = n*10 + int64(b-'0')
	}
	if negative {
		return -n
	}
	return n
}

// tooFar reports whether the exponent is beyond what can be compared.
func (d decimal) tooFar() bool {
	return d.point >= maxExponent/2 || d.point <= -maxExponent/2
}

func (d decimal) sign() int {
	switch {
	case d.size() == 0:
		return 0
	case d.negative:
		return -1
	default:
		return 1
	}
}

// compare is negative when d is less than other, 0 when they are the same number.
func (d decimal) compare(other decimal) int {
	sign := d.sign()
	if c := cmp.Compare(sign, other.sign()); c != 0 {
		return c
	}
	if c := cmp.Compare(d.point, other.point); c != 0 {
		return c * sign
	}
	for i := range min(d.size(), other.size()) {
		if c := cmp.Compare(d.digit(i), other.digit(i)); c != 0 {
			return c * sign
		}
	}
	return cmp.Compare(d.size(), other.size()) * sign
}

func (d decimal) size() int { return len(d.whole) + len(d.fraction) }

func (d decimal) digit(i int) byte {
	if i < len(d.whole) {
		return d.whole[i]
	}
	return d.fraction[i-len(d.whole)]
}
