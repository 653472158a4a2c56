package match

import (
	"cmp"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestDecimalOrder(t *testing.T) {
	t.Parallel()
	// Each line holds spellings of one number; the lines go up.
	ordered := [][]string{
		{"-1e1000000000", "-10e999999999"},
		{"-100", "-1e2", "-100.0"},
		{"-99.9999999999999999999"},
		{"-0.001", "-1E-3"},
		{"0", "-0", "0.0", "0e1000000000", "-0E-5"},
		{"1e-1000000000"},
		{"0.05", "5e-2", "0.5e-1"},
		{"0.5"},
		{"1", "1.0", "1e0", "10e-1", "0.01e2"},
		{"9007199254740992"},
		{"9007199254740993", "9007199254740993.0"},
		{"9007199254740993.0000000000000000001"},
		{"1" + strings.Repeat("0", 400), "1e400"},
		{"1e1000000000", "0.1e1000000001"},
	}
	for i, line := range ordered {
		for j, other := range ordered {
			for _, a := range line {
				for _, b := range other {
					if got := parseDecimal(value(a)).compare(parseDecimal(value(b))); got != cmp.Compare(i, j) {
						t.Errorf("compare(%s, %s) is %d, want %d", a, b, got, cmp.Compare(i, j))
					}
				}
			}
		}
	}
}

func TestDecimalAgreesWithRationals(t *testing.T) {
	t.Parallel()
	number := rapid.StringMatching(`-?(0|[1-9][0-9]{0,4})(\.[0-9]{1,4})?([eE][+-]?[0-9]{1,2})?`)
	rapid.Check(t, func(t *rapid.T) {
		a, b := number.Draw(t, "a"), number.Draw(t, "b")
		x, _ := new(big.Rat).SetString(a)
		y, _ := new(big.Rat).SetString(b)
		if got := parseDecimal(value(a)).compare(parseDecimal(value(b))); got != x.Cmp(y) {
			t.Fatalf("compare(%s, %s) is %d, want %d", a, b, got, x.Cmp(y))
		}
	})
}

func TestDecimalSurvivesNonsense(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "-", ".", "e", "-e-", "1e", "1.e+", "nonsense", "--1", "1e-", "\xff"} {
		if c := parseDecimal(value(text)).compare(parseDecimal(value(text))); c != 0 {
			t.Errorf("%q differs from itself: %d", text, c)
		}
	}
}
