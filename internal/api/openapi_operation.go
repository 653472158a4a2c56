package api

import (
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/postrider/postrider/internal/sse"
	"github.com/postrider/postrider/internal/webhook"
)

// operation describes a route.
func (rt *route) operation(components *huma.Components) *huma.Operation {
	op := &huma.Operation{
		OperationID: rt.id, Method: rt.method, Path: rt.path, Tags: []string{rt.tag}, Summary: rt.summary,
		Description: rt.doc, Parameters: rt.parameters(), Responses: rt.responses(components),
		Security: []map[string][]string{{adminScheme: {}}},
	}
	needs := "the admin key"
	switch rt.access {
	case scoped:
		needs = "the scope `" + string(rt.scope) + "`"
		op.Security = append(op.Security, map[string][]string{keyScheme: {string(rt.scope)}})
		if rt.bySecret {
			needs += ", or a secret of the endpoint in the key's place"
			op.Security = append(op.Security, map[string][]string{secretScheme: {}})
		}
	case wholeWorkspace:
		needs = "the admin key, or a workspace's key with every scope"
		op.Security = append(op.Security, map[string][]string{keyScheme: scopeNames(webhook.Scopes())})
	}
	op.Description = strings.TrimSpace(op.Description + "\n\nNeeds " + needs + ".")
	if rt.body != nil {
		op.RequestBody = rt.body.describe(components.Schemas)
	}
	return op
}

func (b *bodySpec) describe(schemas huma.Registry) *huma.RequestBody {
	schema := schemas.Schema(reflect.TypeOf(b.example), true, "")
	content := map[string]*huma.MediaType{typeJSON: {Schema: schema}}
	out := &huma.RequestBody{Required: b.required, Content: content, Description: "At most " + inMiB(b.limit) + "."}
	if b.patch {
		content[typeMergePatch] = &huma.MediaType{Schema: schema}
		out.Description += " What is left out stays as it is."
		// A type that describes what a patch leads to requires more than the patch.
		schemas.SchemaFromRef(schema.Ref).Required = nil
	}
	if !b.required {
		out.Description += " It may be left out."
	}
	return out
}

func inMiB(bytes int64) string { return strconv.FormatInt(bytes>>20, 10) + " MiB" }

func (rt *route) responses(components *huma.Components) map[string]*huma.Response {
	out := map[string]*huma.Response{}
	success := func(status int, answer any, doc string) {
		r := &huma.Response{Description: doc, Headers: rt.headers(status)}
		if rt.stream != nil {
			r.Headers["X-Accel-Buffering"] = &huma.Header{Ref: "#/components/headers/X-Accel-Buffering"}
			r.Content = map[string]*huma.MediaType{sse.Type: streamContent(components.Schemas)}
		}
		if answer != nil {
			schema := components.Schemas.Schema(reflect.TypeOf(answer), true, "")
			r.Content = map[string]*huma.MediaType{typeJSON: {Schema: schema, Example: rt.sampleOf(answer)}}
		}
		out[strconv.Itoa(status)] = r
	}
	success(rt.status, rt.answer, http.StatusText(rt.status)+".")
	for status, doc := range rt.also {
		success(status, rt.answer, doc)
	}
	for status, answer := range rt.other {
		success(status, answer, http.StatusText(status)+".")
	}
	byStatus := map[int][]webhook.Code{}
	for _, code := range rt.allCodes() {
		status := kindOf(code).status
		byStatus[status] = append(byStatus[status], code)
	}
	for status, codes := range byStatus {
		out[strconv.Itoa(status)] = problemResponse(components, status, codes)
	}
	return out
}

// sampleOf is the route's own example of its answer; nil leaves it to addExamples.
func (rt *route) sampleOf(answer any) any {
	if rt.sample != nil && reflect.TypeOf(answer) == reflect.TypeOf(rt.sample) {
		return rt.sample
	}
	return nil
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

func scopeNames(scopes []webhook.Scope) []string {
	out := make([]string, len(scopes))
	for i, scope := range scopes {
		out[i] = string(scope)
	}
	return out
}
