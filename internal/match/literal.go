package match

import "bytes"

// literal is a value out of a filter, prepared for comparing.
type literal struct {
	kind   kind
	text   []byte  // of a string
	number decimal // of a number
	// items are an array's elements or an object's values.
	items []literal
	// keys are an object's, each with its value's place in items.
	keys map[string]int
	// canonical is set of the operand, and of the members of $in and $nin.
	canonical string
}

func newLiteral(v value) literal {
	l := literal{kind: v.kind()}
	switch l.kind {
	case kindString:
		l.text = v.text()
	case kindNumber:
		l.number = parseDecimal(v)
	case kindArray:
		cur := v.cursor()
		for e := cur.next(); e != nil; e = cur.next() {
			l.items = append(l.items, newLiteral(e))
		}
	case kindObject:
		l.keys = map[string]int{}
		for i, m := range membersOf(v) {
			l.keys[m.key] = i
			l.items = append(l.items, newLiteral(m.value))
		}
	}
	return l
}

// prepare sets the canonical texts, which only what stands in a condition needs.
func (l *literal) prepare(v value, op operator) {
	l.canonical = canonical(v)
	if op != opIn && op != opNin {
		return
	}
	cur := v.cursor()
	for i := range l.items {
		l.items[i].canonical = canonical(cur.next())
	}
}

// equalsFound is equals for the value at a path, which many conditions may ask for.
func (l *literal) equalsFound(d *document, v value) bool {
	if v.kind() != l.kind {
		return false
	}
	switch l.kind {
	case kindNumber:
		return d.number(v).compare(l.number) == 0
	case kindArray, kindObject:
		if text, ok := d.canonical(v); ok {
			return text == l.canonical
		}
	}
	return l.equals(v)
}

// equals is deep equality without coercion. An object's key order says nothing,
// a number's spelling neither; a missing value equals nothing.
func (l *literal) equals(v value) bool {
	if v.kind() != l.kind {
		return false
	}
	switch l.kind {
	case kindString:
		return v.textIs(l.text)
	case kindNumber:
		return parseDecimal(v).compare(l.number) == 0
	case kindArray:
		return l.equalsArray(v)
	case kindObject:
		return l.equalsObject(v)
	default:
		return true // null, true and false are told by their kind
	}
}

func (l *literal) equalsArray(v value) bool {
	cur := v.cursor()
	for i := range l.items {
		if e := cur.next(); e == nil || !l.items[i].equals(e) {
			return false
		}
	}
	return cur.next() == nil
}

func (l *literal) equalsObject(v value) bool {
	// The last of an object's repeated keys counts, so nothing is compared
	// before all of them were seen.
	found := make([]value, len(l.items))
	for cur := v.cursor(); ; {
		name, member, ok := cur.member()
		if !ok {
			break
		}
		place, known := l.keys[string(name.text())]
		if !known {
			return false
		}
		found[place] = member
	}
	for i := range l.items {
		if !l.items[i].equals(found[i]) {
			return false
		}
	}
	return true
}

// hasItem reports whether v equals one of the array's elements.
func (l *literal) hasItem(d *document, v value) bool {
	for i := range l.items {
		if l.items[i].equalsFound(d, v) {
			return true
		}
	}
	return false
}

// isIn reports whether v contains l: a string as a part of it, an array as a member.
func (l *literal) isIn(d *document, v value) bool {
	switch v.kind() {
	case kindString:
		return l.kind == kindString && bytes.Contains(d.text(v), l.text)
	case kindArray:
		if all := d.content(v); all != nil {
			_, ok := all[l.canonical]
			return ok
		}
		cur := v.cursor()
		for e := cur.next(); e != nil; e = cur.next() {
			if l.equals(e) {
				return true
			}
		}
	}
	return false
}

// order compares v with l; ok is false unless both are numbers or both are
// strings. Strings go by their bytes, which is the order of their code points.
func (l *literal) order(d *document, v value) (c int, ok bool) {
	if v.kind() != l.kind {
		return 0, false
	}
	if l.kind == kindNumber {
		return d.number(v).compare(l.number), true
	}
	return bytes.Compare(d.text(v), l.text), true
}
