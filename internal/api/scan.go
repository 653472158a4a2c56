package api

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
)

// scanner walks over text that json.Valid has passed; it checks nothing again.
// It does not recurse: nesting costs no stack.
type scanner struct {
	text []byte
	pos  int
}

func (s *scanner) space() {
	for s.pos < len(s.text) {
		switch s.text[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return
		}
	}
}

// value returns the next value without the space around it.
func (s *scanner) value() []byte {
	s.space()
	start := s.pos
	switch s.text[s.pos] {
	case '"':
		s.string()
	case '{', '[':
		s.container()
	default:
		for s.pos < len(s.text) && !isDelimiter(s.text[s.pos]) {
			s.pos++
		}
	}
	return s.text[start:s.pos]
}

func isDelimiter(c byte) bool {
	switch c {
	case ',', '}', ']', ':', ' ', '\t', '\n', '\r':
		return true
	}
	return false
}

func (s *scanner) string() {
	s.pos++
	for {
		// Most strings have no escape: this is one vectorised search.
		n := bytes.IndexByte(s.text[s.pos:], '"')
		end := s.pos + n
		backslashes := 0
		for i := end - 1; i >= s.pos && s.text[i] == '\\'; i-- {
			backslashes++
		}
		s.pos = end + 1
		if backslashes%2 == 0 {
			return
		}
	}
}

func (s *scanner) container() {
	depth := 0
	for {
		switch s.text[s.pos] {
		case '"':
			s.string()
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		s.pos++
		if depth == 0 {
			return
		}
	}
}

// more enters a container (at its opening bracket) or goes on to its next
// entry; false is its end.
func (s *scanner) more() bool {
	s.space()
	c := s.text[s.pos]
	s.pos++
	if c == '}' || c == ']' {
		return false
	}
	s.space() // c was an opening bracket or a comma
	if s.text[s.pos] == '}' || s.text[s.pos] == ']' {
		s.pos++
		return false
	}
	return true
}

// key returns the raw key of an object's entry and leaves the scanner at its value.
func (s *scanner) key() []byte {
	raw := s.value()
	s.space()
	s.pos++ // the colon
	return raw
}

// member is an entry of an object.
type member struct {
	key   string
	value json.RawMessage
}

// members are an object's entries in their order, duplicates included.
func members(object []byte) []member {
	var out []member
	s := scanner{text: object}
	for s.more() {
		key := unquote(s.key())
		out = append(out, member{key, s.value()})
	}
	return out
}

// elements are an array's values, and one more than most where there are more:
// a list of what is refused anyway may be many times as large as its text.
func elements(array []byte, most int) [][]byte {
	var out [][]byte
	s := scanner{text: array}
	for len(out) <= most && s.more() {
		out = append(out, s.value())
	}
	return out
}

// unquote decodes a JSON string.
func unquote(raw []byte) string {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1])
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		panic(err) // raw is a string that json.Valid has passed
	}
	return text
}

// minify returns a copy without the space between tokens; all else stays as it
// was spelled.
func minify(text []byte) []byte {
	out := make([]byte, 0, len(text))
	s := scanner{text: text}
	for s.pos < len(text) {
		switch c := text[s.pos]; c {
		case ' ', '\t', '\n', '\r':
			s.pos++
		case '"':
			start := s.pos
			s.string()
			out = append(out, text[start:s.pos]...)
		default:
			out = append(out, c)
			s.pos++
		}
	}
	return out
}

func isObject(v []byte) bool { return len(v) > 0 && v[0] == '{' }
func isNull(v []byte) bool   { return string(v) == "null" }

// child is the JSON pointer of a member.
func child(pointer, key string) string {
	// No Replacer: making one costs several KiB, and a body may have 100,000 keys.
	return pointer + "/" + strings.ReplaceAll(strings.ReplaceAll(key, "~", "~0"), "/", "~1")
}

func item(pointer string, i int) string { return pointer + "/" + strconv.Itoa(i) }
