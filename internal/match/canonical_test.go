package match

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzCanonical holds that canonical texts are the same exactly when the values
// are equal.
func FuzzCanonical(f *testing.F) {
	for _, seed := range [][2]string{
		{`{"a":1,"b":[1.0]}`, `{"b":[1e0],"a":1}`}, {`["a","b"]`, `["a\",\"b"]`}, {`[1,2]`, `[12]`}, {`{"a":{"b":1}}`, `{"a":{},"b":1}`}, {`"1"`, `1`},
		{`{"a":1,"a":2}`, `{"a":2}`}, {`[[],[]]`, `[[[]]]`}, {`-0`, `0e9`}, {`["\u0000"]`, `["\u0000\u0000"]`}, {`null`, `"n"`}, {`"\ud83d\ude00"`, `"😀"`},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, one, two string) {
		if !json.Valid([]byte(one)) || !json.Valid([]byte(two)) || !utf8.ValidString(one+two) || deepest(one) > maxFilterDepth {
			return
		}
		a, err := decodeJSON([]byte(one))
		if err != nil {
			t.Fatal(err)
		}
		b, err := decodeJSON([]byte(two))
		if err != nil {
			t.Fatal(err)
		}
		x, y := value(strings.Trim(one, " \t\r\n")), value(strings.Trim(two, " \t\r\n"))
		if !validNumbers(a) || !validNumbers(b) {
			return // Compile refuses such in a filter
		}
		if got, want := canonical(x) == canonical(y), (&reference{}).equal(a, b); got != want {
			t.Fatalf("%s and %s are equal: %t, but the texts %q and %q", one, two, want, canonical(x), canonical(y))
		}
	})
}

// A thousand conditions cost a few walks over what they look at, however large:
// an event is matched while others wait.
func TestManyConditionsLookOnceAtALargeValue(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		operand, data string
		kept          func(d *document) int
	}{
		"ContainsInAnArray":  {`{"$contains":%d}`, `[` + strings.Repeat("-1,", 1<<12) + `-1]`, func(d *document) int { return len(d.contents) }},
		"EqualToAnArray":     {`{"$eq":[-1,%d]}`, `[` + strings.Repeat("-1,", 1<<12) + `-1]`, func(d *document) int { return len(d.canonicals) }},
		"EqualToAnObject":    {`{"$eq":{"k":%d}}`, `{` + strings.Repeat(`"k":1,`, 1<<12) + `"k":-1}`, func(d *document) int { return len(d.canonicals) }},
		"LessThanALongOne":   {`{"$gt":1e100000,"$lt":%d}`, strings.Repeat("1", 1<<12), func(d *document) int { return len(d.numbers) }},
		"InAnArrayOfObjects": {`{"$in":[{"k":%d},[]]}`, `{` + strings.Repeat(`"k":1,`, 1<<12) + `"k":-1}`, func(d *document) int { return len(d.canonicals) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var parts []string
			for i := range 300 {
				parts = append(parts, fmt.Sprintf(`{"a":`+tt.operand+`}`, i))
			}
			s := compile(t, `{"$or":[`+strings.Join(parts, ",")+`]}`)
			d := newDocument([]byte(`{"a":` + tt.data + `}`))
			if s.filter.holds(&d) {
				t.Error("it holds")
			}
			if kept := tt.kept(&d); kept != 1 {
				t.Errorf("%d results were kept, want 1", kept)
			}
		})
	}
}
