package webhook

import (
	"errors"
	"fmt"
	"time"
)

// Code is a stable word for what went wrong; clients may switch on it. Package
// api alone turns it into an HTTP status.
type Code string

// Every code there is.
const (
	CodeMalformed    Code = "malformed_json"
	CodeBadRequest   Code = "bad_request"
	CodeUnauthorized Code = "unauthorized"
	CodeForbidden    Code = "forbidden"
	CodeNotFound     Code = "not_found"
	CodeConflict     Code = "conflict"
	CodeNotRetryable Code = "not_retryable"
	// A key that was used with another request, or whose first request is under way.
	CodeIdempotencyMismatch Code = "idempotency_mismatch"
	CodeIdempotencyInFlight Code = "idempotency_in_flight"
	CodeNotCancelable       Code = "not_cancelable"
	CodeTooLarge            Code = "too_large"
	CodeUnsupported         Code = "unsupported_media_type"
	CodeMethod              Code = "method_not_allowed"
	CodeInvalid             Code = "invalid"
	CodeWeakSecret          Code = "weak_secret"
	CodeRateLimited         Code = "rate_limited"
	CodeUnavailable         Code = "unavailable"
	CodeInternal            Code = "internal"
)

// FieldError points at one bad field of an input.
type FieldError struct {
	// Pointer is an RFC 6901 JSON pointer into the body, or the name of a query
	// parameter or header.
	Pointer string `json:"pointer" doc:"A JSON pointer (RFC 6901) into the body, or the name of a query parameter or header." example:"/url"`
	Detail  string `json:"detail" doc:"What is wrong there." example:"is required"`
}

// Error is a failure with a stable code, meant for the caller to read.
type Error struct {
	Code   Code
	Detail string
	Fields []FieldError
	// RetryAfter is when to try again; 0 says nothing.
	RetryAfter time.Duration
}

func (e *Error) Error() string { return string(e.Code) + ": " + e.Detail }

// Errorf makes an error with a code.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Detail: fmt.Sprintf(format, args...)}
}

// Invalid makes a 422 for the given fields.
func Invalid(fields ...FieldError) *Error {
	return &Error{Code: CodeInvalid, Detail: "the request has invalid fields", Fields: fields}
}

// NotFound makes the answer for an id that is unknown, malformed or another
// workspace's: they look the same on purpose.
func NotFound(what string) *Error { return Errorf(CodeNotFound, "no such %s", what) }

// CodeOf returns err's code, or CodeInternal where it has none.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return CodeInternal
}
