package api

import (
	"encoding/json"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/postrider/postrider/internal/webhook"
)

const (
	tagWorkspaces = "Workspaces"
	tagKeys       = "Keys"
	tagEvents     = "Events"
	tagEndpoints  = "Endpoints"
	tagDeliveries = "Deliveries"
	tagReplays    = "Replays"
	tagEventTypes = "Event types"
	tagAuditLog   = "Audit log"

	// patchSchema is the one whose arrays may be null, which brings a default back.
	patchSchema = "EndpointPatch"

	adminScheme = "adminKey"
	keyScheme   = "workspaceKey"
)

// OpenAPI is the description of the API, OpenAPI 3.1 in JSON. It needs nothing
// that a running server does.
func OpenAPI() ([]byte, error) {
	s := &server{cfg: Config{}.withDefaults(), mux: http.NewServeMux()}
	return json.MarshalIndent(s.mount(), "", "  ")
}

// mount puts every route onto the mux and into the description.
func (s *server) mount() *huma.OpenAPI {
	doc := newDocument(s.cfg.Version)
	api := humago.New(s.mux, huma.Config{OpenAPI: doc})
	for _, rt := range s.routes() {
		op := rt.operation(doc.Components.Schemas)
		doc.AddOperation(op)
		api.Adapter().Handle(op, func(ctx huma.Context) {
			r, w := humago.Unwrap(ctx)
			s.serve(&rt, w, r)
		})
	}
	explanation := doc.Components.Schemas.Map()["Explanation"].Properties
	explanation["delivery"] = nullable(explanation["delivery"])
	for name, schema := range doc.Components.Schemas.Map() {
		if name != patchSchema {
			tidy(schema)
		}
	}
	doc.Components.Schemas.Map()["Event"].Properties["endpoint_ids"].Nullable = true
	return doc
}

func newDocument(version string) *huma.OpenAPI {
	schemas := huma.NewMapRegistry("#/components/schemas/", schemaName)
	schemas.RegisterTypeAlias(reflect.TypeFor[webhook.WorkspaceID](), reflect.TypeFor[workspaceIDSchema]())
	schemas.RegisterTypeAlias(reflect.TypeFor[json.RawMessage](), reflect.TypeFor[map[string]any]())
	problemSchema := schemas.Schema(reflect.TypeFor[problem](), true, "")
	for _, code := range allCodes() {
		codes := schemas.SchemaFromRef(problemSchema.Ref).Properties["code"]
		codes.Enum = append(codes.Enum, string(code))
	}
	return &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info: &huma.Info{
			Title: "Postrider", Version: version,
			Description: "Accepts events and delivers them as signed webhooks. Errors are RFC 9457 problems with a stable code.",
		},
		Servers: []*huma.Server{{URL: "/", Description: "This server"}},
		Tags: []*huma.Tag{
			{Name: tagEvents, Description: "One thing that happened: a type and a payload, accepted once."},
			{Name: tagEndpoints, Description: "A receiver's URL with its subscription, secret and delivery policy."},
			{Name: tagDeliveries, Description: "One event on its way to one endpoint, and the attempts made for it."},
			{Name: tagReplays, Description: "Stored events, delivered again."},
			{Name: tagEventTypes, Description: "The catalogue: what a workspace publishes, and the schemas that data is held against."},
			{Name: tagWorkspaces, Description: "A tenant. Nothing crosses from one to another."},
			{Name: tagKeys, Description: "A workspace's API keys."},
			{Name: tagAuditLog, Description: "Who changed what."},
		},
		Components: &huma.Components{
			Schemas: schemas,
			SecuritySchemes: map[string]*huma.SecurityScheme{
				adminScheme: {Type: "http", Scheme: "bearer", Description: "The admin key; X-Workspace-ID names a workspace where a route needs one."},
				keyScheme:   {Type: "http", Scheme: "bearer", BearerFormat: "pr_…", Description: "A workspace's key, with scopes."},
			},
		},
	}
}

// schemaName drops the suffix that keeps our types apart from the vocabulary's.
func schemaName(t reflect.Type, hint string) string {
	return strings.ReplaceAll(huma.DefaultSchemaNamer(t, hint), "Wire", "")
}

// workspaceIDSchema says that an id may be a number.
type workspaceIDSchema struct{}

// Schema implements huma.SchemaProvider.
func (workspaceIDSchema) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Description: "A number where it is digits only, without a leading zero and at most 15; else a string.",
		OneOf: []*huma.Schema{
			{Type: huma.TypeString, Pattern: "^[A-Za-z0-9_-]{1,64}$"},
			{Type: huma.TypeInteger, Format: "int64"},
		},
	}
}

// tidy takes back what huma assumes of Go slices, which are never null here, and
// lets an enum be null where its field may be.
func tidy(s *huma.Schema) {
	for _, p := range s.Properties {
		if p.Type == huma.TypeArray {
			p.Nullable = false
		}
		if p.Nullable && len(p.Enum) > 0 {
			p.Enum = append(p.Enum, nil)
		}
		tidy(p)
	}
}

