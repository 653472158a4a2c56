package match

import (
	"slices"
	"strconv"
	"strings"
)

// canonical writes a value so that two values have the same text exactly when
// they are equal. One nested deeper than filters may be has a text that no
// literal has.
func canonical(v value) string { return string(appendCanonical(nil, v, maxFilterDepth)) }

func appendCanonical(b []byte, v value, depth int) []byte {
	switch v.kind() {
	case kindMissing:
		return b // of data that is no JSON
	case kindNumber:
		return parseDecimal(v).append(b)
	case kindString:
		return appendSized(append(b, '"'), v.text())
	case kindArray:
		if depth == 0 {
			return append(b, '!')
		}
		b = append(b, '[')
		for cur := v.cursor(); ; {
			e := cur.next()
			if e == nil {
				return append(b, ']')
			}
			b = appendCanonical(b, e, depth-1)
		}
	case kindObject:
		if depth == 0 {
			return append(b, '!')
		}
		all := membersOf(v)
		slices.SortFunc(all, func(x, y member) int { return strings.Compare(x.key, y.key) })
		b = append(b, '{')
		for _, m := range all {
			b = appendCanonical(appendSized(b, m.key), m.value, depth-1)
		}
		return append(b, '}')
	default:
		return append(b, v[0]) // null, true and false by their first letter
	}
}

// appendSized writes the length in front, so that no text reads as another's end.
func appendSized[T string | []byte](b []byte, text T) []byte {
	b = append(strconv.AppendInt(b, int64(len(text)), 10), ':')
	return append(b, text...)
}

func (d decimal) append(b []byte) []byte {
	b = append(strconv.AppendInt(append(b, '#'), int64(d.sign()), 10), 'e')
	b = append(strconv.AppendInt(b, d.point, 10), ':')
	b = append(append(b, d.whole...), d.fraction...)
	return append(b, ';')
}
