package api

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"

	"github.com/postrider/postrider/internal/webhook"
)

// problem is an error as RFC 9457 puts it, with a stable code.
type problem struct {
	Type      string               `json:"type" doc:"A URN that ends with the code." example:"urn:postrider:problem:invalid"`
	Title     string               `json:"title" doc:"The code in words." example:"The request is invalid"`
	Status    int                  `json:"status" minimum:"400" maximum:"599" doc:"The HTTP status." example:"422"`
	Detail    string               `json:"detail" doc:"What went wrong this time." example:"the request has invalid fields"`
	Code      string               `json:"code" doc:"Stable; clients may switch on it." example:"invalid"`
	RequestID string               `json:"request_id" doc:"The same as in the X-Request-ID header." example:"req_01hm6cfy60nw8f6cdyx4kb5s3r"`
	Errors    []webhook.FieldError `json:"errors,omitempty" doc:"For bad input: what is wrong where."`
}

const problemType = "application/problem+json"

// kind is how a code looks from outside.
type kind struct {
	status int
	title  string
}

// kindOf knows every code; internal is the answer for any other.
func kindOf(code webhook.Code) kind {
	switch code {
	case webhook.CodeMalformed:
		return kind{http.StatusBadRequest, "The body is not valid JSON"}
	case webhook.CodeBadRequest:
		return kind{http.StatusBadRequest, "The request can't be read"}
	case webhook.CodeUnauthorized:
		return kind{http.StatusUnauthorized, "No key or a wrong one"}
	case webhook.CodeForbidden:
		return kind{http.StatusForbidden, "The key may not do this"}
	case webhook.CodeNotFound:
		return kind{http.StatusNotFound, "Not found"}
	case webhook.CodeMethod:
		return kind{http.StatusMethodNotAllowed, "The method is not allowed here"}
	case webhook.CodeConflict:
		return kind{http.StatusConflict, "Conflict"}
	case webhook.CodeIdempotencyInFlight:
		return kind{http.StatusConflict, "The first request with this key is under way"}
	case webhook.CodeIdempotencyMismatch:
		return kind{http.StatusUnprocessableEntity, "The key was used with another request"}
	case webhook.CodeNotRetryable:
		return kind{http.StatusConflict, "The delivery can't be retried"}
	case webhook.CodeNotCancelable:
		return kind{http.StatusConflict, "The delivery can't be canceled"}
	case webhook.CodeTooLarge:
		return kind{http.StatusRequestEntityTooLarge, "The body is too large"}
	case webhook.CodeUnsupported:
		return kind{http.StatusUnsupportedMediaType, "The body's content type is not supported"}
	case webhook.CodeInvalid:
		return kind{http.StatusUnprocessableEntity, "The request is invalid"}
	case webhook.CodeWeakSecret:
		return kind{http.StatusUnprocessableEntity, "The secret is too weak"}
	case webhook.CodeRateLimited:
		return kind{http.StatusTooManyRequests, "Too many requests"}
	case webhook.CodeUnavailable:
		return kind{http.StatusServiceUnavailable, "Not available at the moment"}
	}
	return kind{http.StatusInternalServerError, "Internal error"}
}

// allCodes is for the description.
func allCodes() []webhook.Code {
	return []webhook.Code{
		webhook.CodeMalformed, webhook.CodeBadRequest, webhook.CodeUnauthorized, webhook.CodeForbidden,
		webhook.CodeNotFound, webhook.CodeMethod, webhook.CodeConflict, webhook.CodeNotRetryable,
		webhook.CodeNotCancelable, webhook.CodeTooLarge, webhook.CodeUnsupported, webhook.CodeInvalid,
		webhook.CodeWeakSecret, webhook.CodeIdempotencyMismatch, webhook.CodeIdempotencyInFlight, webhook.CodeRateLimited, webhook.CodeUnavailable, webhook.CodeInternal,
	}
}

// coded is what the caller is told of an error. An error without a code is ours
// to look into, and its text stays with us.
func coded(err error) *webhook.Error {
	var e *webhook.Error
	switch {
	case errors.As(err, &e):
		return e
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return webhook.Errorf(webhook.CodeUnavailable, "the request took too long")
	}
	return webhook.Errorf(webhook.CodeInternal, "something went wrong on our side; the request id helps to find it")
}

// fail answers with a problem, and logs what only an operator can mend.
func (s *server) fail(w http.ResponseWriter, r *http.Request, err error) {
	e := coded(err)
	k := kindOf(e.Code)
	if k.status == http.StatusInternalServerError {
		s.cfg.Logger.ErrorContext(r.Context(), "request failed", "request_id", w.Header().Get(requestIDHeader),
			"method", r.Method, "path", r.URL.Path, "error", err)
	}
	h := w.Header()
	switch k.status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", `Bearer realm="postrider"`)
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		h.Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(e.RetryAfter.Seconds())))))
	}
	problemOf(e, h.Get(requestIDHeader)).write(w)
}

// problemOf is what the caller is told of an error.
func problemOf(e *webhook.Error, requestID string) *kept {
	k := kindOf(e.Code)
	return &kept{Status: k.status, Type: problemType, Body: encodeJSON(problem{
		Type: problemURN + string(e.Code), Title: k.title, Status: k.status, Detail: e.Detail,
		Code: string(e.Code), RequestID: requestID, Errors: e.Fields,
	})}
}

// invalidField is a 422 for one field.
func invalidField(pointer, format string, args ...any) *webhook.Error {
	return webhook.Invalid(webhook.FieldError{Pointer: pointer, Detail: fmt.Sprintf(format, args...)})
}
