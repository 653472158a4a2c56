package client

import (
	"encoding/json"
	"time"
)

// EndpointInput is a new endpoint. URL and Events are required.
type EndpointInput struct {
	// URL is http or https, and reachable from the API.
	URL string `json:"url"`
	// Events are types (post.created), prefixes (post.*) or *.
	Events []string `json:"events"`
	// Filters are paths into the payload and what they must be: a map, or anything
	// else that marshals to a JSON object.
	Filters any `json:"filters,omitempty"`
	// Secret is whsec_ and the base64 of 24 to 64 bytes. Generated when nil.
	Secret      *string `json:"secret,omitempty"`
	Description string  `json:"description,omitempty"`
	// IsActive is true when nil.
	IsActive *bool `json:"is_active,omitempty"`
	// Headers are sent with every request; their values are kept secret.
	Headers map[string]string `json:"headers,omitempty"`
	// Timeout of one attempt, in seconds: 1 to 60. Default 10.
	Timeout *int `json:"timeout,omitempty"`
	// RetrySchedule has the seconds before each retry: nil for the default, empty
	// for no retry.
	RetrySchedule []int `json:"retry_schedule,omitzero"`
	// RateLimit is requests a second. Default none.
	RateLimit *int `json:"rate_limit,omitempty"`
	// MaxInFlight is requests at once. Default 64.
	MaxInFlight *int `json:"max_in_flight,omitempty"`
	// Format of the bodies. Default FormatStandard.
	Format Format `json:"format,omitempty"`
	// Metadata is anything that marshals to a JSON object, up to 16 KiB.
	Metadata any `json:"metadata,omitempty"`
}

// EndpointPatch changes an endpoint. What is left out stays as it is; [Set] gives a
// field a value, [Null] brings its default back. URL, Events and Secret have none.
type EndpointPatch struct {
	URL *string `json:"url,omitempty"`
	// Events are replaced whole.
	Events []string `json:"events,omitempty"`
	// Filters are replaced whole.
	Filters Patch[any] `json:"filters,omitzero"`
	// Secret signs from the next attempt on, without an overlap; see
	// [EndpointsService.Rotate].
	Secret      *string       `json:"secret,omitempty"`
	Description Patch[string] `json:"description,omitzero"`
	IsActive    Patch[bool]   `json:"is_active,omitzero"`
	// Headers are merged by name: nil takes one away, "***" leaves it as it is.
	Headers Patch[map[string]*string] `json:"headers,omitzero"`
	// Timeout is in seconds.
	Timeout Patch[int] `json:"timeout,omitzero"`
	// RetrySchedule is replaced whole.
	RetrySchedule Patch[[]int]  `json:"retry_schedule,omitzero"`
	RateLimit     Patch[int]    `json:"rate_limit,omitzero"`
	MaxInFlight   Patch[int]    `json:"max_in_flight,omitzero"`
	Format        Patch[Format] `json:"format,omitzero"`
	// Metadata is merged.
	Metadata Patch[any] `json:"metadata,omitzero"`
}

// Endpoint is a receiver's URL with its subscription and delivery policy.
type Endpoint struct {
	ID          string      `json:"id"`
	WorkspaceID WorkspaceID `json:"workspace_id"`
	URL         string      `json:"url"`
	// Secret is in the answer to a creation only.
	Secret string `json:"secret,omitempty"`
	// RotatesUntil is when the old secret ends at the latest; nil when none rotates.
	RotatesUntil *time.Time      `json:"secret_rotates_until"`
	Events       []string        `json:"events"`
	Filters      json.RawMessage `json:"filters"`
	Description  string          `json:"description"`
	IsActive     bool            `json:"is_active"`
	// DisabledAt and DisabledReason are nil while it is active.
	DisabledAt     *time.Time      `json:"disabled_at"`
	DisabledReason *DisabledReason `json:"disabled_reason"`
	// Headers have "***" for values.
	Headers map[string]string `json:"headers"`
	// Timeout is in seconds: what takes effect, like all of the policy.
	Timeout int `json:"timeout"`
	// RetrySchedule has the seconds before each retry.
	RetrySchedule []int `json:"retry_schedule"`
	// RateLimit is requests a second; nil for no limit.
	RateLimit   *int            `json:"rate_limit"`
	MaxInFlight int             `json:"max_in_flight"`
	Format      Format          `json:"format"`
	Metadata    json.RawMessage `json:"metadata"`
	CreatedAt   time.Time       `json:"created_at"`
	UpdatedAt   time.Time       `json:"updated_at"`
}

