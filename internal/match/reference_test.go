package match

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
)

// reference is the filters' meaning once more, slow and simple: on decoded JSON
// and numbers of any size. Fuzzing holds the real thing against it.
type reference struct{}

// missing stands for a path that leads nowhere.
type missing struct{}

func decodeJSON(text []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var v any
	err := dec.Decode(&v)
	return v, err
}

func (r *reference) filter(f map[string]any, data any) bool {
	for key, want := range f {
		if !r.entry(key, want, data) {
			return false
		}
	}
	return true
}

func (r *reference) entry(key string, want, data any) bool {
	switch key {
	case "$and", "$or":
		n := 0
		for _, part := range want.([]any) {
			if r.filter(part.(map[string]any), data) {
				n++
			}
		}
		return n > 0 && key == "$or" || n == len(want.([]any))
	case "$not":
		return !r.filter(want.(map[string]any), data)
	}
	found := r.find(strings.Split(key, "."), data)
	ops, ok := want.(map[string]any)
	if !ok || len(ops) == 0 {
		return r.equal(found, want)
	}
	for op := range ops {
		if op == "" || op[0] != '$' {
			return r.equal(found, want)
		}
	}
	for op, operand := range ops {
		if !r.operator(op, operand, found) {
			return false
		}
	}
	return true
}

func (r *reference) find(parts []string, v any) any {
	if len(parts) == 0 {
		return v
	}
	switch v := v.(type) {
	case map[string]any:
		if at, ok := v[parts[0]]; ok {
			if found := r.find(parts[1:], at); found != (any)(missing{}) {
				return found
			}
		}
		if at, ok := v[strings.Join(parts, ".")]; ok {
			return at
		}
	case []any:
		n, err := strconv.Atoi(parts[0])
		if err == nil && n >= 0 && n < len(v) && strconv.Itoa(n) == parts[0] {
			return r.find(parts[1:], v[n])
		}
	}
	return missing{}
}

func (r *reference) operator(op string, want, found any) bool {
	text, isText := found.(string)
	part, _ := want.(string)
	switch op {
	case "$eq":
		return r.equal(found, want)
	case "$ne":
		return !r.equal(found, want)
	case "$in":
		return r.contains(want.([]any), found)
	case "$nin":
		return !r.contains(want.([]any), found)
	case "$exists":
		return (found != (any)(missing{})) == want.(bool)
	case "$startsWith":
		return isText && strings.HasPrefix(text, part)
	case "$endsWith":
		return isText && strings.HasSuffix(text, part)
	case "$contains":
		if list, ok := found.([]any); ok {
			return r.contains(list, want)
		}
		_, wantText := want.(string)
		return isText && wantText && strings.Contains(text, part)
	}
	c, ok := r.order(found, want)
	switch op {
	case "$gt":
		return ok && c > 0
	case "$gte":
		return ok && c >= 0
	case "$lt":
		return ok && c < 0
	default:
		return ok && c <= 0
	}
}

func (r *reference) contains(list []any, v any) bool {
	for _, e := range list {
		if r.equal(e, v) {
			return true
		}
	}
	return false
}

func (r *reference) order(a, b any) (int, bool) {
	if reflect.TypeOf(a) != reflect.TypeOf(b) {
		return 0, false
	}
	switch a := a.(type) {
	case string:
		return strings.Compare(a, b.(string)), true
	case json.Number:
		return compareNumbers(string(a), string(b.(json.Number))), true
	}
	return 0, false
}

func (r *reference) equal(a, b any) bool {
	switch a := a.(type) {
	case missing:
		return false
	case json.Number:
		c, ok := r.order(a, b)
		return ok && c == 0
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !r.equal(a[i], b[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for k, v := range a {
			other, ok := b[k]
			if !ok || !r.equal(v, other) {
				return false
			}
		}
		return true
	default:
		return a == b
	}
}
