package match

import "encoding/json"

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
	// type, and Close whether it is so much like it that one of the two may be
	// misspelt. Set for TypeMismatch.
	NearestType string
	Close       bool
	// Path is the condition's, or "$or" or "$not". Set for FilterMismatch, like Wanted.
	Path string
	// Wanted is what the filter says: a plain value, or one operator with its
	// operand such as {"$gt":5}.
	Wanted json.RawMessage
	// Found is the event's value at Path, nil where there is none or where a
	// combination has no path. It points into the event's data.
	Found json.RawMessage
	// Others are the next conditions that do not hold, in the filter's order, with
	// Path, Wanted and Found; at most MaxOthers of them.
	Others []Reason
}

// MaxOthers bounds what is said of a filter of a thousand conditions.
const MaxOthers = 9

// IsCombination reports whether Path is no path but $or or $not.
func (r *Reason) IsCombination() bool { return isCombination(operator(r.Path)) }

// Explain is Match with the reason why not.
func (s *Subscription) Explain(eventType string, data []byte) Reason {
	if r := s.ExplainType(eventType); r.Code != NoMismatch {
		return r
	}
	d := newDocument(data)
	all := s.filter.failures(&d, nil)
	if len(all) == 0 {
		return Reason{}
	}
	first := all[0]
	first.Others = all[1:]
	return first
}

// failures is failure for all conditions that do not hold. It appends up to one and
// MaxOthers.
func (f filter) failures(d *document, all []Reason) []Reason {
	for i := range f {
		if len(all) > MaxOthers {
			break
		}
		all = f[i].failures(d, all)
	}
	return all
}

func (c *condition) failures(d *document, all []Reason) []Reason {
	if c.op == opAnd {
		for _, part := range c.parts {
			all = part.failures(d, all)
		}
		return all
	}
	failed, found := c.failure(d)
	if failed == nil {
		return all
	}
	return append(all, Reason{Code: FilterMismatch, Path: failed.where(), Wanted: failed.wanted(), Found: json.RawMessage(found)})
}

// ExplainType is Explain without the event's data: its filters are taken to hold.
func (s *Subscription) ExplainType(eventType string) Reason {
	if s.types.matches(eventType) {
		return Reason{}
	}
	pattern, isClose := nearest(s.patterns, eventType)
	return Reason{Code: TypeMismatch, NearestType: pattern, Close: isClose}
}

// HasFilters reports whether the event's data counts.
func (s *Subscription) HasFilters() bool { return len(s.filter) > 0 }

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
