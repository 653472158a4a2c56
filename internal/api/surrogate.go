package api

import "bytes"

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

// pointerTo is the JSON pointer of the innermost value that holds the byte, or
// of the object when it is in a key.
func pointerTo(text []byte, offset int) string {
	pointer := ""
	s := scanner{text: text}
	s.space()
	for s.text[s.pos] == '{' || s.text[s.pos] == '[' {
		isArray, found := s.text[s.pos] == '[', false
		for i := 0; s.more(); i++ {
			next := item(pointer, i)
			if !isArray {
				key := s.key()
				if offset < s.pos {
					return pointer
				}
				next = child(pointer, unquote(key))
			}
			s.space()
			start := s.pos
			if s.value(); offset < s.pos {
				pointer, s.pos, found = next, start, true
				break
			}
		}
		if !found {
			return pointer
		}
	}
	return pointer
}
