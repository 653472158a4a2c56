package match

import (
	"strings"
	"testing"
)

func TestPath(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, path, data, want string }{
		{"Member", "a", `{"a":1}`, `1`},
		{"MemberOfMember", "a.b.c", `{"a":{"b":{"c":[1, 2]}}}`, `[1, 2]`},
		{"SpaceAround", "a.b", " {\n\"a\" : { \"b\" : 1 } } ", `1`},
		{"Element", "tags.1", `{"tags":["x","y"]}`, `"y"`},
		{"ElementsMember", "items.0.sku", `{"items":[{"sku":"A"}]}`, `"A"`},
		{"DigitsAreAKeyInAnObject", "a.0", `{"a":{"0":"x"}}`, `"x"`},
		{"PastTheEnd", "tags.2", `{"tags":["x","y"]}`, ``},
		{"LeadingZeroIsNoIndex", "tags.01", `{"tags":["x","y"]}`, ``},
		{"NegativeIsNoIndex", "tags.-1", `{"tags":["x","y"]}`, ``},
		{"SignIsNoIndex", "tags.+1", `{"tags":["x","y"]}`, ``},
		{"HugeIndex", "tags.99999999999999999999", `{"tags":["x"]}`, ``},
		{"WordIsNoIndex", "tags.x", `{"tags":["x"]}`, ``},
		{"BelowAScalar", "a.b", `{"a":"b"}`, ``},
		{"BelowNull", "a.b", `{"a":null}`, ``},
		{"NullIsThere", "a", `{"a":null}`, `null`},
		{"LastOfRepeatedKeys", "a.b", `{"a":{"b":1},"a":{"b":2,"b":3}}`, `3`},
		{"LastOfRepeatedKeysAlone", "a.b", `{"a":{"b":1},"a":{"c":2}}`, ``},
		{"EscapedKey", "a", `{"\u0061":1}`, `1`},
		{"EscapedAndPlainKey", "a", `{"a":1,"\u0061":2}`, `2`},
		{"KeyWithQuote", `a"b`, `{"a\"b":1}`, `1`},
		{"KeyBeyondASCII", "ключ", `{"\u043a\u043b\u044e\u0447":1}`, `1`},
		{"KeyBehindStringsWithBrackets", "z", `{"a":"}]\"{[","b":["}"],"z":1}`, `1`},
		{"WholeRestAsOneKey", "author.id", `{"author.id":1}`, `1`},
		{"WholeRestFurtherDown", "a.b.c", `{"a":{"b.c":1}}`, `1`},
		{"PartsBeforeWholeRest", "a.b", `{"a.b":1,"a":{"b":2}}`, `2`},
		{"WholeRestAfterADeadEnd", "a.b", `{"a":1,"a.b":2}`, `2`},
		{"HalfTheRestIsNoKey", "a.b.c", `{"a.b":{"c":1}}`, ``},
		{"NoWildcard", "*", `{"a":1}`, ``},
		{"NoQueryLanguage", "a.#", `{"a":[1,2]}`, ``},
		{"NoModifier", "@this", `{"a":1}`, ``},
		{"NoPipe", "a|b", `{"a":{"b":1}}`, ``},
		{"SpecialCharactersAreAKey", `a|b`, `{"a|b":1}`, `1`},
		{"BackslashIsAKey", `a\b`, `{"a\\b":1}`, `1`},
		{"RootArray", "0", `[5]`, `5`},
		{"Truncated", "b", `{"a":{"b":1`, ``},
		{"Empty", "a", ``, ``},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p, err := parsePath(tt.path)
			if err != nil {
				t.Fatal(err)
			}
			d := newDocument([]byte(tt.data))
			// The look-up must stay the same when the document turns to decoding.
			for range 2000 {
				if got := string(p.find(&d)); got != tt.want {
					t.Fatalf("%s in %s is %q, want %q", tt.path, tt.data, got, tt.want)
				}
			}
			if p.String() != tt.path {
				t.Errorf("String() is %q, want %q", p.String(), tt.path)
			}
		})
	}
}

func TestParsePathRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", ".", "a.", ".a", "a..b", strings.Repeat("a", maxPathBytes+1), strings.Repeat("a.", maxPathParts) + "a"} {
		if p, err := parsePath(text); err == nil {
			t.Errorf("parsePath(%q) is %v, want an error", text, p)
		}
	}
	for _, text := range []string{"a", strings.Repeat("a", maxPathBytes), strings.Repeat("a.", maxPathParts-1) + "a"} {
		if _, err := parsePath(text); err != nil {
			t.Errorf("parsePath(%q): %v", text, err)
		}
	}
}
