package console

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/postrider/postrider/client"
)

// mistakes are what is wrong with a form, by field; under "" what belongs to none.
type mistakes map[string][]mistake

// mistake is one of them. At is the place within a field that holds JSON, "" for all
// of it.
type mistake struct{ At, Text string }

func (m mistakes) add(field, text string) { m[field] = append(m[field], mistake{Text: text}) }

// First is what a field of one line has to say.
func (m mistakes) First(field string) string {
	if len(m[field]) == 0 {
		return ""
	}
	return m[field][0].Text
}

// refused puts what the API says of the input beside these fields. It is false for
// any other error, which the caller returns.
func (m mistakes) refused(err error, fields ...string) bool {
	var e *client.Error
	if !errors.As(err, &e) || e.Status != http.StatusUnprocessableEntity {
		return false
	}
	for _, bad := range e.Errors {
		field, at, nested := strings.Cut(strings.TrimPrefix(bad.Pointer, "/"), "/")
		if nested {
			at = "/" + at
		}
		if !slices.Contains(fields, field) {
			field, at = "", bad.Pointer
		}
		m[field] = append(m[field], mistake{at, bad.Detail})
	}
	if len(m) == 0 {
		m.add("", e.Detail)
	}
	return true
}

// readJSON reads what somebody typed. What it means the API says; where it is no JSON
// at all nobody but the form can say in which line.
func (m mistakes) readJSON(field, text string) json.RawMessage {
	var raw json.RawMessage
	err := json.Unmarshal([]byte(text), &raw)
	if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) {
		line, column := placeOf(text, int(syntax.Offset))
		m.add(field, fmt.Sprintf("is no JSON: %s, in line %d at column %d", syntax.Error(), line, column))
		return nil
	}
	if err != nil {
		m.add(field, "is no JSON")
		return nil
	}
	return raw
}

// placeOf is where a decoder stood that has read so many bytes.
func placeOf(text string, read int) (line, column int) {
	before := text[:max(0, min(read, len(text))-1)]
	line = strings.Count(before, "\n") + 1
	column = len([]rune(before[strings.LastIndex(before, "\n")+1:])) + 1
	return line, column
}
