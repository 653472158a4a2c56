package client

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// described is the API's description, as far as these tests look at it.
type described struct {
	Paths      map[string]map[string]operation `json:"paths"`
	Components struct {
		Schemas    map[string]*schema   `json:"schemas"`
		Parameters map[string]parameter `json:"parameters"`
	} `json:"components"`
}

type operation struct {
	ID          string      `json:"operationId"`
	Parameters  []parameter `json:"parameters"`
	RequestBody *struct {
		Content map[string]media `json:"content"`
	} `json:"requestBody"`
	Responses map[string]struct {
		Content map[string]media `json:"content"`
	} `json:"responses"`
}

type parameter struct {
	Ref  string `json:"$ref"`
	Name string `json:"name"`
	In   string `json:"in"`
}

type media struct {
	Schema  *schema         `json:"schema"`
	Example json.RawMessage `json:"example"`
}

type schema struct {
	Ref        string             `json:"$ref"`
	Type       types              `json:"type"`
	Format     string             `json:"format"`
	Enum       []*string          `json:"enum"`
	Items      *schema            `json:"items"`
	OneOf      []*schema          `json:"oneOf"`
	Properties map[string]*schema `json:"properties"`
	Required   []string           `json:"required"`
}

// types are one type or several.
type types []string

func (t *types) UnmarshalJSON(raw []byte) error {
	if raw[0] == '[' {
		return json.Unmarshal(raw, (*[]string)(t))
	}
	*t = make(types, 1)
	return json.Unmarshal(raw, &(*t)[0])
}

func describedAPI(t *testing.T) *described {
	t.Helper()
	raw, err := os.ReadFile("../openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	d := &described{}
	if err := json.Unmarshal(raw, d); err != nil {
		t.Fatal(err)
	}
	return d
}

// role is which way a schema's values go.
type role int

const (
	answered role = iota
	requested
	patched
)

// wire is the client's type of every schema.
var wire = map[string]struct {
	of   reflect.Type
	role role
}{
	"Accepted": {reflect.TypeFor[Accepted](), answered}, "AcceptedBatch": {reflect.TypeFor[publishedBatch](), answered},
	"Attempt": {reflect.TypeFor[Attempt](), answered}, "AuditEntry": {reflect.TypeFor[AuditEntry](), answered},
	"BatchInput": {reflect.TypeFor[newBatch](), requested}, "Delivery": {reflect.TypeFor[Delivery](), answered},
	"Diagnosis": {reflect.TypeFor[Diagnosis](), answered}, "DryRun": {reflect.TypeFor[DryRun](), answered},
	"DryRunItem": {reflect.TypeFor[DryRunItem](), answered}, "Endpoint": {reflect.TypeFor[Endpoint](), answered},
	"EndpointInput": {reflect.TypeFor[EndpointInput](), requested}, "EndpointPatch": {reflect.TypeFor[EndpointPatch](), patched},
	"EndpointReplayInput": {reflect.TypeFor[EndpointReplayInput](), requested}, "Event": {reflect.TypeFor[Event](), answered},
	"EventExplanation": {reflect.TypeFor[EventExplanation](), answered}, "EventReplayInput": {reflect.TypeFor[EventReplayInput](), requested},
	"EventType": {reflect.TypeFor[EventType](), answered}, "EventTypeInput": {reflect.TypeFor[EventTypeInput](), requested},
	"ExplainInput": {reflect.TypeFor[ExplainInput](), requested}, "ExplainedDelivery": {reflect.TypeFor[ExplainedDelivery](), answered},
	"Explanation": {reflect.TypeFor[Explanation](), answered}, "FieldChange": {reflect.TypeFor[FieldChange](), answered},
	"FieldError": {reflect.TypeFor[FieldError](), answered}, "Finding": {reflect.TypeFor[Step](), answered},
	"Forecast": {reflect.TypeFor[Forecast](), answered}, "Key": {reflect.TypeFor[Key](), answered},
	"KeyInput": {reflect.TypeFor[KeyInput](), requested}, "ListAttempt": {reflect.TypeFor[Page[Attempt]](), answered},
	"ListAuditEntry": {reflect.TypeFor[Page[AuditEntry]](), answered}, "ListDelivery": {reflect.TypeFor[Page[Delivery]](), answered},
	"ListEndpoint": {reflect.TypeFor[Page[Endpoint]](), answered}, "ListEvent": {reflect.TypeFor[Page[Event]](), answered},
	"ListEventType": {reflect.TypeFor[Page[EventType]](), answered}, "ListKey": {reflect.TypeFor[Page[Key]](), answered},
	"ListReplay": {reflect.TypeFor[Page[Replay]](), answered}, "ListTemplate": {reflect.TypeFor[Page[EventTypeTemplate]](), answered},
	"ListWorkspace": {reflect.TypeFor[Page[Workspace]](), answered}, "NoInput": {reflect.TypeFor[struct{}](), requested},
	"Outcome": {reflect.TypeFor[Outcome](), answered}, "Problem": {reflect.TypeFor[Error](), answered},
	"PublishInput": {reflect.TypeFor[NewEvent](), requested}, "Quantiles": {reflect.TypeFor[Quantiles](), answered},
	"Replay": {reflect.TypeFor[Replay](), answered}, "ReplayCount": {reflect.TypeFor[ReplayCount](), answered},
	"RotateInput": {reflect.TypeFor[RotateInput](), requested}, "Rotated": {reflect.TypeFor[Rotated](), answered},
	"Secret": {reflect.TypeFor[Secret](), answered}, "Stats": {reflect.TypeFor[Stats](), answered},
	"StatsCounts": {reflect.TypeFor[StatsCounts](), answered}, "StatsPart": {reflect.TypeFor[StatsPart](), answered},
	"Template": {reflect.TypeFor[EventTypeTemplate](), answered}, "Test": {reflect.TypeFor[TestResult](), answered},
	"TestInput": {reflect.TypeFor[TestInput](), requested}, "Workspace": {reflect.TypeFor[Workspace](), answered},
	"WorkspaceInput": {reflect.TypeFor[WorkspaceInput](), requested}, "WorkspacePatch": {reflect.TypeFor[WorkspacePatch](), patched},
}

// TestWireTypes holds the client's types to the API's description, which is made
// from what the API renders: neither has a field that the other lacks.
func TestWireTypes(t *testing.T) {
	t.Parallel()
	d, enums := describedAPI(t), constants(t)
	for name := range d.Components.Schemas {
		if _, ok := wire[name]; !ok {
			t.Errorf("the schema %s has no type in the client", name)
		}
	}
	for name, w := range wire {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := d.Components.Schemas[name]
			if s == nil {
				t.Fatal("is no schema of the API any more")
			}
			c := comparison{t: t, role: w.role, enums: enums}
			c.object(s, w.of)
		})
	}
}

