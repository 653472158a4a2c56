package client

import (
	"encoding/json"
	"time"
)

// ExplainInput is an event for a dry run. Both are required.
type ExplainInput struct {
	Type string `json:"type"`
	// Data is anything that marshals to a JSON object.
	Data any `json:"data"`
}

// EventExplanation is a page of endpoints with what became of one event.
type EventExplanation struct {
	EventID     string      `json:"event_id"`
	Type        string      `json:"type"`
	AcceptedAt  time.Time   `json:"accepted_at"`
	WorkspaceID WorkspaceID `json:"workspace_id"`
	// Deliveries is how many endpoints matched when it was accepted.
	Deliveries int `json:"deliveries"`
	// PayloadKept: without it filters can't be held against the event any more.
	PayloadKept bool          `json:"payload_kept"`
	Data        []Explanation `json:"data"`
	NextCursor  *string       `json:"next_cursor"`
}

// Explanation is what became of an event at one endpoint.
type Explanation struct {
	EndpointID string `json:"endpoint_id"`
	// Delivered is whether the receiver has answered with a 2xx.
	Delivered bool `json:"delivered"`
	// Matched is whether a delivery was made.
	Matched bool `json:"matched"`
	WhyNot
	// AsOf is what the reason is true of.
	AsOf *AsOf `json:"as_of"`
	// Delivery is the newest one, nil where none was made.
	Delivery *ExplainedDelivery `json:"delivery"`
	// Now is what would become of the event if it were published now.
	Now Forecast `json:"now"`
}

// WhyNot is the first reason why an event is not delivered, and what belongs to it.
type WhyNot struct {
	// Reason and Detail are nil for none.
	Reason *Reason `json:"reason"`
	Detail *string `json:"detail"`
	// Since is when an inactive endpoint was disabled, or one was created or changed
	// after the event.
	Since *time.Time `json:"since,omitempty"`
	// Until when a delivery waits.
	Until *time.Time `json:"until,omitempty"`
	// NearestType is of the endpoint's events the one that is most like the type.
	NearestType *string `json:"nearest_type,omitempty"`
	// Path of a filter's condition that does not hold, what it Wanted and what was
	// Found there; Missing says that there is nothing.
	Path    *string         `json:"path,omitempty"`
	Wanted  json.RawMessage `json:"wanted,omitempty"`
	Found   json.RawMessage `json:"found,omitempty"`
	Missing *bool           `json:"missing,omitempty"`
	// Truncated: a string with the beginning of its JSON stands for what is longer
	// than 1 KiB.
	Truncated bool `json:"truncated,omitempty"`
	// OtherMismatches are the next conditions of a filter that do not hold, at most 9.
	OtherMismatches []Mismatch `json:"other_mismatches,omitempty"`
}

// Mismatch is a condition of a filter that does not hold; see [WhyNot].
type Mismatch struct {
	Path      string          `json:"path"`
	Wanted    json.RawMessage `json:"wanted"`
	Found     json.RawMessage `json:"found,omitempty"`
	Missing   *bool           `json:"missing,omitempty"`
	Truncated bool            `json:"truncated,omitempty"`
}

// Reason is why an event is not delivered.
type Reason string

// Every reason.
const (
	ReasonNotTargeted    Reason = "not_targeted"
	ReasonInactive       Reason = "inactive"
	ReasonTypeMismatch   Reason = "type_mismatch"
	ReasonFilterMismatch Reason = "filter_mismatch"
	ReasonPayloadExpired Reason = "payload_expired"
	ReasonCreatedLater   Reason = "created_later"
	ReasonChangedLater   Reason = "changed_later"
	ReasonPending        Reason = "pending"
	ReasonBreakerOpen    Reason = "breaker_open"
	ReasonRateLimit      Reason = "rate_limit"
	ReasonMaxInFlight    Reason = "max_in_flight"
	ReasonSecretSealed   Reason = "secret_sealed"
	ReasonOrdering       Reason = "ordering"
	ReasonFailed         Reason = "failed"
	ReasonCanceled       Reason = "canceled"
)

// AsOf is what a reason is true of.
type AsOf string

// The endpoint as it was when the event was accepted, or as it is now.
const (
	AsOfAccepted AsOf = "accepted"
	AsOfNow      AsOf = "now"
)

// ExplainedDelivery is the newest delivery of an event to an endpoint.
type ExplainedDelivery struct {
	ID         string         `json:"id"`
	Status     DeliveryStatus `json:"status"`
	Attempts   int            `json:"attempts"`
	StatusCode *int           `json:"status_code"`
	Error      *string        `json:"error"`
	ErrorClass *ErrorClass    `json:"error_class"`
	// HeldUntil and HeldReason are nil when it is not held.
	HeldUntil     *time.Time  `json:"held_until"`
	HeldReason    *HeldReason `json:"held_reason"`
	NextAttemptAt *time.Time  `json:"next_attempt_at"`
	CompletedAt   *time.Time  `json:"completed_at"`
}

// Forecast is what would become of an event now.
type Forecast struct {
	Matched bool `json:"matched"`
	WhyNot
}

// DryRun is a page of endpoints with what would become of an event.
type DryRun struct {
	Type       string       `json:"type"`
	Data       []DryRunItem `json:"data"`
	NextCursor *string      `json:"next_cursor"`
}

// DryRunItem is what would become of an event at one endpoint.
type DryRunItem struct {
	EndpointID string `json:"endpoint_id"`
	Matched    bool   `json:"matched"`
	WhyNot
}
