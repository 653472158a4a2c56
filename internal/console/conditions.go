package console

import (
	"bytes"
	"encoding/json"
	"strings"
)

// maxWords bounds a value that stands in a sentence, in characters.
const maxWords = 60

// conditions says in words what an endpoint's filters want, a sentence each: all of
// them have to hold.
func conditions(filters json.RawMessage) (all []string) {
	for _, m := range membersOf(filters) {
		all = append(all, condition(m.name, m.value))
	}
	return all
}

// condition is one member of a filter: a path with what it must be, or several filters.
func condition(name string, value json.RawMessage) string {
	switch name {
	case "$and":
		return together(value, " and ")
	case "$or":
		return together(value, " or ")
	case "$not":
		return "it is not so that " + inBrackets(value)
	}
	operators := membersOf(value)
	if len(operators) == 0 || !strings.HasPrefix(operators[0].name, "$") {
		return name + " is " + words(value)
	}
	said := make([]string, len(operators))
	for i, op := range operators {
		said[i] = comparison(op.name, op.value)
	}
	return name + " " + strings.Join(said, " and ")
}

// comparison knows each operator that stands under a path.
func comparison(op string, value json.RawMessage) string {
	switch op {
	case "$exists":
		if string(value) == "true" {
			return "is there"
		}
		return "is missing"
	case "$in":
		return "is one of " + listed(value)
	case "$nin":
		return "is none of " + listed(value)
	}
	said := map[string]string{
		"$eq": "is", "$ne": "is not", "$gt": "is more than", "$gte": "is at least", "$lt": "is less than", "$lte": "is at most",
		"$startsWith": "begins with", "$endsWith": "ends with", "$contains": "contains",
	}[op]
	if said == "" { // of a later release's API
		said = op
	}
	return said + " " + words(value)
}

// together is an array of filters.
func together(filters json.RawMessage, by string) string {
	var all []json.RawMessage
	if json.Unmarshal(filters, &all) != nil || len(all) == 0 {
		return words(filters)
	}
	said := make([]string, len(all))
	for i, f := range all {
		said[i] = inBrackets(f)
	}
	return strings.Join(said, by)
}

// inBrackets is a filter within another: in brackets unless it is one comparison, for
// else nobody knows what an "or" behind it belongs to.
func inBrackets(filter json.RawMessage) string {
	all := conditions(filter)
	if len(all) == 0 {
		return "anything" // {} holds for every event
	}
	text := strings.Join(all, " and ")
	m := membersOf(filter)[0]
	if len(all) > 1 || strings.HasPrefix(m.name, "$") || len(membersOf(m.value)) > 1 {
		return "(" + text + ")"
	}
	return text
}

func listed(array json.RawMessage) string {
	var all []json.RawMessage
	if json.Unmarshal(array, &all) != nil || len(all) == 0 {
		return "nothing"
	}
	said := make([]string, len(all))
	for i, v := range all {
		said[i] = words(v)
	}
	return short(strings.Join(said, ", "), 2*maxWords)
}

// words is a value: a text in quotes, and anything else as JSON has it.
func words(value json.RawMessage) string {
	var text string
	if len(value) > 0 && value[0] == '"' && json.Unmarshal(value, &text) == nil {
		return "“" + short(text, maxWords) + "”"
	}
	var out bytes.Buffer
	if json.Compact(&out, value) != nil {
		return short(string(value), maxWords)
	}
	return short(out.String(), maxWords)
}

// short is the beginning of a text that is too long.
func short(text string, most int) string {
	runes := []rune(text)
	if len(runes) <= most {
		return text
	}
	return string(runes[:most]) + "…"
}

// member is one of an object's.
type member struct {
	name  string
	value json.RawMessage
}

// membersOf are an object's members in their order, and none of anything else.
func membersOf(object json.RawMessage) (all []member) {
	d := json.NewDecoder(bytes.NewReader(object))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil
	}
	for d.More() {
		name, err := d.Token()
		var m member
		if err != nil || d.Decode(&m.value) != nil {
			return nil
		}
		m.name, _ = name.(string) // an object's names are texts
		all = append(all, m)
	}
	return all
}
