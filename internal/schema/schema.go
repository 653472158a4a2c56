// Package schema holds events' data against JSON Schemas (draft 2020-12) that
// strangers wrote. Nothing is loaded from anywhere, and what a schema and a
// validation may cost is bounded: without that, 64 KiB of schema can take years
// over one event. It does no I/O.
package schema

import (
	"encoding/json"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/postrider/postrider/internal/webhook"
)

// MaxBytes bounds a schema.
const MaxBytes = 64 << 10

const (
	// maxSchemaDepth and maxSchemaValues bound a schema's nesting and how many
	// values it is made of; the library's compiler is quadratic in the latter.
	maxSchemaDepth  = 64
	maxSchemaValues = 5000
	// maxDataDepth bounds the nesting of data: some schemas take twice as long
	// for each level.
	maxDataDepth = 128
	// maxErrors are reported at once; more help nobody.
	maxErrors = 50
	// maxDetail bounds one error's text, which may quote the data.
	maxDetail = 300
)

// Schema is a compiled schema; many goroutines may use it.
type Schema struct {
	compiled *jsonschema.Schema
	size     int
	// mu guards fuel, which the compiled schema's hooks burn.
	mu   sync.Mutex
	fuel *fuel
}

// Size is the memory that the schema takes, roughly.
func (s *Schema) Size() int { return s.size }

// Validate returns what is wrong with data, which must be valid JSON. Pointers
// are those of the data below the given one. Data that costs too much to be held
// against the schema is wrong, too: it can't be called right.
func (s *Schema) Validate(data json.RawMessage, pointer string) []webhook.FieldError {
	v, problem := decode(data, maxDataDepth)
	if problem != nil {
		return []webhook.FieldError{{Pointer: pointer + problem.Pointer, Detail: problem.Detail}}
	}
	err := s.validate(v)
	if err == nil {
		return nil
	}
	return listOf(err, pointer)
}

// validate recovers from what the hooks throw when the fuel is spent.
func (s *Schema) validate(v any) (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fuel.fill()
	defer func() {
		if p := recover(); p != nil {
			if _, spent := p.(fuelSpent); !spent {
				panic(p)
			}
			err = errTooMuchWork
		}
	}()
	return s.compiled.Validate(v)
}
