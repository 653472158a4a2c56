package api

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/postrider/postrider/internal/webhook"
)

// answerHeaders are what answers may carry, by the name of the component.
func answerHeaders() map[string]*huma.Header {
	text := &huma.Schema{Type: huma.TypeString}
	whole := func(low float64) *huma.Schema { return &huma.Schema{Type: huma.TypeInteger, Minimum: &low} }
	return map[string]*huma.Header{
		"X-Request-ID":          {Description: "The request's id: the caller's own, or a generated one. It is in the log.", Required: true, Schema: text, Example: "req_" + sampleText},
		"Location":              {Description: "The path of what was made.", Required: true, Schema: &huma.Schema{Type: huma.TypeString, Pattern: "^/v1/"}, Example: "/v1/endpoints/ep_" + sampleText},
		"X-Accel-Buffering":     {Description: "no: proxies that know it pass each message on at once.", Required: true, Schema: text, Example: "no"},
		"Retry-After":           {Description: "Seconds to wait before the next try.", Required: true, Schema: whole(1), Example: 1},
		"WWW-Authenticate":      {Description: "How to send a key.", Required: true, Schema: text, Example: `Bearer realm="postrider"`},
		"Idempotency-Replayed":  {Description: "true where the answer is the one that an earlier request with this Idempotency-Key got.", Schema: &huma.Schema{Type: huma.TypeString, Enum: []any{"true"}}, Example: "true"},
		"X-RateLimit-Limit":     {Description: "Requests a second that the key may make; only where api.rate_limit is set.", Schema: whole(1), Example: 100},
		"X-RateLimit-Remaining": {Description: "How many of them are left; only where api.rate_limit is set.", Schema: whole(0), Example: 99},
		"X-RateLimit-Reset":     {Description: "Seconds until all of them are there again; only where api.rate_limit is set.", Schema: whole(0), Example: 1},
	}
}

func headersNamed(names ...string) map[string]*huma.Header {
	out := make(map[string]*huma.Header, len(names))
	for _, name := range names {
		out[name] = &huma.Header{Ref: "#/components/headers/" + name}
	}
	return out
}

var rateHeaders = []string{"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"}

// headers are those of a success.
func (rt *route) headers(status int) map[string]*huma.Header {
	names := append([]string{requestIDHeader}, rateHeaders...)
	if rt.method == http.MethodPost {
		names = append(names, replayedHeader)
	}
	if status == http.StatusCreated || rt.located && status == rt.status {
		names = append(names, "Location")
	}
	return headersNamed(names...)
}

// problemResponse describes the problems of one status. Routes that may answer
// with the same codes share it.
func problemResponse(components *huma.Components, status int, codes []webhook.Code) *huma.Response {
	slices.Sort(codes)
	codes = slices.Compact(codes)
	name := responseName(codes)
	if components.Responses[name] == nil {
		components.Responses[name] = newProblemResponse(status, codes)
		for _, code := range codes {
			components.Examples[string(code)] = codeExample(code)
		}
	}
	return &huma.Response{Ref: "#/components/responses/" + name}
}

func newProblemResponse(status int, codes []webhook.Code) *huma.Response {
	var values []any
	var docs []string
	examples := map[string]*huma.Example{}
	for _, code := range codes {
		values = append(values, string(code))
		docs = append(docs, "`"+string(code)+"`: "+meaningOf(code))
		examples[string(code)] = &huma.Example{Ref: "#/components/examples/" + string(code)}
	}
	schema := &huma.Schema{AllOf: []*huma.Schema{
		{Ref: "#/components/schemas/Problem"},
		{Type: huma.TypeObject, Properties: map[string]*huma.Schema{
			"status": {Type: huma.TypeInteger, Enum: []any{status}, Description: "The HTTP status."},
			"code":   {Type: huma.TypeString, Enum: values, Description: "What this answer may say."},
		}},
	}}
	return &huma.Response{
		Description: strings.Join(docs, "\n\n"), Headers: problemHeaders(status),
		Content: map[string]*huma.MediaType{problemType: {Schema: schema, Examples: examples}},
	}
}

func problemHeaders(status int) map[string]*huma.Header {
	names := []string{requestIDHeader}
	switch status {
	case http.StatusUnauthorized:
		return headersNamed(append(names, "WWW-Authenticate")...) // it is nobody's request, and uses up no rate
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		names = append(names, "Retry-After")
	case http.StatusConflict, http.StatusUnprocessableEntity, http.StatusNotFound, http.StatusForbidden, http.StatusBadRequest:
		names = append(names, replayedHeader)
	}
	return headersNamed(append(names, rateHeaders...)...)
}

// responseName is made of the codes: invalid and weak_secret become
// InvalidOrWeakSecret.
func responseName(codes []webhook.Code) string {
	var names []string
	for _, code := range codes {
		name := ""
		for word := range strings.SplitSeq(string(code), "_") {
			name += strings.ToUpper(word[:1]) + word[1:]
		}
		names = append(names, name)
	}
	return strings.Join(names, "Or")
}

// codeExample is a problem with this code.
func codeExample(code webhook.Code) *huma.Example {
	k, detail := kindOf(code), meaningOf(code)
	p := problem{
		Type: problemURN + string(code), Title: k.title, Status: k.status, Detail: detail,
		Code: string(code), RequestID: "req_" + sampleText,
	}
	if k.status == http.StatusUnprocessableEntity {
		p.Errors = []webhook.FieldError{{Pointer: "/url", Detail: "is required"}}
	}
	return &huma.Example{Summary: strconv.Itoa(k.status) + " " + k.title, Value: p}
}
