package match

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

const (
	maxPathBytes = 1 << 10
	maxPathParts = 32
)

// path is the way to a value inside an event's data.
type path []step

// step is one part of a path.
type step struct {
	key []byte
	// rest is the path from this part on.
	rest []byte
	// index is the part as an array's index, -1 where it is not one.
	index int
}

func parsePath(text string) (path, error) {
	switch {
	case text == "":
		return nil, errors.New("a path must not be empty")
	case len(text) > maxPathBytes:
		return nil, fmt.Errorf("a path has at most %d bytes", maxPathBytes)
	}
	var p path
	for rest := []byte(text); ; {
		key, after, more := bytes.Cut(rest, []byte("."))
		if len(key) == 0 {
			return nil, errors.New("a path must not have an empty part")
		}
		if len(p) == maxPathParts {
			return nil, fmt.Errorf("a path has at most %d parts", maxPathParts)
		}
		p = append(p, step{key: key, rest: rest, index: arrayIndex(string(key))})
		if !more {
			return p, nil
		}
		rest = after
	}
}

// arrayIndex reads digits without a leading zero; anything else is -1.
func arrayIndex(key string) int {
	n, err := strconv.ParseUint(key, 10, 31)
	if err != nil || len(key) > 1 && key[0] == '0' {
		return -1
	}
	return int(n)
}

func (p path) String() string {
	if len(p) == 0 {
		return ""
	}
	return string(p[0].rest)
}

// find returns the value at the path, nil where there is none.
func (p path) find(d *document) value { return p.findIn(d, d.root) }

func (p path) findIn(d *document, v value) value {
	if len(p) == 0 {
		return v
	}
	switch v.kind() {
	case kindObject:
		atKey, atRest := d.member(v, p[0].key, p[0].rest)
		if found := p[1:].findIn(d, atKey); found != nil {
			return found
		}
		return atRest
	case kindArray:
		if p[0].index < 0 {
			return nil
		}
		return p[1:].findIn(d, d.element(v, p[0].index))
	default:
		return nil
	}
}
