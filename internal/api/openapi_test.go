package api

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"github.com/postrider/postrider/internal/webhook"
)

func newDescription(t *testing.T) *huma.OpenAPI {
	t.Helper()
	doc := newServer(Deps{}, Config{}.withDefaults()).mount()
	if len(doc.Paths) == 0 {
		t.Fatal("the description has no paths")
	}
	return doc
}

func TestDescription(t *testing.T) {
	t.Parallel()
	doc := newDescription(t)
	t.Run("IsTheCommittedOne", func(t *testing.T) {
		want, err := OpenAPI()
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile("../../openapi.json")
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Error("openapi.json is not what the code gives: run make openapi")
		}
	})
	t.Run("HasEveryRoute", func(t *testing.T) { hasEveryRoute(t, doc) })
	t.Run("HasEveryCode", hasEveryCode)
	t.Run("SchemasHaveTheContractsFields", func(t *testing.T) { hasContractsFields(t, doc) })
}

func hasEveryRoute(t *testing.T, doc *huma.OpenAPI) {
	for _, rt := range (&server{}).routes() {
		i := slices.IndexFunc(operationsIn(doc.Paths[rt.path]), func(op *huma.Operation) bool { return op.Method == rt.method })
		if i < 0 {
			t.Errorf("%s %s is missing", rt.method, rt.path)
			continue
		}
		op := operationsIn(doc.Paths[rt.path])[i]
		if op.OperationID != rt.id || len(op.Security) == 0 || (rt.body != nil) != (op.RequestBody != nil) {
			t.Errorf("%s %s is described as %+v", rt.method, rt.path, op)
		}
		for _, status := range []string{"401", "403", "422", "429", "500", "503"} {
			if r := op.Responses[status]; r == nil || resolveResponse(doc, r).Content[problemType] == nil {
				t.Errorf("%s lacks the problem %s", rt.id, status)
			}
		}
		for _, code := range rt.allCodes() {
			if !strings.Contains(resolveResponse(doc, op.Responses[strconv.Itoa(kindOf(code).status)]).Description, "`"+string(code)+"`: ") {
				t.Errorf("%s does not say that it answers %s", rt.id, code)
			}
		}
	}
}

// hasEveryCode reads the vocabulary's source: a constant can't be listed.
func hasEveryCode(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../webhook/error.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	declared := map[webhook.Code]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		if text, ok := spec.Values[0].(*ast.BasicLit); ok {
			value, err := strconv.Unquote(text.Value)
			if err != nil {
				t.Fatal(err)
			}
			declared[webhook.Code(value)] = true
		}
		return true
	})
	if len(declared) < 15 {
		t.Fatalf("only %d codes were found: are they still declared as they were?", len(declared))
	}
	for code := range declared {
		if meaningOf(code) == "" {
			t.Errorf("meaningOf(%s) is missing", code)
		}
		if !slices.Contains(allCodes(), code) {
			t.Errorf("allCodes lacks %s", code)
		}
	}
}

func hasContractsFields(t *testing.T, doc *huma.OpenAPI) {
	schemas := doc.Components.Schemas.Map()
	for schema, fields := range map[string]string{
		"EndpointInput": "url events filters secret description is_active headers timeout retry_schedule rate_limit max_in_flight metadata",
		"Delivery": "id event_id endpoint_id workspace_id type status attempts status_code response_body error error_class held_until " +
			"held_reason next_attempt_at created_at completed_at",
		"Attempt":      "id number started_at duration_ms status_code error error_class request_headers response_headers response_body",
		"Accepted":     "id type created_at workspace_id deliveries outcomes waited",
		"Outcome":      "endpoint_id delivery_id status attempts status_code error error_class next_attempt_at held_reason",
		"Event":        "id type created_at accepted_at workspace_id deliveries data endpoint_ids deliver_at",
		"PublishInput": "type data id created_at endpoint_ids deliver_at wait",
		"Problem":      "type title status detail code request_id errors",
	} {
		for field := range strings.FieldsSeq(fields) {
			if schemas[schema].Properties[field] == nil {
				t.Errorf("%s has no %s", schema, field)
			}
		}
	}
	if got := schemas["EndpointInput"].Required; !slices.Equal(got, []string{"url", "events"}) {
		t.Errorf("EndpointInput requires %q", got)
	}
	for schema, want := range map[string]string{"Accepted": "created_at deliveries id type workspace_id", "PublishInput": "data type"} {
		if got := slices.Sorted(slices.Values(schemas[schema].Required)); strings.Join(got, " ") != want {
			t.Errorf("%s requires %q, want %q", schema, got, want)
		}
	}
}

