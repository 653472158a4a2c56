package match

import "bytes"

// document is one event's data, and what looking things up in it has taught. It
// is used by one goroutine.
type document struct {
	root value
	// scanned counts the bytes of the containers walked so far.
	scanned int
	// decoded holds containers by their first byte, once walking has cost more
	// than decoding does.
	decoded map[*byte]*container
	// texts holds long strings unescaped, by their first byte; numbers long
	// numbers parsed.
	texts   map[*byte][]byte
	numbers map[*byte]decimal
	// canonicals and contents are of containers that were compared often.
	canonicals map[*byte]string
	contents   map[*byte]map[string]struct{}
}

// container is an object or array that was decoded one level deep.
type container struct {
	members  map[string]value
	elements []value
}

// longText is from how many bytes on it is worth keeping what was made of a value.
const longText = 1 << 10

func newDocument(data []byte) document {
	return document{root: bytes.TrimSpace(data)}
}

// member returns the last member of obj that is named key, and the last that is
// named rest, in one walk.
func (d *document) member(obj value, key, rest []byte) (atKey, atRest value) {
	if c := d.container(obj); c != nil {
		atKey = c.members[string(key)]
		if len(rest) == len(key) {
			return atKey, atKey // the last part is its own rest
		}
		return atKey, c.members[string(rest)]
	}
	for c := obj.cursor(); ; {
		name, v, ok := c.member()
		if !ok {
			return atKey, atRest
		}
		if name.textIs(key) {
			atKey = v
		}
		if name.textIs(rest) {
			atRest = v
		}
	}
}

// element returns the element of arr at index, from 0.
func (d *document) element(arr value, index int) value {
	if c := d.container(arr); c != nil {
		if index >= len(c.elements) {
			return nil
		}
		return c.elements[index]
	}
	c := arr.cursor()
	for range index {
		if c.next() == nil {
			return nil
		}
	}
	return c.next()
}

// container returns v decoded, or nil as long as walking over it is cheaper.
// Thousands of filters on one event, or a thousand paths into a megabyte, would
// else walk the same bytes again and again.
func (d *document) container(v value) *container {
	if d.affords(v) {
		return nil
	}
	if c, ok := d.decoded[&v[0]]; ok {
		return c
	}
	if d.decoded == nil {
		d.decoded = map[*byte]*container{}
	}
	c := decode(v)
	d.decoded[&v[0]] = c
	return c
}

// affords counts a walk over v, and reports whether there have been few so far.
func (d *document) affords(v value) bool {
	d.scanned += len(v)
	return d.scanned <= 4*len(d.root)+4<<10
}

// canonical returns the canonical text of a container; ok is false as long as
// walking over it is cheaper. A thousand conditions on one would else compare a
// megabyte again and again.
func (d *document) canonical(v value) (text string, ok bool) {
	if d.affords(v) || len(v) < longText {
		return "", false
	}
	if text, ok := d.canonicals[&v[0]]; ok {
		return text, true
	}
	if d.canonicals == nil {
		d.canonicals = map[*byte]string{}
	}
	text = canonical(v)
	d.canonicals[&v[0]] = text
	return text, true
}

// content returns the canonical texts of an array's elements, or nil as long as
// walking over it is cheaper.
func (d *document) content(v value) map[string]struct{} {
	if d.affords(v) || len(v) < longText {
		return nil
	}
	if all, ok := d.contents[&v[0]]; ok {
		return all
	}
	if d.contents == nil {
		d.contents = map[*byte]map[string]struct{}{}
	}
	all := map[string]struct{}{}
	var text []byte
	for cur := v.cursor(); ; {
		e := cur.next()
		if e == nil {
			break
		}
		text = appendCanonical(text[:0], e, maxFilterDepth)
		if _, twice := all[string(text)]; !twice {
			all[string(text)] = struct{}{}
		}
	}
	d.contents[&v[0]] = all
	return all
}

func decode(v value) *container {
	c, cur := &container{}, v.cursor()
	if v.kind() == kindArray {
		for e := cur.next(); e != nil; e = cur.next() {
			c.elements = append(c.elements, e)
		}
		return c
	}
	c.members = map[string]value{}
	for {
		name, member, ok := cur.member()
		if !ok {
			return c
		}
		c.members[string(name.text())] = member
	}
}

// text is value.text, but unescapes a long string only once.
func (d *document) text(v value) []byte {
	if len(v) < longText {
		return v.text()
	}
	if text, ok := d.texts[&v[0]]; ok {
		return text
	}
	if d.texts == nil {
		d.texts = map[*byte][]byte{}
	}
	text := v.text()
	d.texts[&v[0]] = text
	return text
}

// number is parseDecimal, but parses a long number only once.
func (d *document) number(v value) decimal {
	if len(v) < longText {
		return parseDecimal(v)
	}
	if n, ok := d.numbers[&v[0]]; ok {
		return n
	}
	if d.numbers == nil {
		d.numbers = map[*byte]decimal{}
	}
	n := parseDecimal(v)
	d.numbers[&v[0]] = n
	return n
}
