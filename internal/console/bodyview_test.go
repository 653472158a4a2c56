package console

import (
	"os/exec"
	"strings"
	"testing"
)

func TestBodies(t *testing.T) {
	t.Parallel()
	t.Run("JSONIsShownOnManyLinesAndAsItCame", func(t *testing.T) {
		t.Parallel()
		b := newBodyView([]byte(`{"b":1.50,"a":["<x>"]}`))
		if b.Text != `{"b":1.50,"a":["<x>"]}` || b.Pretty != "{\n  \"b\": 1.50,\n  \"a\": [\n    \"<x>\"\n  ]\n}" || b.Cut() {
			t.Errorf("got %+v", b)
		}
		if b := newBodyView([]byte("plain { text")); b.Pretty != "" || b.Text != "plain { text" {
			t.Errorf("got %+v", b)
		}
	})
	t.Run("WhatIsNoTextIsHexadecimal", func(t *testing.T) {
		t.Parallel()
		for _, raw := range []string{"\xff\xfe", "a\x00b", strings.Repeat("\x00", 5000)} {
			b := newBodyView([]byte(raw))
			if b.Text != "" || !strings.HasPrefix(b.Hex, "00000000  ") || b.Shown != min(len(raw), shownOfBinary) || b.Cut() != (len(raw) > shownOfBinary) {
				t.Errorf("%.20q: got %+v", raw, b)
			}
		}
	})
	t.Run("WhatIsLargeIsCutBetweenCharacters", func(t *testing.T) {
		t.Parallel()
		b := newBodyView([]byte("x" + strings.Repeat("é", shownOfBody)))
		if !b.Cut() || b.Shown != shownOfBody-1 || !strings.HasSuffix(b.Text, "é") || b.Pretty != "" {
			t.Errorf("shown are %d of %d", b.Shown, b.Bytes)
		}
	})
	t.Run("NestingDoesNotGrow", func(t *testing.T) {
		t.Parallel()
		deep := strings.Repeat("[", 9000) + strings.Repeat("]", 9000) // indented it has 160 MB
		if b := newBodyView([]byte(deep)); b.Pretty != "" || b.Text != deep {
			t.Error("it is indented")
		}
		flat := "[" + strings.TrimSuffix(strings.Repeat(strings.Repeat("[", 23)+strings.Repeat("]", 23)+",", 1400), ",") + "]"
		if b := newBodyView([]byte(flat)); len(b.Pretty) > mostIndented {
			t.Errorf("%d bytes became %d", b.Bytes, len(b.Pretty))
		}
	})
}

// FuzzQuoted: whatever is quoted is one word for a shell, and that very text.
func FuzzQuoted(f *testing.F) {
	for _, s := range []string{"", "it's", "'\\''", "$(id)`id`", "a\nb", "-n", "é🎉\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if strings.Contains(s, "\x00") {
			t.Skip("no argument has one")
		}
		out, err := exec.CommandContext(t.Context(), "sh", "-c", "printf '%s|' "+quoted(s)+" end").Output()
		if err != nil || string(out) != s+"|end|" {
			t.Errorf("%q became %q, %v", s, out, err)
		}
	})
}
