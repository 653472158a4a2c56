package match

import (
	"bytes"
	"encoding/json"
)

// value is one JSON value as it stands in the text, without the space around
// it; nil is a missing one. Text that is not valid JSON gives wrong values but
// never a panic.
type value []byte

// kind is a JSON value's type; true and false are kinds of their own, so that
// only numbers, strings and containers need a look at their content.
type kind uint8

const (
	kindMissing kind = iota
	kindNull
	kindFalse
	kindTrue
	kindNumber
	kindString
	kindArray
	kindObject
)

func (v value) kind() kind {
	if len(v) == 0 {
		return kindMissing
	}
	switch v[0] {
	case 'n':
		return kindNull
	case 'f':
		return kindFalse
	case 't':
		return kindTrue
	case '"':
		return kindString
	case '[':
		return kindArray
	case '{':
		return kindObject
	default:
		return kindNumber
	}
}

// text is what a string says. It points into the value unless that holds escapes.
func (v value) text() []byte {
	if len(v) < 2 {
		return nil
	}
	content := v[1 : len(v)-1]
	if bytes.IndexByte(content, '\\') < 0 {
		return content
	}
	var s string
	if json.Unmarshal(v, &s) != nil {
		return content
	}
	return []byte(s)
}

// textIs reports whether a string says want.
func (v value) textIs(want []byte) bool {
	// The longest escape is six bytes for one (A is \u0041): a string longer
	// than that can't be equal and is not worth unescaping.
	if size := len(v) - 2; size < len(want) || size > 6*len(want) {
		return false
	}
	return bytes.Equal(v.text(), want)
}

// cursor walks over the members or elements of a container.
type cursor struct{ rest []byte }

func (v value) cursor() cursor {
	if len(v) == 0 {
		return cursor{}
	}
	return cursor{rest: v[1:]}
}

// member returns the next member of an object; ok is false after the last.
func (c *cursor) member() (name, v value, ok bool) {
	name = c.next()
	if name.kind() != kindString {
		return nil, nil, false
	}
	v = c.next()
	return name, v, v != nil
}

// next returns the next value of a container, or nil at its end. Keys are values
// here too: in valid JSON, commas and colons stand where they have to, so they
// are skipped like space.
func (c *cursor) next() value {
	start := 0
	for start < len(c.rest) && isSeparator(c.rest[start]) {
		start++
	}
	size := valueSize(c.rest[start:])
	if size == 0 {
		c.rest = nil
		return nil
	}
	v := value(c.rest[start : start+size : start+size])
	c.rest = c.rest[start+size:]
	return v
}

func isSeparator(b byte) bool {
	switch b {
	case ' ', '\t', '\r', '\n', ',', ':':
		return true
	default:
		return false
	}
}

// valueSize is the length of the value that text starts with; 0 where none does.
func valueSize(text []byte) int {
	if len(text) == 0 {
		return 0
	}
	switch text[0] {
	case '"':
		return stringSize(text)
	case '{', '[':
		return containerSize(text)
	}
	for i, b := range text {
		if isSeparator(b) || b == '}' || b == ']' {
			return i
		}
	}
	return len(text)
}

// stringSize looks for quotes, which is faster than looking at every byte, and
// for an even number of backslashes before one.
func stringSize(text []byte) int {
	for end := 1; ; {
		quote := bytes.IndexByte(text[min(end, len(text)):], '"')
		if quote < 0 {
			return len(text)
		}
		end += quote + 1
		escapes := 0
		for text[end-2-escapes] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			return end
		}
	}
}

// containerSize counts brackets instead of recursing: an event may be nested as
// deep as a megabyte allows.
func containerSize(text []byte) int {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			i += stringSize(text[i:]) - 1
		case '{', '[':
			depth++
		case '}', ']':
			depth--
			if depth == 0 {
				return i + 1
			}
		}
	}
	return len(text)
}

// depthOf is how deep the containers of text are nested; a scalar has depth 0.
func depthOf(text []byte) int {
	depth, deepest := 0, 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			i += stringSize(text[i:]) - 1
		case '{', '[':
			depth++
			deepest = max(deepest, depth)
		case '}', ']':
			depth--
		}
	}
	return deepest
}
