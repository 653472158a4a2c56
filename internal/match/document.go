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
	// texts holds long strings unescaped, by their first byte.
	texts map[*byte][]byte
}

// container is an object or array that was decoded one level deep.
type container struct {
	members  map[string]value
	elements []value
}

// longText is from how many bytes on an unescaped string is worth keeping.
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
	d.scanned += len(v)
	if d.scanned <= 4*len(d.root)+4<<10 {
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