// nullable is for objects, of which huma can't say it.
func nullable(s *huma.Schema) *huma.Schema {
	return &huma.Schema{Description: s.Description, OneOf: []*huma.Schema{{Ref: s.Ref}, {Type: "null"}}}
}

// operation describes a route.
func (rt *route) operation(schemas huma.Registry) *huma.Operation {
	op := &huma.Operation{
		OperationID: rt.id, Method: rt.method, Path: rt.path, Tags: []string{rt.tag}, Summary: rt.summary,
		Description: rt.doc, Parameters: rt.parameters(), Responses: rt.responses(schemas),
		Security: []map[string][]string{{adminScheme: {}}},
	}
	if rt.access != adminOnly {
		needs := "the scope `" + string(rt.scope) + "`"
		if rt.access == wholeWorkspace {
			needs = "every scope, or the admin key"
		}
		op.Description = strings.TrimSpace(op.Description + " Needs " + needs + ".")
		op.Security = append(op.Security, map[string][]string{keyScheme: {}})
	}
	if rt.body != nil {
		content := map[string]*huma.MediaType{typeJSON: {Schema: schemas.Schema(reflect.TypeOf(rt.body.example), true, "")}}
		if rt.body.patch {
			content[typeMergePatch] = content[typeJSON]
		}
		op.RequestBody = &huma.RequestBody{Required: rt.body.required, Content: content}
	}
	return op
}

func (rt *route) parameters() []*huma.Param {
	var out []*huma.Param
	for segment := range strings.SplitSeq(rt.path, "/") {
		if name, ok := strings.CutPrefix(segment, "{"); ok {
			out = append(out, &huma.Param{
				Name: strings.TrimSuffix(name, "}"), In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString},
			})
		}
	}
	if rt.access != adminOnly {
		doc := "The workspace. Needed with the admin key; a workspace's key may leave it out."
		if rt.access == wholeWorkspace {
			doc = "The workspace. The admin key may leave it out for all of them, a workspace's key for its own."
		}
		out = append(out, &huma.Param{
			Name: workspaceHeader, In: "header", Schema: &huma.Schema{Type: huma.TypeString},
			Description: doc,
		})
	}
	if rt.method == http.MethodPost {
		least, most := 1, maxKeyBytes
		out = append(out, &huma.Param{
			Name: keyHeader, In: "header", Schema: &huma.Schema{Type: huma.TypeString, MinLength: &least, MaxLength: &most},
			Description: "The same request with the same key gets the same answer for 24 hours, with Idempotency-Replayed: true, and takes effect once.",
		})
	}
	for _, p := range rt.query {
		schema := &huma.Schema{Type: huma.TypeString, Format: p.format, Enum: p.enum}
		if p.integer {
			low, high := 1.0, float64(maxLimit)
			schema = &huma.Schema{Type: huma.TypeInteger, Minimum: &low, Maximum: &high, Default: defaultLimit}
		}
		out = append(out, &huma.Param{Name: p.name, In: "query", Description: p.doc, Schema: schema})
	}
	return out
}

func (rt *route) responses(schemas huma.Registry) map[string]*huma.Response {
	of := func(answer any, doc string) *huma.Response {
		if answer == nil {
			return &huma.Response{Description: doc}
		}
		schema := schemas.Schema(reflect.TypeOf(answer), true, "")
		return &huma.Response{Description: doc, Content: map[string]*huma.MediaType{typeJSON: {Schema: schema, Example: rt.sample}}}
	}
	out := map[string]*huma.Response{strconv.Itoa(rt.status): of(rt.answer, http.StatusText(rt.status))}
	for status, doc := range rt.also {
		out[strconv.Itoa(status)] = of(rt.answer, doc)
	}
	for status, answer := range rt.other {
		out[strconv.Itoa(status)] = of(answer, http.StatusText(status))
	}
	for _, code := range rt.allCodes() {
		status := strconv.Itoa(kindOf(code).status)
		if r := out[status]; r != nil {
			r.Description += ", `" + string(code) + "`"
			continue
		}
		out[status] = &huma.Response{
			Description: kindOf(code).title + ": `" + string(code) + "`",
			Content:     map[string]*huma.MediaType{problemType: {Schema: schemas.Schema(reflect.TypeFor[problem](), true, "")}},
		}
	}
	return out
}

// allCodes are the errors that a route may answer with.
func (rt *route) allCodes() []webhook.Code {
	codes := []webhook.Code{
		webhook.CodeUnauthorized, webhook.CodeForbidden, webhook.CodeBadRequest, webhook.CodeInvalid,
		webhook.CodeRateLimited, webhook.CodeUnavailable, webhook.CodeInternal,
	}
	if rt.access != adminOnly || strings.Contains(rt.path, "{") {
		codes = append(codes, webhook.CodeNotFound)
	}
	if rt.method == http.MethodPost {
		codes = append(codes, webhook.CodeIdempotencyMismatch, webhook.CodeIdempotencyInFlight)
	}
	if rt.body != nil {
		codes = append(codes, webhook.CodeMalformed, webhook.CodeTooLarge, webhook.CodeUnsupported)
	}
	return append(codes, rt.codes...)
}
