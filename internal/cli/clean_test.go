package cli

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestClean(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain, ünïcödé, 漢字 🎉": "plain, ünïcödé, 漢字 🎉",
		"\x1b[2J":              `\x1b[2J`,
		"a\nb\tc\r":            `a\nb\tc\r`,
		"\u009b31m":            `\u009b31m`,
		"\u202eevil\u2066":     `\u202eevil\u2066`,
		"\xff\x00":             `\xff\x00`,
		"\ufffd stays":         "\ufffd stays",
		"\u2028":               `\u2028`,
	} {
		if got := clean(in); got != want {
			t.Errorf("clean(%q) = %q, want %q", in, got, want)
		}
	}
	if got := cleanLines("a\n\tb\x1b"); got != "a\n\tb\\x1b" {
		t.Errorf("cleanLines left %q", got)
	}
}

// TestCleanJSON: the same JSON, without anything that a terminal would act on.
func TestCleanJSON(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.StringOf(rapid.OneOf(rapid.Rune(), rapid.RuneFrom([]rune("\u009b\u202e\u2028\U000e0001\x7f\x00\x1b🎉")))).Draw(t, "text")
		raw, err := json.Marshal(map[string]string{"a": in})
		if err != nil {
			t.Fatal(err)
		}
		got := cleanJSON(raw)
		if strings.ContainsFunc(string(got), unsafe) {
			t.Fatalf("left %q", got)
		}
		var before, after map[string]string
		if err := json.Unmarshal(raw, &before); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(got, &after); err != nil || before["a"] != after["a"] {
			t.Fatalf("%q became %q: %v", before["a"], after["a"], err)
		}
	})
}
