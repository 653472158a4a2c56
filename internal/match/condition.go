package match

import (
	"bytes"
	"encoding/json"
)

// operator is how a condition compares, or combines filters.
type operator string

const (
	opEq         operator = "$eq"
	opNe         operator = "$ne"
	opGt         operator = "$gt"
	opGte        operator = "$gte"
	opLt         operator = "$lt"
	opLte        operator = "$lte"
	opIn         operator = "$in"
	opNin        operator = "$nin"
	opExists     operator = "$exists"
	opStartsWith operator = "$startsWith"
	opEndsWith   operator = "$endsWith"
	opContains   operator = "$contains"

	// These stand in place of a path.
	opOr  operator = "$or"
	opAnd operator = "$and"
	opNot operator = "$not"
)

// filter holds when all its conditions do; an empty one always does.
type filter []condition

// condition is one operator with its operand.
type condition struct {
	op operator
	// path and want are set unless the operator combines filters.
	path path
	want literal
	// parts are the filters that $or, $and and $not combine.
	parts []filter
	// operand is what the user wrote; plain says that it stood there without
	// an operator.
	operand json.RawMessage
	plain   bool
}

// failure returns the first condition that does not hold, and the value that it
// did not hold for; nil when the filter holds.
func (f filter) failure(d *document) (*condition, value) {
	for i := range f {
		if failed, found := f[i].failure(d); failed != nil {
			return failed, found
		}
	}
	return nil, nil
}

func (f filter) holds(d *document) bool {
	failed, _ := f.failure(d)
	return failed == nil
}

func (c *condition) failure(d *document) (*condition, value) {
	switch c.op {
	case opAnd:
		for _, part := range c.parts {
			if failed, found := part.failure(d); failed != nil {
				return failed, found
			}
		}
		return nil, nil
	case opOr:
		for _, part := range c.parts {
			if part.holds(d) {
				return nil, nil
			}
		}
		return c, nil
	case opNot:
		if c.parts[0].holds(d) {
			return c, nil
		}
		return nil, nil
	}
	found := c.path.find(d)
	if c.holdsFor(d, found) {
		return nil, nil
	}
	return c, found
}

// holdsFor applies the operator to the value at the path, nil if it is missing.
func (c *condition) holdsFor(d *document, v value) bool {
	switch c.op {
	case opEq:
		return c.want.equalsFound(d, v)
	case opNe:
		return !c.want.equalsFound(d, v)
	case opIn:
		return c.want.hasItem(d, v)
	case opNin:
		return !c.want.hasItem(d, v)
	case opExists:
		return (v != nil) == (c.want.kind == kindTrue)
	case opStartsWith:
		return v.kind() == kindString && bytes.HasPrefix(d.text(v), c.want.text)
	case opEndsWith:
		return v.kind() == kindString && bytes.HasSuffix(d.text(v), c.want.text)
	case opContains:
		return c.want.isIn(d, v)
	default:
		return c.holdsInOrder(d, v)
	}
}

func (c *condition) holdsInOrder(d *document, v value) bool {
	order, ok := c.want.order(d, v)
	if !ok {
		return false
	}
	switch c.op {
	case opGt:
		return order > 0
	case opGte:
		return order >= 0
	case opLt:
		return order < 0
	case opLte:
		return order <= 0
	default:
		return false
	}
}
