package match

import (
	"fmt"
	"strings"
)

// isComparison reports whether op is an operator that stands under a path.
func isComparison(op operator) bool {
	switch op {
	case opEq, opNe, opGt, opGte, opLt, opLte, opIn, opNin, opExists, opStartsWith, opEndsWith, opContains:
		return true
	default:
		return false
	}
}

// isCombination reports whether op stands in place of a path.
func isCombination(op operator) bool { return op == opOr || op == opAnd || op == opNot }

// operandError says what is wrong with an operator or its operand, "" for nothing.
func operandError(op operator, v value) string {
	k := v.kind()
	switch op {
	case opEq, opNe, opContains:
		return ""
	case opGt, opGte, opLt, opLte:
		return unless(k == kindNumber || k == kindString, op, "a number or a string")
	case opIn, opNin:
		return unless(k == kindArray, op, "an array")
	case opExists:
		return unless(k == kindTrue || k == kindFalse, op, "true or false")
	case opStartsWith, opEndsWith:
		return unless(k == kindString, op, "a string")
	case opOr, opAnd, opNot:
		return fmt.Sprintf("%s stands in place of a path, not under one", op)
	default:
		return "unknown operator"
	}
}

func unless(ok bool, op operator, need string) string {
	if ok {
		return ""
	}
	return fmt.Sprintf("%s needs %s", op, need)
}

// member is one member of a filter's object.
type member struct {
	key   string
	value value
}

// membersOf lists an object's members in the order of their keys' first
// appearance; of repeated keys the last value counts.
func membersOf(v value) []member {
	var all []member
	places := map[string]int{}
	for cur := v.cursor(); ; {
		name, val, ok := cur.member()
		if !ok {
			return all
		}
		key := string(name.text())
		if place, repeated := places[key]; repeated {
			all[place].value = val
			continue
		}
		places[key] = len(all)
		all = append(all, member{key: key, value: val})
	}
}

// escapePointer writes a key as one part of an RFC 6901 JSON pointer.
func escapePointer(key string) string {
	// No Replacer: making one costs several KiB, and filters may have 10,000 keys.
	return strings.ReplaceAll(strings.ReplaceAll(key, "~", "~0"), "/", "~1")
}
