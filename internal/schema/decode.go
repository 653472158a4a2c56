package schema

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/postrider/postrider/internal/webhook"
)

// What a number may be made of: the library makes fractions of them, and one
// like 1e999999 alone would take milliseconds.
const (
	maxNumberBytes = 400
	maxExponent    = 1000
)

// decode reads one JSON value, numbers as they are spelled, and says what it
// holds that no schema can be held against.
func decode(raw []byte, maxDepth int) (any, *webhook.FieldError) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, &webhook.FieldError{Detail: "must be valid JSON"}
	}
	return v, check(v, nil, maxDepth)
}

func check(v any, path []string, maxDepth int) *webhook.FieldError {
	if len(path) > maxDepth {
		return &webhook.FieldError{Pointer: pointerTo(path), Detail: "is nested deeper than " + strconv.Itoa(maxDepth) + " levels"}
	}
	switch v := v.(type) {
	case map[string]any:
		for key, member := range v {
			if bad := check(member, append(path, key), maxDepth); bad != nil {
				return bad
			}
		}
	case []any:
		for i, element := range v {
			if bad := check(element, append(path, strconv.Itoa(i)), maxDepth); bad != nil {
				return bad
			}
		}
	case json.Number:
		if !comparable(string(v)) {
			return &webhook.FieldError{Pointer: pointerTo(path), Detail: "is a number beyond what a schema can be held against"}
		}
	}
	return nil
}

func comparable(number string) bool {
	if len(number) > maxNumberBytes {
		return false
	}
	e := strings.IndexAny(number, "eE")
	if e < 0 {
		return true
	}
	exponent, err := strconv.Atoi(number[e+1:])
	return err == nil && exponent >= -maxExponent && exponent <= maxExponent
}

// countValues counts a value and all below it.
func countValues(v any) int {
	n := 1
	switch v := v.(type) {
	case map[string]any:
		for _, member := range v {
			n += countValues(member)
		}
	case []any:
		for _, element := range v {
			n += countValues(element)
		}
	}
	return n
}

// pointerTo is a path as a JSON pointer.
func pointerTo(path []string) string {
	var b strings.Builder
	for _, part := range path {
		b.WriteByte('/')
		b.WriteString(escaper.Replace(part))
	}
	return b.String()
}

var escaper = strings.NewReplacer("~", "~0", "/", "~1")
