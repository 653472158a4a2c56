package match

import (
	"encoding/json"
	"math/big"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzCompile holds that what the contract calls no filter is refused and all
// else is not, and that what is accepted never panics on data that is not even
// JSON.
func FuzzCompile(f *testing.F) {
	for _, seed := range []string{
		``, `null`, `{}`, `[]`, `{"a":1}`, `{"a":{"$gt":1}}`, `{"a":{"$foo":1}}`, `{"$or":[{"a":1},{"b":{"$in":[1,2]}}]}`,
		`{"$not":{"a.b.0":{"$exists":false}}}`, `{"a":{"b":1,"$gt":2}}`, `{"\u0061":"\u00e9\ud83d\ude00"}`, `{"a":1e999999999999}`,
		`{"a":{"b":{"$gt":1}}}`, `{"$gt":1}`, `{"a":{"$or":[]}}`, `{"$and":[]}`, `{"a..b":1}`, `{"a":{"$gt":true}}`, `{"a":{"$eq":{"$gt":1}}}`,
		`{"a":[{"$gt":1}]}`, `{"a":1,"a":{"$nope":1}}`, `{"a":1e-2000000000000000000}`,
	} {
		f.Add("post.*", seed, `{"a":[1,{"b":"c"}]}`)
		f.Add("*", seed, `{"a":`)
	}
	f.Fuzz(func(t *testing.T, pattern, filters, data string) {
		s, errs := Compile([]string{pattern, "x"}, json.RawMessage(filters))
		if (s == nil) != (len(errs) > 0) || len(errs) > 2*maxErrors {
			t.Fatalf("Compile(%q) is %v and %v", filters, s, errs)
		}
		if want := validPattern(pattern) && validFilters(filters); (s != nil) != want {
			t.Fatalf("Compile(%q, %q) is %v, want it to be accepted: %t", pattern, filters, errs, want)
		}
		if s == nil {
			for _, e := range errs {
				if e.Pointer == "" || e.Pointer[0] != '/' || e.Detail == "" || !utf8.ValidString(e.Pointer+e.Detail) {
					t.Fatalf("error %+v", e)
				}
			}
			return
		}
		matches := s.Match("x", []byte(data))
		if r := s.Explain("x", []byte(data)); (r.Code == NoMismatch) != matches {
			t.Fatalf("Match is %t, Explain %+v", matches, r)
		}
	})
}

// validFilters reads them by encoding/json.
func validFilters(text string) bool {
	text = strings.Trim(text, " \t\r\n")
	if text == "" || text == "null" {
		return true
	}
	if len(text) > 64<<10 || !utf8.ValidString(text) || !json.Valid([]byte(text)) {
		return false
	}
	v, err := decodeJSON([]byte(text))
	if err != nil {
		return false
	}
	conditions := 0
	// Depth and numbers count where they stand, also in a member whose key comes
	// again and takes its place.
	return deepest(text) <= 16 && validFilter(v, &conditions) && conditions <= 1000
}

func deepest(text string) int {
	depth, most := 0, 0
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	for {
		token, err := dec.Token()
		if err != nil {
			return most
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
			most = max(most, depth)
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
	}
}

func validFilter(v any, conditions *int) bool {
	f, ok := v.(map[string]any)
	if !ok {
		return false
	}
	for key, want := range f {
		switch {
		case key == "$not":
			*conditions++
			ok = validFilter(want, conditions)
		case key == "$or" || key == "$and":
			*conditions++
			parts, isArray := want.([]any)
			ok = isArray && len(parts) > 0 && !slices.ContainsFunc(parts, func(part any) bool { return !validFilter(part, conditions) })
		case strings.HasPrefix(key, "$"):
			ok = false
		default:
			parts := strings.Split(key, ".")
			ok = len(key) <= 1024 && len(parts) <= 32 && !slices.Contains(parts, "") && validEntry(want, conditions)
		}
		if !ok {
			return false
		}
	}
	return true
}

func validEntry(want any, conditions *int) bool {
	object, isObject := want.(map[string]any)
	operators := 0
	for key := range object {
		if strings.HasPrefix(key, "$") {
			operators++
		}
	}
	if !isObject || operators == 0 {
		*conditions++
		return !nestsOperators(want) && validNumbers(want)
	}
	for op, operand := range object {
		*conditions++
		if !validOperand(op, operand) || !validNumbers(operand) {
			return false
		}
		if op == "$in" || op == "$nin" {
			*conditions += len(operand.([]any))
		}
	}
	return operators == len(object)
}

func validOperand(op string, operand any) bool {
	_, isText := operand.(string)
	_, isNumber := operand.(json.Number)
	_, isBool := operand.(bool)
	_, isArray := operand.([]any)
	switch op {
	case "$eq", "$ne", "$contains":
		return true
	case "$gt", "$gte", "$lt", "$lte":
		return isText || isNumber
	case "$in", "$nin":
		return isArray
	case "$exists":
		return isBool
	case "$startsWith", "$endsWith":
		return isText
	}
	return false
}

// nestsOperators looks into objects, as into a path that was nested by mistake.
func nestsOperators(v any) bool {
	known := strings.Fields("$eq $ne $gt $gte $lt $lte $in $nin $exists $startsWith $endsWith $contains $or $and $not")
	object, _ := v.(map[string]any)
	for key, inner := range object {
		if slices.Contains(known, key) || nestsOperators(inner) {
			return true
		}
	}
	return false
}

// validNumbers refuses exponents that stop being told apart.
func validNumbers(v any) bool {
	switch v := v.(type) {
	case json.Number:
		digits, point := scientific(string(v))
		return digits == "" || new(big.Int).Abs(point).Cmp(big.NewInt(1<<59)) < 0
	case []any:
		return !slices.ContainsFunc(v, func(e any) bool { return !validNumbers(e) })
	case map[string]any:
		for _, e := range v {
			if !validNumbers(e) {
				return false
			}
		}
	}
	return true
}
