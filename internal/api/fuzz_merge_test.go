package api

import (
	"encoding/json"
	"maps"
	"reflect"
	"strings"
	"testing"
)

// FuzzMerge holds mergeValue against RFC 7396 on decoded values.
func FuzzMerge(f *testing.F) {
	for _, seed := range [][2]string{
		{`{"a":{"b":1,"c":2}}`, `{"a":{"b":null,"d":[null]}}`}, {`{"a":1,"a":2}`, `{"a":{"b":1},"a":{"c":2}}`}, {`[1]`, `{"a":null}`}, {`{}`, `{"\u0061":1}`}, {`1`, ` null`},
	} {
		f.Add([]byte(seed[0]), []byte(seed[1]))
	}
	f.Fuzz(func(t *testing.T, target, patch []byte) {
		if !readable(target) || !readable(patch) || len(target)+len(patch) > 4<<10 {
			return
		}
		one := func(text []byte) []byte { s := scanner{text: text}; return s.value() }
		got := mergeValue(one(target), one(patch))
		if !json.Valid(got) {
			t.Fatalf("%s with %s became %s", target, patch, got)
		}
		if want := referenceMerge(anyOf(t, target), anyOf(t, patch)); !reflect.DeepEqual(anyOf(t, got), want) {
			t.Fatalf("%s with %s became %s, want %v", target, patch, got, want)
		}
	})
}

func anyOf(t *testing.T, text []byte) (v any) {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(string(text)))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

// referenceMerge is RFC 7396, section 2, word for word.
func referenceMerge(target, patch any) any {
	p, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	out, ok := target.(map[string]any)
	if !ok {
		out = map[string]any{}
	}
	out = maps.Clone(out)
	for name, value := range p {
		if value == nil {
			delete(out, name)
		} else {
			out[name] = referenceMerge(out[name], value)
		}
	}
	return out
}
