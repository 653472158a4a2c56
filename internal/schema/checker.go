package schema

import (
	"encoding/json"
	"fmt"

	"github.com/postrider/postrider/internal/webhook"
)

// Checker checks what is to be stored.
type Checker struct{}

// Check returns what is wrong with a schema, with pointers below /schema, and
// with an example, below /example; an example has to satisfy its schema. Both may
// be nil.
func (Checker) Check(schema, example json.RawMessage) []webhook.FieldError {
	if len(example) > MaxBytes {
		return []webhook.FieldError{{Pointer: "/example", Detail: fmt.Sprintf("must not be larger than %d bytes", MaxBytes)}}
	}
	if schema == nil {
		if example == nil {
			return nil
		}
		schema = json.RawMessage("{}") // whatever can be held against a schema at all
	}
	s, bad := Compile(schema)
	if bad != nil || example == nil {
		return bad
	}
	return s.Validate(example, "/example")
}
