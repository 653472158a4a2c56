package api

import (
	_ "embed"
	"encoding/json"
	"net/http"
	"reflect"
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
	tagStream     = "Stream"
	tagEventTypes = "Event types"
	tagAuditLog   = "Audit log"
	tagQueues     = "Queues"
	tagService    = "Service"

	adminScheme  = "adminKey"
	keyScheme    = "workspaceKey"
	secretScheme = "endpointSecret"
)

// overview is what the description says before it comes to the operations.
//
//go:embed openapi.md
var overview string

// OpenAPI is the description of the API, OpenAPI 3.1 in JSON. It needs nothing
// that a running server does.
func OpenAPI() ([]byte, error) {
	s := &server{cfg: Config{}.withDefaults(), mux: http.NewServeMux()}
	return renderDescription(s.mount())
}

func renderDescription(doc *huma.OpenAPI) ([]byte, error) {
	raw, err := json.MarshalIndent(doc, "", "  ")
	return append(raw, '\n'), err
}

// mount puts every route onto the mux and into the description.
func (s *server) mount() *huma.OpenAPI {
	doc := newDocument(s.cfg.Version)
	api := humago.New(s.mux, huma.Config{OpenAPI: doc})
	for _, rt := range s.routes() {
		op := rt.operation(doc.Components)
		doc.AddOperation(op)
		api.Adapter().Handle(op, func(ctx huma.Context) {
			r, w := humago.Unwrap(ctx)
			s.serve(&rt, w, r)
		})
	}
	explanation := doc.Components.Schemas.Map()["Explanation"].Properties
	explanation["delivery"] = nullable(explanation["delivery"])
	queues := doc.Components.Schemas.Map()["Queues"].Properties
	queues["redis"] = nullable(queues["redis"])
	addServiceOperations(doc)
	settleSchemas(doc)
	// The one array of an answer that may be null.
	doc.Components.Schemas.Map()["Event"].Properties["endpoint_ids"].Nullable = true
	addExamples(doc)
	return doc
}

func newDocument(version string) *huma.OpenAPI {
	schemas := huma.NewMapRegistry("#/components/schemas/", schemaName)
	schemas.RegisterTypeAlias(reflect.TypeFor[webhook.WorkspaceID](), reflect.TypeFor[workspaceIDSchema]())
	schemas.RegisterTypeAlias(reflect.TypeFor[json.RawMessage](), reflect.TypeFor[map[string]any]())
	describeCodes(schemas)
	return &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info: &huma.Info{
			Title: "Postrider", Version: version, Description: strings.TrimSpace(overview),
			License: &huma.License{Name: "Apache 2.0", Identifier: "Apache-2.0"},
		},
		Servers: []*huma.Server{
			{URL: "/", Description: "The server that this description comes from."},
			{
				URL: "{scheme}://{host}", Description: "Any other.",
				Variables: map[string]*huma.ServerVariable{
					"scheme": {Enum: []string{"https", "http"}, Default: "http", Description: "https where a proxy in front of the API speaks it."},
					"host":   {Default: "localhost:8080", Description: "Host and port: api.listen, or the proxy's."},
				},
			},
		},
		Tags: []*huma.Tag{
			{Name: tagEvents, Description: "One thing that happened: a type and a payload, accepted once."},
			{Name: tagEndpoints, Description: "A receiver's URL with its subscription, secret and delivery policy."},
			{Name: tagDeliveries, Description: "One event on its way to one endpoint, and the attempts made for it."},
			{Name: tagReplays, Description: "Stored events, delivered again."},
			{Name: tagStream, Description: "What happens in a workspace, as it happens."},
			{Name: tagEventTypes, Description: "The catalogue: what a workspace publishes, and the schemas that data is held against."},
			{Name: tagWorkspaces, Description: "A tenant. Nothing crosses from one to another."},
			{Name: tagKeys, Description: "A workspace's API keys."},
			{Name: tagAuditLog, Description: "Who changed what."},
			{Name: tagQueues, Description: "What waits in Redis, of the whole deployment."},
			{Name: tagService, Description: "About the API itself. These need no key."},
		},
		Components: &huma.Components{
			Schemas: schemas, Headers: answerHeaders(), Parameters: sharedParameters(),
			Responses: map[string]*huma.Response{}, Examples: map[string]*huma.Example{},
			SecuritySchemes: map[string]*huma.SecurityScheme{
				adminScheme:  {Type: "http", Scheme: "bearer", Description: "The admin key, api.admin_key in the configuration. It may do everything, and names a workspace with X-Workspace-ID where a route acts in one."},
				keyScheme:    {Type: "http", Scheme: "bearer", BearerFormat: "pr_…", Description: "A workspace's key. It acts in its workspace only, as far as its scopes go: an operation's requirement names the one that it needs."},
				secretScheme: {Type: "http", Scheme: "bearer", BearerFormat: "whsec_…", Description: "A secret of the endpoint that the path names: its present one, or while those rotate either. It opens that endpoint's feed and nothing else."},
			},
		},
	}
}

// schemaName drops the suffix that keeps our types apart from the vocabulary's.
func schemaName(t reflect.Type, hint string) string {
	return strings.ReplaceAll(huma.DefaultSchemaNamer(t, hint), "Wire", "")
}
