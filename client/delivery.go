package client

import "time"

// Delivery is one event on its way to one endpoint.
type Delivery struct {
	ID          string         `json:"id"`
	EventID     string         `json:"event_id"`
	EndpointID  string         `json:"endpoint_id"`
	WorkspaceID WorkspaceID    `json:"workspace_id"`
	Type        string         `json:"type"`
	Status      DeliveryStatus `json:"status"`
	// Attempts is how many were made.
	Attempts int `json:"attempts"`
	// ScheduleStart is how many of them were made before the present schedule began.
	ScheduleStart int `json:"schedule_start"`
	// StatusCode is of the last attempt, like the response and the error.
	StatusCode   *int    `json:"status_code"`
	ResponseBody *string `json:"response_body"`
	// ResponseBodyBase64 is the whole body when it is not UTF-8.
	ResponseBodyBase64 *string     `json:"response_body_base64,omitempty"`
	Error              *string     `json:"error"`
	ErrorClass         *ErrorClass `json:"error_class"`
	// HeldUntil and HeldReason are nil when it is not held.
	HeldUntil  *time.Time  `json:"held_until"`
	HeldReason *HeldReason `json:"held_reason"`
	// NextAttemptAt is nil when there is none.
	NextAttemptAt *time.Time `json:"next_attempt_at"`
	CreatedAt     time.Time  `json:"created_at"`
	// CompletedAt is when it stopped being pending.
	CompletedAt *time.Time `json:"completed_at"`
	OrderingKey *string    `json:"ordering_key"`
	// ReplayID is the replay that made it; nil for the first.
	ReplayID *string `json:"replay_id"`
}

// DeliveryStatus is what became of a delivery.
type DeliveryStatus string

// Every status: on its way, taken with a 2xx, given up at the end of its schedule,
// or stopped by somebody.
const (
	DeliveryPending  DeliveryStatus = "pending"
	DeliverySuccess  DeliveryStatus = "success"
	DeliveryFailed   DeliveryStatus = "failed"
	DeliveryCanceled DeliveryStatus = "canceled"
)

// ErrorClass is in one word why an attempt failed.
type ErrorClass string

// Every class; docs/delivery-errors.md says what to do about each.
const (
	ErrorTimeout     ErrorClass = "timeout"
	ErrorRefused     ErrorClass = "refused"
	ErrorReset       ErrorClass = "reset"
	ErrorDNS         ErrorClass = "dns"
	ErrorTLS         ErrorClass = "tls"
	ErrorBlocked     ErrorClass = "blocked"
	ErrorStatus      ErrorClass = "status"
	ErrorInvalidHTTP ErrorClass = "invalid_http"
	ErrorInternal    ErrorClass = "internal"
)

// StatusClass is what kind of answer an attempt got.
type StatusClass string

// Every kind of answer, and that of none.
const (
	Answer2xx StatusClass = "2xx"
	Answer3xx StatusClass = "3xx"
	Answer4xx StatusClass = "4xx"
	Answer5xx StatusClass = "5xx"
	NoAnswer  StatusClass = "none"
)

// HeldReason is why a pending delivery is not being tried.
type HeldReason string

// Every reason.
const (
	HeldEndpointDisabled HeldReason = "endpoint_disabled"
	HeldBreakerOpen      HeldReason = "breaker_open"
	HeldMaxInFlight      HeldReason = "max_in_flight"
	HeldRateLimit        HeldReason = "rate_limit"
	HeldSecretSealed     HeldReason = "secret_sealed"
	HeldOrdering         HeldReason = "ordering"
)

// Attempt is one HTTP request made for a delivery, with what came back.
type Attempt struct {
	ID string `json:"id"`
	// Number is from 1, and goes on over manual retries.
	Number     int       `json:"number"`
	StartedAt  time.Time `json:"started_at"`
	DurationMS int64     `json:"duration_ms"`
	// StatusCode is nil where no answer came.
	StatusCode *int        `json:"status_code"`
	Error      *string     `json:"error"`
	ErrorClass *ErrorClass `json:"error_class"`
	// RequestHeaders are as sent, without secrets.
	RequestHeaders  map[string]string `json:"request_headers"`
	ResponseHeaders map[string]string `json:"response_headers"`
	ResponseBody    *string           `json:"response_body"`
	// ResponseBodyBase64 is the whole body when it is not UTF-8.
	ResponseBodyBase64 *string `json:"response_body_base64,omitempty"`
	// SignedWith is, while secrets rotated, which one made X-Webhook-Signature.
	SignedWith *SignedWith `json:"signed_with"`
}

// SignedWith is one of two secrets that rotate.
type SignedWith string

// Both of them.
const (
	SignedWithOld SignedWith = "old"
	SignedWithNew SignedWith = "new"
)
