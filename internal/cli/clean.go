package cli

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// clean is text of strangers for one line of a terminal. A payload or an answer may
// hold sequences that move the cursor, change the title or turn text around; they
// are shown as escapes instead.
func clean(s string) string { return escape(s, false) }

// cleanLines is clean for text that may have lines and tabs.
func cleanLines(s string) string { return escape(s, true) }

func escape(s string, lines bool) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case (r == '\n' || r == '\t') && lines:
			b.WriteRune(r)
		case r == utf8.RuneError && strings.HasPrefix(s[i:], string(utf8.RuneError)) || !unsafe(r) && r != utf8.RuneError:
			b.WriteRune(r)
		case r == utf8.RuneError:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		default:
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		}
	}
	return b.String()
}

// unsafe runes do something else than being seen where they stand: controls, and
// what orders or hides text.
func unsafe(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029'
}

// cleanJSON is the same JSON without anything unsafe in it. Such characters can be
// in strings only, where an escape says the same.
func cleanJSON(raw []byte) []byte {
	var b bytes.Buffer
	for _, r := range string(bytes.ToValidUTF8(raw, []byte(string(utf8.RuneError)))) {
		switch {
		case !unsafe(r) || r == '\n' || r == '\t' || r == '\r':
			b.WriteRune(r)
		case r > 0xffff:
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.Bytes()
}