// TestDescribed holds what is added to the API to being described, without naming it.
func TestDescribed(t *testing.T) {
	t.Parallel()
	doc := newDescription(t)
	missing := func(what, doc string) {
		if strings.TrimSpace(doc) == "" {
			t.Errorf("%s has no description", what)
		}
	}
	tags := map[string]bool{}
	for _, tag := range doc.Tags {
		tags[tag.Name] = true
		missing("tag "+tag.Name, tag.Description)
	}
	for path, item := range doc.Paths {
		for _, op := range operationsIn(item) {
			missing(op.OperationID+"'s summary", op.Summary)
			about, _, _ := strings.Cut(op.Description, "Needs the ")
			missing(op.OperationID, about)
			if len(op.Tags) != 1 || !tags[op.Tags[0]] {
				t.Errorf("%s %s has the tags %q", op.Method, path, op.Tags)
			}
			if op.RequestBody != nil {
				missing(op.OperationID+"'s body", op.RequestBody.Description)
			}
			for _, p := range op.Parameters {
				p := resolveParam(doc, p)
				missing(op.OperationID+"'s parameter "+p.Name+" (see pathIDs and param)", p.Description)
			}
			for status, r := range op.Responses {
				missing(op.OperationID+"'s "+status, resolveResponse(doc, r).Description)
			}
		}
	}
	for name, header := range doc.Components.Headers {
		missing("header "+name, header.Description)
	}
	for name, schema := range doc.Components.Schemas.Map() {
		for field, p := range schema.Properties {
			missing(name+"."+field+" (a doc tag)", p.Description)
		}
	}
}

// TestExamples holds every example to its schema. A body in JSON has one.
func TestExamples(t *testing.T) {
	t.Parallel()
	doc, d := newDescription(t), must(described())
	check := func(pointer string, example any) {
		var v any
		if err := json.Unmarshal(encodeJSON(example), &v); err != nil {
			t.Fatal(err)
		}
		if err := d.CheckValue(pointer, v); err != nil {
			t.Errorf("the example at %s: %v", pointer, err)
		}
	}
	contents := func(at string, all map[string]*huma.MediaType) {
		for kind, content := range all {
			at := at + "/content/" + child("", kind)[1:] + "/schema"
			if content.Example == nil && len(content.Examples) == 0 {
				t.Errorf("there is no example at %s", at)
			}
			if content.Example != nil {
				check(at, content.Example)
			}
			for _, e := range content.Examples {
				check(at, doc.Components.Examples[refName(e.Ref)].Value)
			}
		}
	}
	params := func(at string, all map[string]*huma.Param) {
		for name, p := range all {
			if p.Example != nil {
				check(at+child("", name)+"/schema", p.Example)
			}
		}
	}
	params("/components/headers", doc.Components.Headers)
	params("/components/parameters", doc.Components.Parameters)
	for name, r := range doc.Components.Responses {
		contents("/components/responses/"+name, r.Content)
	}
	for path, item := range doc.Paths {
		for _, op := range operationsIn(item) {
			at := "/paths" + child("", path) + "/" + strings.ToLower(op.Method)
			contents(at+"/requestBody", contentOf(op.RequestBody))
			for status, r := range op.Responses {
				contents(at+"/responses/"+status, r.Content)
			}
			for i, p := range op.Parameters {
				params(at+"/parameters", map[string]*huma.Param{strconv.Itoa(i): p})
			}
		}
	}
	for name, schema := range doc.Components.Schemas.Map() {
		for field, p := range schema.Properties {
			for _, e := range p.Examples {
				check("/components/schemas/"+name+"/properties/"+field, e)
			}
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
