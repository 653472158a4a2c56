package schema

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/postrider/postrider/internal/webhook"
)

const (
	draft = "https://json-schema.org/draft/2020-12/schema"
	// base is what relative references are relative to. Nothing is ever there.
	base = "https://schema.invalid/"
)

// Compile prepares a schema, an object in valid JSON. What is wrong with it comes
// back with JSON pointers below /schema; then the Schema is nil.
func Compile(raw json.RawMessage) (*Schema, []webhook.FieldError) {
	doc, bad := read(raw)
	if bad == nil {
		bad = checkDraft(doc)
	}
	if bad != nil {
		bad.Pointer = "/schema" + bad.Pointer
		return nil, []webhook.FieldError{*bad}
	}
	f := &fuel{}
	ps := &patterns{fuel: f, known: map[string]*pattern{}}
	f.fill() // the library holds the schema against its own schema
	compiled, err := compile(doc, f, ps)
	if err != nil {
		return nil, problems(doc, err)
	}
	return &Schema{compiled: compiled, fuel: f, size: 8<<10 + 40*len(raw) + 100*ps.instructions}, nil
}

func read(raw json.RawMessage) (any, *webhook.FieldError) {
	if len(raw) > MaxBytes {
		return nil, &webhook.FieldError{Detail: fmt.Sprintf("must not be larger than %d bytes", MaxBytes)}
	}
	doc, bad := decode(raw, maxSchemaDepth)
	if bad != nil {
		return nil, bad
	}
	if countValues(doc) > maxSchemaValues {
		return nil, &webhook.FieldError{Detail: fmt.Sprintf("must not hold more than %d values", maxSchemaValues)}
	}
	return doc, nil
}

func checkDraft(doc any) *webhook.FieldError {
	object, ok := doc.(map[string]any)
	if !ok {
		return &webhook.FieldError{Detail: "must be an object"}
	}
	if given, ok := object["$schema"]; ok {
		if s, _ := given.(string); strings.TrimSuffix(s, "#") != draft {
			return &webhook.FieldError{Pointer: "/$schema", Detail: "must be " + draft}
		}
	}
	return nil
}

// compile recovers from a library that panics: a stranger's schema must not take
// a process down.
func compile(doc any, f *fuel, ps *patterns) (s *jsonschema.Schema, err error) {
	defer func() {
		switch p := recover(); p.(type) {
		case nil:
		case fuelSpent:
			err = errors.New("is too large to be checked")
		default:
			err = errors.New("can't be compiled")
		}
	}()
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.UseLoader(noLoader{})
	c.UseRegexpEngine(ps.compile)
	c.RegisterVocabulary(f.hooks())
	c.AssertVocabs()
	if err := c.AddResource(base, doc); err != nil {
		return nil, err
	}
	return c.Compile(base)
}

// noLoader keeps a schema from reading files and asking other hosts.
type noLoader struct{}

func (noLoader) Load(string) (any, error) {
	return nil, errors.New("a schema must not refer to another document")
}