// TestEveryWireTypeIsDescribed: a type with JSON tags that no schema is about would
// be held to nothing.
func TestEveryWireTypeIsDescribed(t *testing.T) {
	t.Parallel()
	known := map[string]bool{"WhyNot": true} // embedded
	for _, w := range wire {
		known[strings.SplitN(w.of.Name(), "[", 2)[0]] = true
	}
	each(t, func(spec ast.Spec) {
		if typ, ok := spec.(*ast.TypeSpec); ok && hasTags(typ) && !known[typ.Name.Name] {
			t.Errorf("%s is the type of no schema", typ.Name.Name)
		}
	})
}

func hasTags(typ *ast.TypeSpec) bool {
	s, ok := typ.Type.(*ast.StructType)
	return ok && slices.ContainsFunc(s.Fields.List, func(f *ast.Field) bool { return f.Tag != nil })
}

// constants are the values of each string type's constants, out of the source.
func constants(t *testing.T) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	each(t, func(spec ast.Spec) {
		v, ok := spec.(*ast.ValueSpec)
		if !ok {
			return
		}
		name, ok := v.Type.(*ast.Ident)
		if !ok || len(v.Values) != 1 {
			return
		}
		if text, ok := v.Values[0].(*ast.BasicLit); ok && text.Kind == token.STRING {
			value, err := strconv.Unquote(text.Value)
			if err != nil {
				t.Fatal(err)
			}
			out[name.Name] = append(out[name.Name], value)
		}
	})
	return out
}

// each visits what this package declares, tests apart.
func each(t *testing.T, visit func(ast.Spec)) {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range parsed.Decls {
			if gen, ok := decl.(*ast.GenDecl); ok {
				for _, spec := range gen.Specs {
					visit(spec)
				}
			}
		}
	}
}

// comparison is of a schema with a type.
type comparison struct {
	t     *testing.T
	role  role
	enums map[string][]string
}

// object compares the fields, both ways.
func (c *comparison) object(s *schema, of reflect.Type) {
	fields := fieldsOf(of)
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		f, ok := fields[name]
		if !ok {
			c.t.Errorf("%s has no field for %s", of, name)
			continue
		}
		c.property(name, s.Properties[name], slices.Contains(s.Required, name), f)
	}
	for name := range fields {
		if s.Properties[name] == nil {
			c.t.Errorf("the API knows no %s of %s", name, of)
		}
	}
}

