package client

import (
	"errors"
	"strconv"
	"strings"
)

// Refusals are the errors of those of a batch's n events that the answer to the whole
// names, by their places and each with its own fields, as if it had been published
// alone. There are none where the answer names no event.
func Refusals(err error, n int) map[int]*Error {
	var e *Error
	if !errors.As(err, &e) {
		return nil
	}
	out := map[int]*Error{}
	for _, f := range e.Errors {
		rest, ok := strings.CutPrefix(f.Pointer, "/events/")
		if !ok {
			continue
		}
		place, field, deeper := strings.Cut(rest, "/")
		i, err := strconv.Atoi(place)
		if err != nil || i < 0 || i >= n {
			continue
		}
		if out[i] == nil {
			own := *e
			own.Errors = nil
			out[i] = &own
		}
		if deeper {
			field = "/" + field
		}
		out[i].Errors = append(out[i].Errors, FieldError{field, f.Detail})
	}
	return out
}
