package api

import (
	"reflect"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/postrider/postrider/internal/webhook"
)

const problemURN = "urn:postrider:problem:"

// meaningOf says for the description what a code means and what to do about it.
func meaningOf(code webhook.Code) string {
	switch code {
	case webhook.CodeMalformed:
		return "the body is empty where one is needed, or not one JSON value in UTF-8"
	case webhook.CodeBadRequest:
		return "the query string or the body can't be read to its end"
	case webhook.CodeUnauthorized:
		return "there is no key, or it is wrong or was revoked"
	case webhook.CodeForbidden:
		return "the key lacks the scope, or only the admin key may do this"
	case webhook.CodeNotFound:
		return "there is no such thing in this workspace, or no such workspace"
	case webhook.CodeMethod:
		return "the path takes other methods; Allow names them"
	case webhook.CodeConflict:
		return "it contradicts what is there already"
	case webhook.CodeIdempotencyInFlight:
		return "the first request with this Idempotency-Key is still under way; ask again in a moment"
	case webhook.CodeIdempotencyMismatch:
		return "the Idempotency-Key was used with another request in the last 24 hours"
	case webhook.CodeNotRetryable:
		return "what can't be delivered again: a delivery that is pending or succeeded, or an event whose payload is no longer kept"
	case webhook.CodeNotCancelable:
		return "the delivery is not pending"
	case webhook.CodeTooLarge:
		return "the body is larger than it may be"
	case webhook.CodeUnsupported:
		return "the body's content type is not JSON in UTF-8"
	case webhook.CodeInvalid:
		return "fields or parameters are wrong, missing or unknown; errors says which"
	case webhook.CodeWeakSecret:
		return "the secret is not whsec_ and the base64 of 24 to 64 bytes"
	case webhook.CodeRateLimited:
		return "the key makes more requests a second than it may; wait for Retry-After"
	case webhook.CodeUnavailable:
		return "the database is away or the process has too much to do; try again after Retry-After"
	case webhook.CodeInternal:
		return "something went wrong on our side; the request id helps to find it"
	}
	return "" // one that is missing fails a test
}

// describeCodes registers the problem and says what each code means.
func describeCodes(schemas huma.Registry) {
	ref := schemas.Schema(reflect.TypeFor[problem](), true, "").Ref
	fields := schemas.SchemaFromRef(ref).Properties
	fields["type"].Pattern = "^" + problemURN + "[a-z_]+$"
	code := fields["code"]
	meanings := map[string]any{}
	doc := []string{"Stable; programs may switch on it. Later releases may add codes.", ""}
	for _, c := range allCodes() {
		code.Enum = append(code.Enum, string(c))
		meanings[string(c)] = meaningOf(c)
		doc = append(doc, "- `"+string(c)+"` ("+strconv.Itoa(kindOf(c).status)+"): "+meaningOf(c))
	}
	code.Description = strings.Join(doc, "\n")
	code.Extensions = map[string]any{"x-enumDescriptions": meanings}
}
