package api

import (
	"maps"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// workspaceIDSchema says that an id may be a number.
type workspaceIDSchema struct{}

// Schema implements huma.SchemaProvider.
func (workspaceIDSchema) Schema(huma.Registry) *huma.Schema {
	low, high := 0.0, 999_999_999_999_999.0
	return &huma.Schema{
		Description: "A number where it is digits only, without a leading zero and at most 15, in no other spelling such as 1e3; else a string.",
		Examples:    []any{456},
		OneOf: []*huma.Schema{
			{Type: huma.TypeString, Pattern: patternWorkspace},
			{Type: huma.TypeInteger, Format: "int64", Minimum: &low, Maximum: &high},
		},
	}
}

// nullable is for objects, of which huma can't say it.
func nullable(s *huma.Schema) *huma.Schema {
	return &huma.Schema{Description: s.Description, OneOf: []*huma.Schema{{Ref: s.Ref}, {Type: "null"}}}
}

// settleSchemas takes back what huma assumes of Go types and is not so here: what
// requests take and what answers hold differ.
func settleSchemas(doc *huma.OpenAPI) {
	given, taken, patched := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, item := range doc.Paths {
		for _, op := range operationsIn(item) {
			for kind, content := range contentOf(op.RequestBody) {
				if collect(doc, content.Schema, taken); kind == typeMergePatch {
					collect(doc, content.Schema, patched)
				}
			}
			for _, r := range op.Responses {
				for _, content := range resolveResponse(doc, r).Content {
					collect(doc, content.Schema, given)
				}
			}
		}
	}
	for name, schema := range doc.Components.Schemas.Map() {
		switch {
		case !taken[name]:
			answered(schema)
		case !patched[name]:
			requested(schema)
		}
		if taken[name] {
			noNUL(schema)
		}
		enumsWithNull(schema)
	}
}

func contentOf(body *huma.RequestBody) map[string]*huma.MediaType {
	if body == nil {
		return nil
	}
	return body.Content
}

// collect follows references.
func collect(doc *huma.OpenAPI, s *huma.Schema, into map[string]bool) {
	if s == nil {
		return
	}
	if name := refName(s.Ref); name != "" && !into[name] {
		into[name] = true
		collect(doc, doc.Components.Schemas.Map()[name], into)
	}
	for _, part := range partsOf(s) {
		collect(doc, part, into)
	}
}

// partsOf are the schemas that a schema is made of.
func partsOf(s *huma.Schema) []*huma.Schema {
	parts := append(append(append([]*huma.Schema{s.Items}, s.OneOf...), s.AnyOf...), s.AllOf...)
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		parts = append(parts, s.Properties[name])
	}
	if values, ok := s.AdditionalProperties.(*huma.Schema); ok {
		parts = append(parts, values)
	}
	return parts
}

func refName(ref string) string { return ref[strings.LastIndexByte(ref, '/')+1:] }

// answered is for what the API answers: later releases may add fields, which no
// client should choke on, and a slice is never null.
func answered(s *huma.Schema) {
	if s.Type == huma.TypeObject && s.AdditionalProperties == false {
		s.AdditionalProperties = nil
	}
	for _, p := range s.Properties {
		if p.Type == huma.TypeArray {
			p.Nullable = false
		}
	}
}

// noNUL makes the decoder's rule for any text a pattern.
func noNUL(s *huma.Schema) {
	for _, p := range s.Properties {
		if p.Type == huma.TypeArray {
			p = p.Items
		}
		if p.Type == huma.TypeString && p.Pattern == "" && p.Format == "" && len(p.Enum) == 0 {
			p.Pattern = patternText
		}
	}
}

// requested is for what the API takes: null stands for what is left out, and may
// stand for nothing that is required.
func requested(s *huma.Schema) {
	required := map[string]bool{}
	for _, name := range s.Required {
		required[name] = true
	}
	for name, p := range s.Properties {
		switch {
		case p.Type != "":
			p.Nullable = !required[name]
		case len(p.OneOf) > 0 && !required[name]:
			p.OneOf = append(p.OneOf, &huma.Schema{Type: "null"})
		}
	}
}

// enumsWithNull lets an enum be null where its field may be.
func enumsWithNull(s *huma.Schema) {
	for _, p := range s.Properties {
		if p.Nullable && len(p.Enum) > 0 {
			p.Enum = append(p.Enum, nil)
		}
	}
}
