package console

import (
	"bytes"
	"cmp"
	"encoding/json"
	"unicode/utf8"
)

const (
	// shownWhole is up to where JSON is shown whole; the beginning stands for what is
	// longer, which can be downloaded.
	shownWhole = 64 << 10
	// mostIndented bounds what lines and spaces make of it: deep nesting squares it.
	mostIndented = 4 * shownWhole
	// deepest is what can be read with indents. It bounds the work of making them: 64 KiB
	// of brackets would become hundreds of megabytes.
	deepest = 64
)

// shownJSON is a payload, a schema or an example as people read it. It is a
// stranger's: text, and nothing else.
type shownJSON struct {
	// Pretty is empty where it would be too large.
	Pretty, Raw string
	Bytes       int64
	// Cut says that Raw is only the beginning.
	Cut bool
}

// newShownJSON is nil where there is none, or it is no longer kept.
func newShownJSON(raw json.RawMessage) *shownJSON {
	if raw == nil || string(raw) == "null" {
		return nil
	}
	s := &shownJSON{Raw: string(raw), Bytes: int64(len(raw))}
	if len(raw) > shownWhole {
		end := shownWhole
		for !utf8.RuneStart(raw[end]) {
			end--
		}
		s.Raw, s.Cut = string(raw[:end]), true
		return s
	}
	s.Pretty = indented(raw)
	return s
}

// Text is what is shown first.
func (s *shownJSON) Text() string {
	if s.Pretty != "" {
		return s.Pretty
	}
	return s.Raw
}

// onLines is JSON for people, or what it is where it can't be indented.
func onLines(raw json.RawMessage) string { return cmp.Or(indented(raw), string(raw)) }

// indented is "" for what is no JSON or too large with indents.
func indented(raw json.RawMessage) string {
	var out bytes.Buffer
	if depthOf(raw) > deepest || json.Indent(&out, raw, "", "  ") != nil || out.Len() > mostIndented {
		return ""
	}
	return out.String()
}

// depthOf is how deep objects and arrays are nested.
func depthOf(raw []byte) (most int) {
	depth, inString := 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{', c == '[':
			depth++
			most = max(most, depth)
		case c == '}', c == ']':
			depth--
		}
	}
	return most
}
