package api

import (
	"bytes"
	"strings"
)

// checkSurrogates refuses \ud800 and the like without their other half. JSON's
// grammar has them, but they are no character: every reader makes something else of
// them, and a signature over such a body can't be relied on.
func checkSurrogates(body []byte) error {
	at := loneSurrogate(body)
	if at < 0 {
		return nil
	}
	return invalidField(pointerTo(body, at), "holds half of a surrogate pair, which is no character")
}

// loneSurrogate is where the first one is, or -1.
func loneSurrogate(text []byte) int {
	for i := 0; ; {
		n := bytes.IndexByte(text[i:], '\\')
		if n < 0 {
			return -1
		}
		i += n
		if text[i+1] != 'u' {
			i += 2
			continue
		}
		half := hex4(text[i+2:])
		switch {
		case half < 0xd800 || half > 0xdfff:
			i += 6
		case half < 0xdc00 && i+11 < len(text) && text[i+6] == '\\' && text[i+7] == 'u' && isLow(hex4(text[i+8:])):
			i += 12
		default:
			return i
		}
	}
}

func isLow(half int) bool { return half >= 0xdc00 && half <= 0xdfff }

func hex4(text []byte) int {
	n := 0
	for _, c := range text[:4] {
		switch {
		case c >= 'a':
			c -= 'a' - 10
		case c >= 'A':
			c -= 'A' - 10
		default:
			c -= '0'
		}
		n = n<<4 | int(c)
	}
	return n
}

// pointerTo is the JSON pointer of the string that holds the byte, or of the
// object when that string is a key. It walks over the text once: what is nested
// thousands of levels deep must cost no more than what is flat.
func pointerTo(text []byte, offset int) string {
	var path []place
	s := scanner{text: text}
	for s.space(); s.pos <= offset; s.space() {
		switch c := text[s.pos]; c {
		case '{', '[':
			path = append(path, place{isArray: c == '['})
		case '}', ']':
			path = path[:len(path)-1]
		case ',':
			last := &path[len(path)-1]
			last.index, last.key = last.index+1, nil
		case ':':
		default:
			raw := s.value()
			if n := len(path); n > 0 && path[n-1].key == nil && offset >= s.pos {
				path[n-1].key = raw
			}
			continue
		}
		s.pos++
	}
	return pointerOf(path)
}

// place is where the walk is in a container.
type place struct {
	isArray bool
	index   int
	key     []byte // of the member, in an object; nil until it was read
}

func pointerOf(path []place) string {
	var b strings.Builder
	for _, p := range path {
		switch {
		case p.isArray:
			b.WriteString(item("", p.index))
		case p.key != nil:
			b.WriteString(child("", unquote(p.key)))
		}
	}
	return b.String()
}
