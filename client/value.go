package client

import (
	"encoding/json"
	"errors"
)

// WorkspaceID names a workspace. The API writes an id of digits as a number and
// takes both forms; here it is always text.
type WorkspaceID string

// UnmarshalJSON takes a string or a number.
func (w *WorkspaceID) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] == '"' {
		return json.Unmarshal(raw, (*string)(w))
	}
	var n json.Number
	if err := json.Unmarshal(raw, &n); err != nil || n == "" {
		return errors.New("a workspace id is a string or a number")
	}
	*w = WorkspaceID(n)
	return nil
}

// Patch is a field of a merge patch (RFC 7396). Its zero value leaves the field as it
// is; [Set] gives it a value and [Null] brings its default back.
type Patch[T any] struct {
	given bool
	value *T
}

// Set gives a field a value.
func Set[T any](value T) Patch[T] { return Patch[T]{given: true, value: &value} }

// Null brings a field's default back.
func Null[T any]() Patch[T] { return Patch[T]{given: true} }

// IsZero says that the field is left as it is.
func (p Patch[T]) IsZero() bool { return !p.given }

// MarshalJSON writes the value, or null.
func (p Patch[T]) MarshalJSON() ([]byte, error) { return encode(p.value) }
