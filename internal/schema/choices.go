package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"math/big"
	"slices"
	"strconv"
)

// choices are the sets that a value must be in: enum's and const's.
type choices []choice

type choice struct {
	keys map[string]bool
	// composite says that arrays or objects are among them.
	composite bool
	err       error
}

func (c *choices) add(values []any, what string) {
	one := choice{keys: make(map[string]bool, len(values))}
	for _, v := range values {
		one.keys[string(appendKey(nil, v))] = true
		one.composite = one.composite || isComposite(v)
	}
	one.err = errors.New(what + list(values))
	*c = append(*c, one)
}

func isComposite(v any) bool {
	switch v.(type) {
	case map[string]any, []any:
		return true
	}
	return false
}

// list is the values as a reader of errors wants them.
func list(values []any) string {
	var b bytes.Buffer
	for i, v := range values {
		if b.Len() > maxDetail {
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		_ = enc.Encode(v) // what was decoded can be encoded
		b.Truncate(b.Len() - 1)
	}
	return b.String()
}

func (c choices) check(f *fuel, v any) error {
	for i := range c {
		if isComposite(v) && !c[i].composite {
			return c[i].err
		}
		key := appendKey(nil, v)
		f.burn(len(key) / 64)
		if !c[i].keys[string(key)] {
			return c[i].err
		}
	}
	return nil
}

// appendKey writes a value so that equal ones, and no others, read the same: 1,
// 1.0 and 10e-1 are equal, and the order of members says nothing.
func appendKey(b []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, 'n')
	case bool:
		return strconv.AppendBool(b, v)
	case string:
		return strconv.AppendQuote(b, v)
	case json.Number:
		if r, ok := new(big.Rat).SetString(string(v)); ok {
			return append(b, r.RatString()...)
		}
		return append(b, v...)
	case []any:
		b = append(b, '[')
		for _, element := range v {
			b = append(appendKey(b, element), ',')
		}
		return append(b, ']')
	case map[string]any:
		b = append(b, '{')
		for _, name := range slices.Sorted(maps.Keys(v)) {
			b = append(strconv.AppendQuote(b, name), ':')
			b = append(appendKey(b, v[name]), ',')
		}
		return append(b, '}')
	}
	return b
}
