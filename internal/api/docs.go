package api

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"sort"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// docsHTML renders the description without a script and without anything from
// another host.
//
//go:embed docs.html
var docsHTML string

// mountDescription serves /openapi.json and /docs, which need no key. Both are
// rendered once: they change with the program only.
func (s *server) mountDescription(doc *huma.OpenAPI) error {
	spec, err := renderDescription(doc)
	if err != nil {
		return fmt.Errorf("render the OpenAPI description: %w", err)
	}
	page, err := renderDocs(doc)
	if err != nil {
		return fmt.Errorf("render the documentation: %w", err)
	}
	s.mux.HandleFunc("GET /openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		writeBody(w, http.StatusOK, typeJSON, spec)
	})
	s.mux.HandleFunc("GET /docs", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
		writeBody(w, http.StatusOK, "text/html; charset=utf-8", page)
	})
	return nil
}

type docsPage struct {
	Title, Version, Description string
	Groups                      []docsGroup
	Schemas                     []docsSchema
}

type docsGroup struct {
	Name, Description string
	Operations        []docsOperation
}

type docsOperation struct {
	*huma.Operation
	Body      string // the schema's name
	Responses []docsResponse
}

type docsResponse struct{ Status, Description, Schema string }

type docsSchema struct {
	Name   string
	Fields []docsField
}

type docsField struct {
	Name, Type, Doc string
	Required        bool
}

func renderDocs(doc *huma.OpenAPI) ([]byte, error) {
	t, err := template.New("docs").Parse(docsHTML)
	if err != nil {
		return nil, err
	}
	page := docsPage{Title: doc.Info.Title, Version: doc.Info.Version, Description: doc.Info.Description}
	for _, tag := range doc.Tags {
		page.Groups = append(page.Groups, docsGroup{tag.Name, tag.Description, operationsOf(doc, tag.Name)})
	}
	for name, schema := range doc.Components.Schemas.Map() {
		page.Schemas = append(page.Schemas, docsSchema{name, fieldsOfSchema(schema)})
	}
	slices.SortFunc(page.Schemas, func(a, b docsSchema) int { return strings.Compare(a.Name, b.Name) })
	var out bytes.Buffer
	err = t.Execute(&out, page)
	return out.Bytes(), err
}

func operationsOf(doc *huma.OpenAPI, tag string) []docsOperation {
	var out []docsOperation
	for _, path := range sortedKeys(doc.Paths) {
		item := doc.Paths[path]
		for _, op := range []*huma.Operation{item.Post, item.Get, item.Put, item.Patch, item.Delete} {
			if op != nil && op.Tags[0] == tag {
				out = append(out, docsOf(op))
			}
		}
	}
	return out
}

func docsOf(op *huma.Operation) docsOperation {
	out := docsOperation{Operation: op}
	if op.RequestBody != nil {
		out.Body = typeName(op.RequestBody.Content[typeJSON].Schema)
	}
	for _, status := range sortedKeys(op.Responses) {
		r := docsResponse{Status: status, Description: op.Responses[status].Description}
		for _, content := range op.Responses[status].Content {
			r.Schema = typeName(content.Schema)
		}
		out.Responses = append(out.Responses, r)
	}
	return out
}

func fieldsOfSchema(s *huma.Schema) []docsField {
	var out []docsField
	for _, name := range sortedKeys(s.Properties) {
		p := s.Properties[name]
		out = append(out, docsField{name, typeName(p), p.Description, slices.Contains(s.Required, name)})
	}
	return out
}

func typeName(s *huma.Schema) string {
	switch {
	case s == nil:
		return ""
	case s.Ref != "":
		return s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]
	case s.Type == huma.TypeArray:
		return "array of " + typeName(s.Items)
	case len(s.OneOf) > 0:
		return "string or integer"
	case len(s.Enum) > 0:
		words := make([]string, len(s.Enum))
		for i, e := range s.Enum {
			words[i] = fmt.Sprint(e)
		}
		return strings.Join(words, " | ")
	case s.Format != "" && s.Type == huma.TypeString:
		return s.Format
	}
	return s.Type
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
