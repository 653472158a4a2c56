package api

import "testing"

// The examples of RFC 7396, appendix A, but for duplicate and non-object targets
// that a metadata can't have.
func TestMergeValue(t *testing.T) {
	t.Parallel()
	for _, c := range [][3]string{
		{`{"a":"b"}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"b"}`, `{"b":"c"}`, `{"a":"b","b":"c"}`},
		{`{"a":"b"}`, `{"a":null}`, `{}`},
		{`{"a":"b","b":"c"}`, `{"a":null}`, `{"b":"c"}`},
		{`{"a":["b"]}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"c"}`, `{"a":["b"]}`, `{"a":["b"]}`},
		{`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`, `{"a":{"b":"d"}}`},
		{`{"a":[{"b":"c"}]}`, `{"a":[1]}`, `{"a":[1]}`},
		{`["a","b"]`, `["c","d"]`, `["c","d"]`},
		{`{"a":"b"}`, `["c"]`, `["c"]`},
		{`{"a":"foo"}`, `null`, `null`},
		{`{"a":"foo"}`, `"bar"`, `"bar"`},
		{`{"e":null}`, `{"a":1}`, `{"e":null,"a":1}`},
		{`[1,2]`, `{"a":"b","c":null}`, `{"a":"b"}`},
		{`{}`, `{"a":{"bb":{"ccc":null}}}`, `{"a":{"bb":{}}}`},
		{`{"n":1.0,"s":"<"}`, `{"m":1e2}`, `{"n":1.0,"s":"<","m":1e2}`},
	} {
		if got := mergeValue([]byte(c[0]), []byte(c[1])); string(got) != c[2] {
			t.Errorf("%s with %s became %s, want %s", c[0], c[1], got, c[2])
		}
	}
}

func TestPointerTo(t *testing.T) {
	t.Parallel()
	for _, c := range [][2]string{
		{`"!"`, ""}, {`{"a":"!"}`, "/a"}, {` { "a" : [ 1 , { "b/~" : "!" } ] } `, "/a/1/b~1~0"}, {`{"a":{},"b":[[],["x","!"]]}`, "/b/1/1"},
		{`{"x":{"!":1}}`, "/x"}, {`{"!":1}`, ""},
	} {
		at := -1
		for i := range c[0] {
			if c[0][i] == '!' {
				at = i
			}
		}
		if got := pointerTo([]byte(c[0]), at); got != c[1] {
			t.Errorf("%s: got %q, want %q", c[0], got, c[1])
		}
	}
}