// field is one of a type, by its JSON name.
type field struct {
	of   reflect.Type
	omit bool // it is left out when it is zero
}

func fieldsOf(of reflect.Type) map[string]field {
	out := map[string]field{}
	for _, f := range reflect.VisibleFields(of) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous || name == "-" || !f.IsExported() {
			continue
		}
		out[name] = field{f.Type, strings.Contains(options, "omit")}
	}
	return out
}

// property compares what a property may be with what its field can hold.
func (c *comparison) property(name string, s *schema, required bool, f field) {
	may, of := c.mayBeNull(s), f.of
	switch c.role {
	case answered:
		c.check(f.omit == !required, name, "is required: %t, but may be left out: %t", required, f.omit)
		if required {
			c.check(canHold(of, may) || isAny(s), name, "may be null: %t, but is a %s", may, of)
		}
	case requested:
		c.check(f.omit == !required, name, "is required: %t, but may be left out: %t", required, f.omit)
	case patched:
		c.check(f.omit, name, "can't be left out")
		inner, can := patchOf(of)
		if c.check(can == may, name, "may be null: %t, but is a %s", may, of); can {
			of = inner
		}
	}
	c.value(name, s, of)
}

func (c *comparison) check(ok bool, name, format string, args ...any) {
	c.t.Helper()
	if !ok {
		c.t.Errorf(name+" "+format, args...)
	}
}

// mayBeNull of a schema.
func (*comparison) mayBeNull(s *schema) bool {
	return slices.Contains(s.Type, "null") || slices.ContainsFunc(s.OneOf, func(o *schema) bool { return slices.Contains(o.Type, "null") })
}

func isAny(s *schema) bool { return s.Ref == "" && len(s.Type) == 0 && len(s.OneOf) == 0 }

// canHold: of an answer what may be null is a pointer, and nothing else is. A slice, a
// map and raw JSON hold null beside what else they hold.
func canHold(of reflect.Type, null bool) bool {
	switch of.Kind() {
	case reflect.Slice, reflect.Map:
		return true
	}
	return null == (of.Kind() == reflect.Pointer)
}

// patchOf is what a Patch is of.
func patchOf(of reflect.Type) (reflect.Type, bool) {
	if !strings.HasPrefix(of.Name(), "Patch[") {
		return of, false
	}
	f, _ := of.FieldByName("value")
	return f.Type.Elem(), true
}

var (
	typeTime = reflect.TypeFor[time.Time]()
	typeRaw  = reflect.TypeFor[json.RawMessage]()
	typeAny  = reflect.TypeFor[any]()
)

// value compares types and enums.
func (c *comparison) value(name string, s *schema, of reflect.Type) {
	if of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	ref := s.Ref
	if len(s.OneOf) > 0 {
		ref = s.OneOf[0].Ref
		if ref == "" {
			c.check(of == reflect.TypeFor[WorkspaceID](), name, "is a workspace's id, not a %s", of)
			return
		}
	}
	if ref != "" {
		want := wire[ref[strings.LastIndexByte(ref, '/')+1:]].of
		// A batch's events are encoded one by one.
		c.check(of == want || of == typeRaw && want == reflect.TypeFor[NewEvent](), name, "is %s, not %s", want, of)
		return
	}
	c.plain(name, s, of)
}

func (c *comparison) plain(name string, s *schema, of reflect.Type) {
	kind := ""
	for _, t := range s.Type {
		if t != "null" {
			kind = t
		}
	}
	var ok bool
	switch kind {
	case "":
		ok = of == typeAny || of == typeRaw
	case "string":
		ok = of.Kind() == reflect.String && s.Format != "date-time" || of == typeTime && s.Format == "date-time"
		c.enum(name, s, of)
	case "integer":
		ok = of.Kind() == reflect.Int || of.Kind() == reflect.Int64
	case "number":
		ok = of.Kind() == reflect.Float64
	case "boolean":
		ok = of.Kind() == reflect.Bool
	case "object":
		ok = of.Kind() == reflect.Map || of == typeRaw || of == typeAny && c.role != answered
	case "array":
		if ok = of.Kind() == reflect.Slice; ok {
			c.value(name, s.Items, of.Elem())
		}
	}
	c.check(ok, name, "is a %s %s, not a %s", s.Format, kind, of)
}

// enum compares the words that a string may be.
func (c *comparison) enum(name string, s *schema, of reflect.Type) {
	var want []string
	for _, word := range s.Enum {
		if word != nil {
			want = append(want, *word)
		}
	}
	got := slices.Clone(c.enums[of.Name()])
	slices.Sort(want)
	slices.Sort(got)
	c.check(slices.Equal(want, got), name, "is one of %q, but %s has %q", want, of, got)
}
