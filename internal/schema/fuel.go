package schema

import (
	"errors"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// fullTank is what one validation may cost, in steps of some 100 ns.
const fullTank = 250_000

var errTooMuchWork = errors.New("takes more work than may be spent on holding one event against its schema")

// fuel is what is left of one validation's work.
type fuel struct{ left int }

// fuelSpent is thrown through the library, which can't be stopped otherwise.
type fuelSpent struct{}

func (f *fuel) fill() { f.left = fullTank }

func (f *fuel) burn(n int) {
	if f.left -= n; f.left < 0 {
		panic(fuelSpent{})
	}
}

const hookName = "postrider"

// hooks returns a vocabulary without keywords. Its Compile is called for each
// subschema; what it hangs in there as a format is called each time a value is
// held against that subschema, before the costly keywords are looked at. Formats
// are annotations in this draft, so none is lost.
func (f *fuel) hooks() *jsonschema.Vocabulary {
	return &jsonschema.Vocabulary{
		URL: "urn:postrider:fuel",
		Compile: func(ctx *jsonschema.CompilerContext, _ map[string]any) (jsonschema.SchemaExt, error) {
			s := ctx.Enqueue(nil) // the one that is being compiled
			own := f.take(s)
			weight := 1 + (len(s.AllOf)+len(s.AnyOf)+len(s.OneOf)+len(s.PrefixItems)+
				len(s.Required)+len(s.DependentRequired)+len(s.DependentSchemas))/8
			s.Format = &jsonschema.Format{Name: hookName, Validate: func(v any) error {
				f.burn(weight + breadth(v)/4)
				if s.UniqueItems {
					f.burn(comparing(v))
				}
				return own.check(f, v)
			}}
			return nil, nil
		},
	}
}

// breadth is how many values are right below one.
func breadth(v any) int {
	switch v := v.(type) {
	case map[string]any:
		return len(v)
	case []any:
		return len(v)
	case string:
		return len(v) / 64
	}
	return 0
}

// comparing is what it takes to find equal elements: up to 20 are compared with
// each other, of more the hashes.
func comparing(v any) int {
	elements, _ := v.([]any)
	if len(elements) > 20 {
		return countValues(v)
	}
	return countValues(v) * len(elements) / 4
}

// take moves enum and const from the library, which would compare with each
// value in turn, to sets of our own.
func (f *fuel) take(s *jsonschema.Schema) choices {
	var c choices
	if s.Enum != nil {
		c.add(s.Enum.Values, "must be one of ")
		s.Enum = nil
	}
	if s.Const != nil {
		c.add([]any{*s.Const}, "must be ")
		s.Const = nil
	}
	return c
}