// Format is what the body of a webhook is.
type Format string

// Every format: the event around the payload, the payload alone, CloudEvents 1.0.
const (
	FormatStandard    Format = "standard"
	FormatRaw         Format = "raw"
	FormatCloudEvents Format = "cloudevents"
)

// DisabledReason is why an endpoint is disabled.
type DisabledReason string

// By a user, because the receiver answered 410, or because it kept failing.
const (
	DisabledByUser  DisabledReason = "disabled_by_user"
	DisabledGone    DisabledReason = "gone"
	DisabledFailing DisabledReason = "failing"
)

// EndpointCheck is whether an endpoint would be created, and what is wrong where.
type EndpointCheck struct {
	Valid  bool         `json:"valid"`
	Errors []FieldError `json:"errors"`
}

// EndpointState is how an endpoint is.
type EndpointState string

// Every state. A failing one gets what is sent to it; what is sent to one whose
// breaker is open is held.
const (
	EndpointHealthy     EndpointState = "healthy"
	EndpointFailing     EndpointState = "failing"
	EndpointBreakerOpen EndpointState = "breaker_open"
	EndpointDisabled    EndpointState = "disabled"
)

// EndpointHealth is whether an endpoint fails, and what its breaker does.
type EndpointHealth struct {
	EndpointID string        `json:"endpoint_id"`
	State      EndpointState `json:"state"`
	// Failures are attempts that failed in a row, FailingSince when the first did.
	Failures     int        `json:"failures"`
	FailingSince *time.Time `json:"failing_since"`
	// OpenUntil is until when the breaker holds what is sent to it, at least.
	OpenUntil *time.Time `json:"open_until"`
	// HeldReason is why deliveries wait for it; nil where none do.
	HeldReason *HeldReason `json:"held_reason"`
}

// Secret is an endpoint's.
type Secret struct {
	// Secret is the key of both signature schemes; while secrets rotate the new one.
	Secret string `json:"secret"`
	// PreviousSecret is, while they rotate, what X-Webhook-Signature still uses.
	PreviousSecret string `json:"previous_secret,omitempty"`
	// ExpiresAt is when PreviousSecret ends at the latest.
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
}

// RotateInput says how a secret rotates.
type RotateInput struct {
	// Secret is the new one. Generated when nil.
	Secret *string `json:"secret,omitempty"`
	// Overlap is for how many seconds the old one goes on. Default 86400, at most 30
	// days; 0 replaces it at once.
	Overlap *int `json:"overlap,omitempty"`
}

// Rotated is a new secret, and when the old one ends at the latest.
type Rotated struct {
	Secret    string    `json:"secret"`
	ExpiresAt time.Time `json:"expires_at"`
}

// TestInput is what a test request carries.
type TestInput struct {
	// Type is what X-Webhook-Event says. Default webhook.test.
	Type *string `json:"type,omitempty"`
	// Data is anything that marshals to a JSON object. Default {}.
	Data any `json:"data,omitempty"`
}

// TestResult is what a receiver answered to a test request.
type TestResult struct {
	// Success is whether it was a 2xx.
	Success bool `json:"success"`
	// StatusCode is nil where no answer came.
	StatusCode *int `json:"status_code"`
	// ResponseHeaders are empty where no answer came.
	ResponseHeaders map[string]string `json:"response_headers"`
	// ResponseBody is at most 64 KiB.
	ResponseBody *string `json:"response_body"`
	// ResponseBodyBase64 is the whole body when it is not UTF-8.
	ResponseBodyBase64 *string     `json:"response_body_base64,omitempty"`
	DurationMS         int64       `json:"duration_ms"`
	Error              *string     `json:"error"`
	ErrorClass         *ErrorClass `json:"error_class"`
}
