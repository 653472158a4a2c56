package match

import (
	"encoding/json"
	"strings"
)

// Code says in one word why an event does not match.
type Code string

// The reasons there are. NoMismatch means that the event matches.
const (
	NoMismatch     Code = ""
	TypeMismatch   Code = "type_mismatch"
	FilterMismatch Code = "filter_mismatch"
)

// Reason is the first reason why a subscription does not want an event.
type Reason struct {
	Code Code
	// NearestType is the subscription's pattern that is most like the event's
	// type: a misspelt one, as a rule. Set for TypeMismatch.
	NearestType string
	// Path is the condition's, or "$or" or "$not". Set for FilterMismatch, like Wanted.
	Path string
	// Wanted is what the filter says: a plain value, or one operator with its
	// operand such as {"$gt":5}.
	Wanted json.RawMessage
	// Found is the event's value at Path, nil where there is none. It points
	// into the event's data.
	Found json.RawMessage
}

// Explain is Match with the reason why not.
func (s *Subscription) Explain(eventType string, data []byte) Reason {
	if !s.types.matches(eventType) {
		return Reason{Code: TypeMismatch, NearestType: nearest(s.patterns, eventType)}
	}
	d := newDocument(data)
	failed, found := s.filter.failure(&d)
	if failed == nil {
		return Reason{}
	}
	return Reason{Code: FilterMismatch, Path: failed.where(), Wanted: failed.wanted(), Found: json.RawMessage(found)}
}

func (c *condition) where() string {
	if len(c.parts) > 0 {
		return string(c.op)
	}
	return c.path.String()
}

func (c *condition) wanted() json.RawMessage {
	if c.plain || len(c.parts) > 0 {
		return c.operand
	}
	return json.RawMessage(`{"` + string(c.op) + `":` + string(c.operand) + `}`)
}

// nearest returns the pattern with the fewest edits to the type; a prefix is
// held against as many of the type's words as it has.
func nearest(patterns []string, eventType string) string {
	best, fewest := "", -1
	for _, pattern := range patterns {
		target := eventType
		name, isPrefix := strings.CutSuffix(pattern, ".*")
		if isPrefix {
			target = firstWords(eventType, strings.Count(name, ".")+1)
		}
		// The difference in length alone costs that many edits.
		if fewest >= 0 && max(len(name)-len(target), len(target)-len(name)) >= fewest {
			continue
		}
		if edits := distance(name, target); fewest < 0 || edits < fewest {
			best, fewest = pattern, edits
		}
	}
	return best
}

func firstWords(eventType string, n int) string {
	words := strings.SplitN(eventType, ".", n+1)
	return strings.Join(words[:min(n, len(words))], ".")
}

// distance is Levenshtein's: the fewest bytes to insert, delete or replace.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
