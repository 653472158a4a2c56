package api

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"slices"
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
	Title, Version string
	Overview       []docsBlock
	Groups         []docsGroup
	Schemas        []docsSchema
}

type docsGroup struct {
	Name, Anchor, Description string
	Operations                []docsOperation
}

type docsOperation struct {
	ID, Method, Path, Summary string
	About                     []docsBlock
	Parameters                []docsField
	// Body names the schema of the request's body and Fields are its fields.
	Body, BodyAbout string
	Fields          []docsField
	Curl            string
	Answers         []docsAnswer
	Problems        []docsAnswer
}

type docsAnswer struct {
	Status, Schema, Example string
	About                   []docsBlock
}

type docsSchema struct {
	Name   string
	Fields []docsField
}

type docsField struct {
	Name, In, Type, Ref, Bounds string
	About                       []docsBlock
	Required                    bool
}

func renderDocs(doc *huma.OpenAPI) ([]byte, error) {
	t, err := template.New("docs").Parse(docsHTML)
	if err != nil {
		return nil, err
	}
	page := docsPage{Title: doc.Info.Title, Version: doc.Info.Version, Overview: blocksOf(doc.Info.Description)}
	for _, tag := range doc.Tags {
		anchor := strings.ToLower(strings.ReplaceAll(tag.Name, " ", "-"))
		page.Groups = append(page.Groups, docsGroup{tag.Name, anchor, tag.Description, operationsOf(doc, tag.Name)})
	}
	for _, name := range slices.Sorted(maps.Keys(doc.Components.Schemas.Map())) {
		page.Schemas = append(page.Schemas, docsSchema{name, fieldsOfSchema(doc.Components.Schemas.Map()[name])})
	}
	var out bytes.Buffer
	err = t.Execute(&out, page)
	return out.Bytes(), err
}

func operationsOf(doc *huma.OpenAPI, tag string) []docsOperation {
	var out []docsOperation
	for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
		for _, op := range operationsIn(doc.Paths[path]) {
			if op.Tags[0] == tag {
				out = append(out, docsOf(doc, op))
			}
		}
	}
	return out
}

func docsOf(doc *huma.OpenAPI, op *huma.Operation) docsOperation {
	out := docsOperation{
		ID: op.OperationID, Method: op.Method, Path: op.Path, Summary: op.Summary, About: blocksOf(op.Description), Curl: curlOf(doc, op),
	}
	for _, p := range op.Parameters {
		p := resolveParam(doc, p)
		out.Parameters = append(out.Parameters, docsField{
			Name: p.Name, In: p.In, Type: typeName(p.Schema), Bounds: boundsOf(p.Schema), About: blocksOf(p.Description), Required: p.Required,
		})
	}
	if op.RequestBody != nil {
		schema := op.RequestBody.Content[typeJSON].Schema
		out.Body, out.BodyAbout = refName(schema.Ref), op.RequestBody.Description
		out.Fields = fieldsOfSchema(resolveSchema(doc, schema))
	}
	for _, status := range slices.Sorted(maps.Keys(op.Responses)) {
		r := resolveResponse(doc, op.Responses[status])
		if r.Content[problemType] != nil {
			out.Problems = append(out.Problems, docsAnswer{Status: status, About: blocksOf(r.Description)})
			continue
		}
		answer := docsAnswer{Status: status, About: blocksOf(r.Description)}
		if content := r.Content[typeJSON]; content != nil {
			answer.Schema, answer.Example = refName(content.Schema.Ref), prettyJSON(content.Example)
		}
		out.Answers = append(out.Answers, answer)
	}
	return out
}

func fieldsOfSchema(s *huma.Schema) []docsField {
	var out []docsField
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		p := s.Properties[name]
		out = append(out, docsField{
			Name: name, Type: typeName(p), Ref: linkOf(p), Bounds: boundsOf(p), About: blocksOf(p.Description), Required: slices.Contains(s.Required, name),
		})
	}
	return out
}
