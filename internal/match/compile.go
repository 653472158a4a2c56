package match

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/postrider/postrider/internal/webhook"
)

// What one filter may cost; every event of its types is held against it.
const (
	maxFilterBytes = 64 << 10
	maxFilterDepth = 16
	// maxConditions counts the members of $in and $nin too.
	maxConditions = 1000
	// maxErrors are reported at once; more help nobody.
	maxErrors = 50
)

// compiler turns an endpoint's filters into a filter and collects what is wrong
// with them. A pointer is where it is in the endpoint's body.
type compiler struct {
	errors     []webhook.FieldError
	conditions int
}

func (c *compiler) fail(pointer, format string, args ...any) {
	if len(c.errors) < maxErrors {
		c.errors = append(c.errors, webhook.FieldError{Pointer: pointer, Detail: fmt.Sprintf(format, args...)})
	}
}

func (c *compiler) compile(pointer string, raw json.RawMessage) filter {
	raw = bytes.Trim(raw, " \t\r\n") // JSON's space, which is not all of Unicode's
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	var text bytes.Buffer
	switch {
	case len(raw) > maxFilterBytes:
		c.fail(pointer, "must not be larger than %d bytes", maxFilterBytes)
	case !utf8.Valid(raw) || json.Compact(&text, raw) != nil:
		c.fail(pointer, "must be valid JSON in UTF-8")
	case depthOf(raw) > maxFilterDepth:
		c.fail(pointer, "must not be nested deeper than %d levels", maxFilterDepth)
	default:
		f := c.filter(pointer, text.Bytes())
		if c.conditions > maxConditions {
			c.fail(pointer, "must not hold more than %d conditions, members of $in and $nin included", maxConditions)
		}
		return f
	}
	return nil
}

// filter compiles one object of paths and combinations.
func (c *compiler) filter(pointer string, v value) filter {
	if v.kind() != kindObject {
		c.fail(pointer, "must be an object of paths and what they must be")
		return nil
	}
	var f filter
	for _, m := range membersOf(v) {
		at := pointer + "/" + escapePointer(m.key)
		if strings.HasPrefix(m.key, "$") {
			f = append(f, c.combination(at, operator(m.key), m.value))
			continue
		}
		p, err := parsePath(m.key)
		if err != nil {
			c.fail(at, "%v", err)
			continue
		}
		f = append(f, c.entry(at, p, m.value)...)
	}
	return f
}

// combination compiles $or, $and and $not.
func (c *compiler) combination(pointer string, op operator, v value) condition {
	c.conditions++
	cond := condition{op: op, operand: json.RawMessage(v)}
	switch op {
	case opNot:
		cond.parts = []filter{c.filter(pointer, v)}
	case opOr, opAnd:
		cur := v.cursor()
		if v.kind() != kindArray || cur.next() == nil {
			c.fail(pointer, "%s needs an array of at least one filter", op)
			return cond
		}
		cur = v.cursor()
		for e := cur.next(); e != nil; e = cur.next() {
			at := pointer + "/" + strconv.Itoa(len(cond.parts))
			cond.parts = append(cond.parts, c.filter(at, e))
		}
	default:
		if isComparison(op) {
			c.fail(pointer, "%s belongs under a path; only $or, $and and $not stand in place of one", op)
		} else {
			c.fail(pointer, "unknown operator; in place of a path there are $or, $and and $not")
		}
	}
	return cond
}

// entry compiles what one path must be: a plain value or operators.
func (c *compiler) entry(pointer string, p path, v value) []condition {
	operators, plain := countKeys(v)
	if operators == 0 {
		c.conditions++
		c.rejectNestedOperators(pointer, p.String(), v)
		return []condition{{op: opEq, path: p, want: c.literal(pointer, opEq, v), operand: json.RawMessage(v), plain: true}}
	}
	if plain > 0 {
		c.fail(pointer, "mixes operators and plain keys; compare with a whole object by $eq")
		return nil
	}
	var all []condition
	for _, m := range membersOf(v) {
		at := pointer + "/" + escapePointer(m.key)
		all = append(all, c.comparison(at, p, operator(m.key), m.value))
	}
	return all
}

// countKeys counts an object's keys that start with $ and those that do not.
func countKeys(v value) (operators, plain int) {
	if v.kind() != kindObject {
		return 0, 0
	}
	for _, m := range membersOf(v) {
		if strings.HasPrefix(m.key, "$") {
			operators++
		} else {
			plain++
		}
	}
	return operators, plain
}

// rejectNestedOperators refuses {"author": {"id": {"$gt": 1}}}: as a plain value
// it would be compared whole, match nothing, and leave its writer wondering.
func (c *compiler) rejectNestedOperators(pointer, where string, v value) {
	if v.kind() != kindObject {
		return
	}
	for _, m := range membersOf(v) {
		at, inner := pointer+"/"+escapePointer(m.key), where+"."+m.key
		if op := operator(m.key); isComparison(op) || isCombination(op) {
			c.fail(at, "operators are not looked for inside a plain value: write the path as %q, or compare by $eq", where)
			return
		}
		c.rejectNestedOperators(at, inner, m.value)
	}
}

// comparison compiles one operator under a path.
func (c *compiler) comparison(pointer string, p path, op operator, v value) condition {
	c.conditions++
	if detail := operandError(op, v); detail != "" {
		c.fail(pointer, "%s", detail)
		return condition{}
	}
	want := c.literal(pointer, op, v)
	if op == opIn || op == opNin {
		c.conditions += len(want.items)
	}
	return condition{op: op, path: p, want: want, operand: json.RawMessage(v)}
}

// literal prepares a value; it refuses numbers that are beyond comparing.
func (c *compiler) literal(pointer string, op operator, v value) literal {
	l := newLiteral(v)
	l.prepare(v, op)
	if l.hasFarNumber() {
		c.fail(pointer, "holds a number with an exponent that is too large")
	}
	return l
}

func (l *literal) hasFarNumber() bool {
	return l.kind == kindNumber && l.number.tooFar() ||
		slices.ContainsFunc(l.items, func(item literal) bool { return item.hasFarNumber() })
}
