package match

import (
	"encoding/json"
	"math/big"
	"strconv"
	"strings"
	"testing"
)

// FuzzNumber holds decimal against numbers of any size, and against floats where
// these are exact.
func FuzzNumber(f *testing.F) {
	for _, seed := range [][2]string{
		{"1", "1.0"}, {"-0", "0e5"}, {"1e400", "10e399"}, {"9007199254740993", "9007199254740992"}, {"-1.5e1", "-15"}, {"0.001", "1e-3"},
		{"1e999999999999999999999", "1"}, {"-1e-999999999999999999999", "0"}, {"100", "1e+2"}, {"0.10", "0.1"}, {"-2", "1"}, {"12", "1.3e1"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, one, two string) {
		if !isNumber(one) || !isNumber(two) {
			return
		}
		a, b := parseDecimal(value(one)), parseDecimal(value(two))
		if a.compare(a) != 0 || a.compare(b) != -b.compare(a) {
			t.Fatalf("%s and %s have no order", one, two)
		}
		for d, number := range map[*decimal]string{&a: one, &b: two} {
			if far := !validNumbers(json.Number(number)); far != d.tooFar() {
				t.Fatalf("%s is too far: %t, want %t", number, d.tooFar(), far)
			}
		}
		if a.tooFar() && b.tooFar() {
			return // Compile refuses such in a filter
		}
		if got, want := a.compare(b), compareNumbers(one, two); got != want {
			t.Fatalf("%s to %s is %d, want %d", one, two, got, want)
		}
		x, _ := strconv.ParseInt(one, 10, 52)
		y, _ := strconv.ParseInt(two, 10, 52)
		if strconv.FormatInt(x, 10) == one && strconv.FormatInt(y, 10) == two && a.compare(b) != compareInts(x, y) {
			t.Fatalf("%d to %d is %d", x, y, a.compare(b))
		}
	})
}

func isNumber(text string) bool {
	return json.Valid([]byte(text)) && strings.Trim(text, "-+.0123456789eE") == "" && text != ""
}

func compareInts(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func compareNumbers(one, two string) int {
	sign := func(text, digits string) int {
		switch {
		case digits == "":
			return 0
		case text[0] == '-':
			return -1
		}
		return 1
	}
	d, p := scientific(one)
	e, q := scientific(two)
	s, r := sign(one, d), sign(two, e)
	switch {
	case s != r:
		return compareInts(int64(s), int64(r))
	case s == 0:
		return 0
	case p.Cmp(q) != 0:
		return s * p.Cmp(q)
	}
	return s * strings.Compare(d, e)
}

// scientific is a number as 0.<digits> × 10^point with an exponent of any size,
// without zeros at the ends; no digits are 0.
func scientific(number string) (digits string, point *big.Int) {
	mantissa, exponent, _ := strings.Cut(strings.ToLower(strings.TrimPrefix(number, "-")), "e")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	point, _ = new(big.Int).SetString("0"+strings.TrimPrefix(exponent, "+"), 10)
	if strings.HasPrefix(exponent, "-") {
		point, _ = new(big.Int).SetString(exponent, 10)
	}
	digits = strings.TrimLeft(whole+fraction, "0")
	point.Add(point, big.NewInt(int64(len(whole)-(len(whole+fraction)-len(digits)))))
	return strings.TrimRight(digits, "0"), point
}
