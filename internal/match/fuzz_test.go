package match

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzMatch holds Match against the reference.
func FuzzMatch(f *testing.F) {
	for _, seed := range [][2]string{
		{`{"s":"a"}`, `{"s":"\u0061"}`},
		{`{"n":{"$gte":1.5e1,"$lt":9007199254740993}}`, `{"n":9007199254740992}`},
		{`{"a.b.0":{"$in":[null,"x",1.0]}}`, `{"a":{"b":[1]},"a":{"b":["x"]}}`},
		{`{"v":{"x":[1,{"y":null}]}}`, `{"v":{"x":[1e0,{"y":null}]}}`},
		{`{"$or":[{"a":{"$contains":"b"}},{"$not":{"c":{"$startsWith":"d"}}}]}`, `{"a":["b"],"c":"de"}`},
		{`{"a.b":{"$exists":false},"c":{"$ne":null},"d":{"$nin":[]}}`, `{"a.b":1,"c":-0}`},
		{`{"s":{"$endsWith":"\n","$gt":"é","$lte":"😀"}}`, `{"s":"\ud83d\ude00\n"}`},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, filters, data string) {
		if !json.Valid([]byte(data)) || !utf8.ValidString(data) {
			return // events are valid JSON in UTF-8
		}
		s, errs := Compile([]string{"*"}, json.RawMessage(filters))
		if errs != nil || len(s.filter) == 0 {
			return
		}
		checkAgainstReference(t, s, filters, data)
	})
}

func checkAgainstReference(t interface {
	Fatalf(format string, args ...any)
}, s *Subscription, filters, data string,
) {
	want, err := decodeJSON([]byte(filters))
	if err != nil {
		t.Fatalf("decode %s: %v", filters, err)
	}
	event, err := decodeJSON([]byte(data))
	if err != nil {
		t.Fatalf("decode %s: %v", data, err)
	}
	var r reference
	expect := r.filter(want.(map[string]any), event)
	if got := s.Match("x", []byte(data)); got != expect {
		t.Fatalf("filter %s on %s is %t, want %t", filters, data, got, expect)
	}
	// Once more as if the event were large and many filters had gone before.
	if strings.Count(data, "{")+strings.Count(data, "[") > 20 {
		return
	}
	d := newDocument([]byte(padded(data)))
	d.scanned = 1 << 40
	if got := s.filter.holds(&d); got != expect {
		t.Fatalf("filter %s on %s is %t from the cache, want %t", filters, data, got, expect)
	}
}

// padded makes every container long by what says nothing.
func padded(data string) string {
	var b strings.Builder
	inString := false
	for i := range len(data) {
		c := data[i]
		b.WriteByte(c)
		if c == '"' && (i == 0 || !escapedQuote(data[:i])) {
			inString = !inString
		}
		if !inString && (c == '{' || c == '[') {
			b.WriteString(strings.Repeat(" ", longText))
		}
	}
	return b.String()
}

func escapedQuote(before string) bool {
	return (len(before)-len(strings.TrimRight(before, `\`)))%2 == 1
}
