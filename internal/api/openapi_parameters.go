package api

import (
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/postrider/postrider/internal/webhook"
)

// Patterns of what is no field of a type. JSON Schema's are ECMAScript's, and
// these mean the same to Go.
const (
	patternWorkspace = `^[A-Za-z0-9_-]{1,64}$`
	patternEventID   = `^[A-Za-z0-9_-]{1,128}$`
	patternEventType = `^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`
	patternText      = `^[^\x00]*$`
	sampleText       = "01kqxg5wdgf0m8c4yb2h3t9v6z"
)

// patternOf is the pattern of ids with a prefix.
func patternOf(prefix string) string { return "^" + prefix + "[0-7][0-9a-hjkmnp-tv-z]{25}$" }

// pathIDs describe what stands after a segment of a path.
var pathIDs = map[string]huma.Param{
	"endpoints":   idParam("The endpoint.", webhook.EndpointPrefix),
	"deliveries":  idParam("The delivery.", webhook.DeliveryPrefix),
	"replays":     idParam("The replay.", webhook.ReplayPrefix),
	"keys":        idParam("The key's id; not the key.", webhook.KeyPrefix),
	"workspaces":  {Description: "The workspace.", Example: "456", Schema: &huma.Schema{Type: huma.TypeString, Pattern: patternWorkspace}},
	"events":      {Description: "The event: the caller's own id, or a generated one.", Example: "evt_" + sampleText, Schema: &huma.Schema{Type: huma.TypeString, Pattern: patternEventID}},
	"event-types": {Description: "The event type.", Example: "post.created", Schema: eventTypeSchema()},
}

func idParam(doc, prefix string) huma.Param {
	return huma.Param{Description: doc, Example: prefix + sampleText, Schema: &huma.Schema{Type: huma.TypeString, Pattern: patternOf(prefix)}}
}

func eventTypeSchema() *huma.Schema {
	most := webhook.MaxTypeBytes
	return &huma.Schema{Type: huma.TypeString, Pattern: patternEventType, MaxLength: &most}
}

// The names of shared parameters among the components.
const (
	paramWorkspace   = "WorkspaceID"
	paramIdempotency = "IdempotencyKey"
	paramRequestID   = "RequestID"
	paramLastEvent   = "LastEventID"
)

// sharedParameters are headers that many operations take.
func sharedParameters() map[string]*huma.Param {
	most := maxKeyBytes
	return map[string]*huma.Param{
		paramWorkspace: {
			Name: workspaceHeader, In: "header", Schema: &huma.Schema{Type: huma.TypeString, Pattern: patternWorkspace}, Example: "456",
			Description: "The workspace. Needed with the admin key (which may leave it out of the audit log, for all of them); a workspace's key may leave it out, and may name no other.",
		},
		paramIdempotency: {
			Name: keyHeader, In: "header", Example: "order-1234-paid",
			Schema:      &huma.Schema{Type: huma.TypeString, MaxLength: &most, Pattern: "^[ -~]*$"},
			Description: "Printable ASCII; an empty one is none. The same request with the same key gets the same answer for 24 hours, with Idempotency-Replayed: true, and takes effect once.",
		},
		paramLastEvent: {
			Name: lastEventHeader, In: "header", Example: "AY0MYfjAAAAAAAAAAAAAAA",
			Schema:      &huma.Schema{Type: huma.TypeString, Pattern: "^[A-Za-z0-9_-]*$"},
			Description: "The id of the last message that was dealt with: the stream goes on behind it. An empty one is none.",
		},
		paramRequestID: {
			Name: requestIDHeader, In: "header", Example: "req_" + sampleText,
			Schema:      &huma.Schema{Type: huma.TypeString},
			Description: "Comes back in the answer and stands in the log. One that is not 1 to 128 visible ASCII characters is replaced.",
		},
	}
}

func (rt *route) parameters() []*huma.Param {
	out := rt.pathParameters()
	for i := range rt.query {
		out = append(out, rt.query[i].describe())
	}
	shared := func(name string) { out = append(out, &huma.Param{Ref: "#/components/parameters/" + name}) }
	if rt.access != adminOnly {
		shared(paramWorkspace)
	}
	if rt.method == http.MethodPost {
		shared(paramIdempotency)
	}
	if rt.stream != nil {
		shared(paramLastEvent)
	}
	shared(paramRequestID)
	return out
}

func (rt *route) pathParameters() (out []*huma.Param) {
	segments := strings.Split(rt.path, "/")
	for i, segment := range segments {
		name, ok := strings.CutPrefix(segment, "{")
		if !ok {
			continue
		}
		p := pathIDs[segments[i-1]] // a description that is missing fails a test
		p.Name, p.In, p.Required = strings.TrimSuffix(name, "}"), "path", true
		if p.Schema == nil {
			p.Schema = &huma.Schema{Type: huma.TypeString}
		}
		out = append(out, &p)
	}
	return out
}

func (p *param) describe() *huma.Param {
	schema := &huma.Schema{Type: huma.TypeString, Format: p.format, Enum: p.enum}
	switch {
	case p.integer:
		low, high := 1.0, float64(maxLimit)
		schema = &huma.Schema{Type: huma.TypeInteger, Format: "int32", Minimum: &low, Maximum: &high, Default: defaultLimit}
	case p.name == "cursor":
		most := maxCursor
		schema.MaxLength = &most
	case p.pattern != "":
		most := webhook.MaxTypeBytes
		schema.Pattern, schema.MaxLength = p.pattern, &most
	}
	return &huma.Param{
		Name: p.name, In: "query", Description: p.doc, Schema: schema, Required: p.required, Example: p.example,
		AllowEmptyValue: !p.integer && !p.required, // see dropEmpty
	}
}
