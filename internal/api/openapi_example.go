package api

import (
	"maps"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// addExamples gives every body an example that is made of its fields' ones, unless
// it has one of its own.
func addExamples(doc *huma.OpenAPI) {
	for _, item := range doc.Paths {
		for _, op := range operationsIn(item) {
			for _, content := range contentOf(op.RequestBody) {
				addExample(doc, content, "")
			}
			for status, r := range op.Responses {
				for _, content := range r.Content {
					addExample(doc, content, status)
				}
			}
		}
	}
}

// shownOnce are fields of a creation's answer that no other answer has.
var shownOnce = map[string]string{"key": "pr_2kXq9ZyW5vTn3bLm8cRd1fGh7jKp4sQa", "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}

func addExample(doc *huma.OpenAPI, content *huma.MediaType, status string) {
	if content.Example != nil || len(content.Examples) > 0 || content.Schema == nil {
		return
	}
	content.Example = exampleOf(doc, content.Schema, "")
	object, ok := content.Example.(map[string]any)
	if status != "201" || !ok {
		return
	}
	properties := resolveSchema(doc, content.Schema).Properties
	for name, value := range shownOnce {
		if properties[name] != nil {
			object[name] = value
		}
	}
}

// exampleOf composes a value: a field's own example, else its default, else null
// where it may be that, else what its type allows.
func exampleOf(doc *huma.OpenAPI, s *huma.Schema, name string) any {
	s = resolveSchema(doc, s)
	switch {
	case len(s.Examples) > 0:
		return s.Examples[0]
	case s.Default != nil:
		return s.Default
	case s.Nullable:
		return nil
	case len(s.Enum) > 0:
		return s.Enum[0]
	case len(s.OneOf) > 0:
		return exampleOf(doc, s.OneOf[0], name)
	}
	switch s.Type {
	case huma.TypeObject:
		return objectExample(doc, s)
	case huma.TypeArray:
		return []any{exampleOf(doc, s.Items, name)}
	case huma.TypeBoolean:
		return true
	case huma.TypeInteger, huma.TypeNumber:
		if s.Minimum != nil {
			return *s.Minimum
		}
		return 1
	case huma.TypeString:
		if s.Format == "date-time" {
			return "2024-01-15T10:30:00Z"
		}
		return name
	}
	return map[string]any{}
}

// objectExample has what is required, and what has an example.
func objectExample(doc *huma.OpenAPI, s *huma.Schema) map[string]any {
	out := map[string]any{}
	for name, p := range s.Properties {
		if len(p.Examples) > 0 {
			out[name] = exampleOf(doc, p, name)
		}
	}
	for _, name := range s.Required {
		out[name] = exampleOf(doc, s.Properties[name], name)
	}
	return out
}

func resolveSchema(doc *huma.OpenAPI, s *huma.Schema) *huma.Schema {
	if s.Ref == "" {
		return s
	}
	return doc.Components.Schemas.SchemaFromRef(s.Ref)
}

func resolveResponse(doc *huma.OpenAPI, r *huma.Response) *huma.Response {
	if r.Ref == "" {
		return r
	}
	return doc.Components.Responses[refName(r.Ref)]
}

func resolveParam(doc *huma.OpenAPI, p *huma.Param) *huma.Param {
	if p.Ref == "" {
		return p
	}
	return doc.Components.Parameters[refName(p.Ref)]
}

// operationsIn are a path's, by method, in the order in which they are shown.
func operationsIn(item *huma.PathItem) []*huma.Operation {
	var out []*huma.Operation
	for _, op := range []*huma.Operation{item.Post, item.Get, item.Put, item.Patch, item.Delete} {
		if op != nil {
			out = append(out, op)
		}
	}
	return out
}

// addServiceOperations describes what needs no key and is no route of the table.
func addServiceOperations(doc *huma.OpenAPI) {
	add := func(id, path, summary, about, kind string, schema *huma.Schema, example any) {
		headers := maps.Clone(headersNamed(requestIDHeader))
		doc.AddOperation(&huma.Operation{
			OperationID: id, Method: http.MethodGet, Path: path, Tags: []string{tagService}, Summary: summary, Description: about,
			Parameters: []*huma.Param{{Ref: "#/components/parameters/" + paramRequestID}},
			Security:   []map[string][]string{{}},
			Responses: map[string]*huma.Response{"200": {
				Description: "OK.", Headers: headers, Content: map[string]*huma.MediaType{kind: {Schema: schema, Example: example}},
			}},
		})
	}
	object := &huma.Schema{Type: huma.TypeObject, Description: "An OpenAPI 3.1 description.", AdditionalProperties: true}
	add("getDescription", "/openapi.json", "Get this description", "OpenAPI 3.1 in JSON, made from the code.", typeJSON, object, map[string]any{"openapi": "3.1.0"})
	page := &huma.Schema{Type: huma.TypeString, Description: "A page without scripts."}
	add("getDocs", "/docs", "Read this description", "The same as a page.", "text/html", page, "<!doctype html>")
	ok := &huma.Schema{
		Type: huma.TypeObject, Required: []string{"status"},
		Properties: map[string]*huma.Schema{"status": {Type: huma.TypeString, Enum: []any{"ok"}, Description: "ok: the process answers."}},
	}
	add("getHealth", "/healthz", "Ask whether the process lives", "It does as long as it answers. Whether it is ready, /readyz on the metrics listener says.", typeJSON, ok, map[string]any{"status": "ok"})
}
