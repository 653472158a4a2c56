package schema

import (
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/postrider/postrider/internal/webhook"
)

// listOf turns the library's tree of errors into a list, sorted: the library
// goes through members in no order.
func listOf(err error, pointer string) []webhook.FieldError {
	r := report{pointer: pointer}
	r.add(err)
	slices.SortStableFunc(r.errors, func(a, b webhook.FieldError) int { return strings.Compare(a.Pointer, b.Pointer) })
	return r.errors
}

type report struct {
	pointer string
	errors  []webhook.FieldError
}

func (r *report) add(err error) {
	var tree *jsonschema.ValidationError
	if !errors.As(err, &tree) {
		r.fail(nil, err.Error())
		return
	}
	r.walk(tree)
}

// walk goes down to what went wrong, but not into alternatives: each of them says
// what it would have wanted, and none what is wrong.
func (r *report) walk(e *jsonschema.ValidationError) {
	if len(r.errors) >= maxErrors {
		return
	}
	at := e.InstanceLocation
	switch k := e.ErrorKind.(type) {
	case *kind.AnyOf:
		r.fail(at, "matches none of the schema's alternatives (anyOf)")
	case *kind.OneOf:
		detail := "matches none of the schema's alternatives (oneOf)"
		if len(k.Subschemas) > 0 {
			detail = "matches more than one of the schema's alternatives (oneOf)"
		}
		r.fail(at, detail)
	case *kind.Not:
		r.fail(at, "matches what it must not (not)")
	case *kind.Contains, *kind.MinContains, *kind.MaxContains:
		r.fail(at, e.ErrorKind.LocalizedString(printer()))
	case *kind.Required:
		r.each(at, k.Missing, "is required")
	case *kind.DependentRequired:
		r.each(at, k.Missing, "is required where there is "+k.Prop)
	case *kind.AdditionalProperties:
		r.each(at, k.Properties, "is not allowed")
	case *kind.PropertyNames:
		r.each(at, []string{k.Property}, "has a name that is not allowed"+why(e.Causes))
	case *kind.FalseSchema:
		r.fail(at, "is not allowed")
	case *kind.Type:
		r.fail(at, "must be "+strings.Join(k.Want, " or ")+", not "+k.Got)
	case *kind.Format:
		r.fail(at, formatDetail(k))
	default:
		for _, cause := range e.Causes {
			r.walk(cause)
		}
		if len(e.Causes) == 0 {
			r.fail(at, e.ErrorKind.LocalizedString(printer()))
		}
	}
}

// why is what the first cause says.
func why(causes []*jsonschema.ValidationError) string {
	var r report
	for _, cause := range causes {
		r.walk(cause)
	}
	if len(r.errors) == 0 {
		return ""
	}
	return ": " + r.errors[0].Detail
}

// formatDetail is an enum's or const's, whose place the hook took, or, of the
// schema of schemas, what is wrong with a pattern.
func formatDetail(k *kind.Format) string {
	if k.Want == hookName {
		return k.Err.Error()
	}
	return "is no valid " + k.Want + ": " + k.Err.Error()
}

func (r *report) each(at, names []string, detail string) {
	slices.Sort(names)
	for _, name := range names {
		r.fail(append(slices.Clone(at), name), detail)
	}
}

func (r *report) fail(at []string, detail string) {
	if len(r.errors) < maxErrors {
		r.errors = append(r.errors, webhook.FieldError{Pointer: r.pointer + pointerTo(at), Detail: shorten(detail)})
	}
}

// shorten cuts a text that may quote a stranger's data.
func shorten(s string) string {
	if len(s) <= maxDetail {
		return s
	}
	end := maxDetail
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}

func printer() *message.Printer { return message.NewPrinter(language.English) }
