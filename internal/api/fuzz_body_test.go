package api

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

// readable is what gets past readBody.
func readable(body []byte) bool { return checkJSON(body) == nil && checkSurrogates(body) == nil }

// FuzzBody holds checkJSON against its definition, and loneSurrogate and
// pointerTo against a walk over the text that takes its time.
func FuzzBody(f *testing.F) {
	for _, seed := range []string{`{"a":["\ud800"]}`, `"\ud83d\ude00"`, `{"\\ud800":"\\\ud800"}`, "\xef\xbb\xbf{}", "[\"\xff\"]", `[[],{"a/~":[0,{"b":"x\udc00"}]}]`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		err := checkJSON(body)
		if (err == nil) != (utf8.Valid(body) && json.Valid(body)) {
			t.Fatalf("checkJSON(%q): %v", body, err)
		}
		if err != nil {
			return
		}
		at := loneSurrogate(body)
		if want := slowSurrogate(body); at != want {
			t.Fatalf("%q: half a pair at %d, want %d", body, at, want)
		}
		for offset, c := range body {
			if c != '\\' { // which stands in strings only
				continue
			}
			if got, want := pointerTo(body, offset), slowPointer(body, offset); got != want {
				t.Fatalf("%q: byte %d is at %q, want %q", body, offset, got, want)
			}
		}
	})
}

// slowSurrogate looks at every code unit of every string.
func slowSurrogate(text []byte) int {
	type unit struct {
		value, at int
	}
	inString := false
	var units []unit
	lone := func() int {
		for i := 0; i < len(units); i++ {
			switch u := units[i]; {
			case u.value >= 0xd800 && u.value < 0xdc00 && i+1 < len(units) && units[i+1].value >= 0xdc00 && units[i+1].value < 0xe000:
				i++
			case u.value >= 0xd800 && u.value < 0xe000:
				return u.at
			}
		}
		return -1
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			if inString {
				if at := lone(); at >= 0 {
					return at
				}
			}
			inString, units = !inString, nil
		case c == '\\' && text[i+1] == 'u':
			n := 0
			for _, digit := range strings.ToLower(string(text[i+2 : i+6])) {
				n = n*16 + strings.IndexRune("0123456789abcdef", digit)
			}
			units = append(units, unit{n, i})
			i += 5
		case c == '\\':
			units = append(units, unit{0, i})
			i++
		default:
			units = append(units, unit{0, i})
		}
	}
	return -1
}

// slowPointer recurses, and looks at each level again.
func slowPointer(text []byte, offset int) string {
	s := scanner{text: text}
	s.space()
	if s.text[s.pos] != '{' && s.text[s.pos] != '[' {
		return ""
	}
	isArray := s.text[s.pos] == '['
	for i := 0; s.more(); i++ {
		next := item("", i)
		if !isArray {
			key := s.key()
			if offset < s.pos {
				return ""
			}
			next = child("", unquote(key))
		}
		s.space()
		start := s.pos
		if s.value(); offset < s.pos {
			return next + slowPointer(text[start:s.pos], offset-start)
		}
	}
	return ""
}
