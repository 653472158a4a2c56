package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Code is a stable word for what went wrong. Later releases may add some.
type Code string

// Every code that the API answers with.
const (
	CodeMalformed           Code = "malformed_json"
	CodeBadRequest          Code = "bad_request"
	CodeUnauthorized        Code = "unauthorized"
	CodeForbidden           Code = "forbidden"
	CodeNotFound            Code = "not_found"
	CodeMethodNotAllowed    Code = "method_not_allowed"
	CodeConflict            Code = "conflict"
	CodeNotRetryable        Code = "not_retryable"
	CodeNotCancelable       Code = "not_cancelable"
	CodeTooLarge            Code = "too_large"
	CodeUnsupportedMedia    Code = "unsupported_media_type"
	CodeInvalid             Code = "invalid"
	CodeWeakSecret          Code = "weak_secret"
	CodeIdempotencyMismatch Code = "idempotency_mismatch"
	CodeIdempotencyInFlight Code = "idempotency_in_flight"
	CodeRateLimited         Code = "rate_limited"
	CodeUnavailable         Code = "unavailable"
	CodeInternal            Code = "internal"
)

// FieldError says what is wrong at one place of a request.
type FieldError struct {
	// Pointer is a JSON pointer (RFC 6901) into the body, such as /events/3/type, or
	// the name of a query parameter or header.
	Pointer string `json:"pointer"`
	Detail  string `json:"detail"`
}

// Error is the API's answer to a request that it did not fulfill. Find it with
// [errors.As], or its code with [CodeOf].
type Error struct {
	// Type is a URN that ends with the code, Title is the code in words.
	Type  string `json:"type"`
	Title string `json:"title"`
	// Status is the HTTP status.
	Status int `json:"status"`
	// Detail says what went wrong this time.
	Detail string `json:"detail"`
	// Code is empty where something between here and the API answered.
	Code Code `json:"code"`
	// RequestID helps to find the request in the API's log.
	RequestID string `json:"request_id"`
	// Errors say of bad input what is wrong where.
	Errors []FieldError `json:"errors,omitempty"`
	// RetryAfter is how long the API asks to wait; 0 where it says nothing.
	RetryAfter time.Duration `json:"-"`
	// Operation is the operation's id in the API's description, such as publishEvent.
	Operation string `json:"-"`
}

// shownErrors is how many fields an error's text tells of.
const shownErrors = 3

// Error is one line for people. No key or secret is in it.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("client: ")
	if e.Operation != "" {
		b.WriteString(e.Operation + ": ")
	}
	fmt.Fprintf(&b, "%d", e.Status)
	if e.Code != "" {
		b.WriteString(" " + string(e.Code))
	}
	b.WriteString(": " + e.Detail)
	for i, f := range e.Errors {
		if i == shownErrors {
			fmt.Fprintf(&b, "; and %d more", len(e.Errors)-i)
			break
		}
		b.WriteString("; " + f.Pointer + " " + f.Detail)
	}
	if e.RequestID != "" {
		b.WriteString(" (" + e.RequestID + ")")
	}
	return b.String()
}

// CodeOf is the code of the API's answer that err is or wraps, else "".
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// errorOf makes an error of an answer that is no success.
func errorOf(op string, status int, header http.Header, raw []byte) *Error {
	e := &Error{}
	kind, _, _ := mime.ParseMediaType(header.Get("Content-Type")) // of a wrong one it is empty
	if kind != "application/problem+json" || json.Unmarshal(raw, e) != nil || e.Code == "" {
		// Of a stranger's page nothing is repeated: who knows what is in it.
		*e = Error{Title: http.StatusText(status), Detail: "something that is not the API answered " + strings.TrimSpace(strconv.Itoa(status)+" "+http.StatusText(status))}
	}
	e.Status, e.Operation, e.RetryAfter = status, op, retryAfter(header.Get("Retry-After"), time.Now())
	if e.RequestID == "" {
		e.RequestID = header.Get("X-Request-ID")
	}
	return e
}

// maxRetryAfter keeps a header's number from overflowing.
const maxRetryAfter = 10 * 365 * 24 * time.Hour

// retryAfter reads seconds or a date; 0 for anything else.
func retryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil {
		return time.Duration(max(0, min(seconds, int64(maxRetryAfter/time.Second)))) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, min(at.Sub(now), maxRetryAfter))
	}
	return 0
}
