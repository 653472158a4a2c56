package api

import (
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// Reasons why an event is not delivered to an endpoint, beside the names of what
// holds a delivery (breaker_open, rate_limit, max_in_flight, secret_sealed, ordering).
const (
	reasonNotTargeted    = "not_targeted"
	reasonInactive       = "inactive"
	reasonTypeMismatch   = "type_mismatch"
	reasonFilterMismatch = "filter_mismatch"
	reasonPayloadExpired = "payload_expired"
	reasonCreatedLater   = "created_later"
	reasonChangedLater   = "changed_later"
	reasonPending        = "pending"
	reasonFailed         = "failed"
	reasonCanceled       = "canceled"
)

// What a reason is true of.
const (
	asOfAccepted = "accepted"
	asOfNow      = "now"
)

// ReasonWire is the first reason why not, and what belongs to it. Its name is
// exported because it is embedded, and huma passes over fields that are not.
type ReasonWire struct {
	Reason      *string    `json:"reason" enum:"not_targeted,inactive,type_mismatch,filter_mismatch,payload_expired,created_later,changed_later,pending,breaker_open,rate_limit,max_in_flight,secret_sealed,ordering,failed,canceled" doc:"The first reason why not, null for none."`
	Detail      *string    `json:"detail" doc:"The reason in words."`
	Since       *time.Time `json:"since,omitempty" doc:"When an inactive endpoint was disabled, or one was created or changed after the event."`
	Until       *time.Time `json:"until,omitempty" doc:"Of a delivery that waits: until when."`
	NearestType *string    `json:"nearest_type,omitempty" doc:"type_mismatch: of the endpoint's events the one that is most like the type."`
	Path        *string    `json:"path,omitempty" doc:"filter_mismatch: the path whose condition does not hold, or $or or $not, which have none."`
	Wanted      any        `json:"wanted,omitempty" doc:"filter_mismatch: what the filter says: a value, or one operator with its operand."`
	Found       any        `json:"found,omitempty" doc:"filter_mismatch: the event's value at the path; null also where there is none."`
	Missing     *bool      `json:"missing,omitempty" doc:"filter_mismatch: whether there is no value at the path."`
	Truncated   bool       `json:"truncated,omitempty" doc:"wanted or found is longer than 1 KiB, and a string with the beginning of its JSON stands for it."`
	// Others come after the first reason.
	Others []mismatchWire `json:"other_mismatches,omitempty" maxItems:"9" doc:"filter_mismatch: the next conditions that do not hold, in the filter's order."`
}

// mismatchWire is a condition that does not hold.
type mismatchWire struct {
	Path      string `json:"path" doc:"Whose condition does not hold, or $or or $not, which have none." example:"author.id"`
	Wanted    any    `json:"wanted" doc:"What the filter says: a value, or one operator with its operand."`
	Found     any    `json:"found,omitempty" doc:"The event's value at the path; null also where there is none."`
	Missing   *bool  `json:"missing,omitempty" doc:"Whether there is no value at the path."`
	Truncated bool   `json:"truncated,omitempty" doc:"As of the first."`
}

// forecastWire says what would become of an event now.
type forecastWire struct {
	Matched bool `json:"matched" doc:"Whether a delivery would be made."`
	ReasonWire
}

type explanationWire struct {
	EndpointID string `json:"endpoint_id" pattern:"^ep_[0-7][0-9a-hjkmnp-tv-z]{25}$" doc:"The endpoint." example:"ep_01kqxg5wdgf0m8c4yb2h3t9v6z"`
	Delivered  bool   `json:"delivered" doc:"Whether the receiver has answered with a 2xx."`
	Matched    bool   `json:"matched" doc:"Whether a delivery was made."`
	ReasonWire
	AsOf     *string                `json:"as_of" enum:"accepted,now" doc:"What the reason is true of: the endpoint as it was when the event was accepted, or, where it has been changed since and that is not known, as it is now. A delivery's state is always now's."`
	Delivery *explainedDeliveryWire `json:"delivery" doc:"The newest one, null where none was made."`
	Now      forecastWire           `json:"now" doc:"What would become of the same event if it were published now."`
}

type explainedDeliveryWire struct {
	ID            string     `json:"id" pattern:"^dlv_[0-7][0-9a-hjkmnp-tv-z]{25}$" doc:"Names the delivery." example:"dlv_01kqxg5wdgf0m8c4yb2h3t9v6z"`
	Status        string     `json:"status" enum:"pending,success,failed,canceled" doc:"As in the delivery itself."`
	Attempts      int        `json:"attempts" minimum:"0" doc:"How many were made."`
	StatusCode    *int       `json:"status_code" doc:"Of the last attempt, like the error."`
	Error         *string    `json:"error" doc:"What went wrong last; null for nothing."`
	ErrorClass    *string    `json:"error_class" enum:"timeout,refused,reset,dns,tls,blocked,status,invalid_http,internal" doc:"The same in one word."`
	HeldUntil     *time.Time `json:"held_until" doc:"Until when it is held at least; null when it is not held."`
	HeldReason    *string    `json:"held_reason" enum:"endpoint_disabled,breaker_open,max_in_flight,rate_limit,secret_sealed,ordering" doc:"Why it is not being tried."`
	NextAttemptAt *time.Time `json:"next_attempt_at" doc:"When the next attempt is due; null when there is none."`
	CompletedAt   *time.Time `json:"completed_at" doc:"When it stopped being pending."`
}

// eventExplanationWire is a page of endpoints with what became of one event.
type eventExplanationWire struct {
	EventID     string              `json:"event_id" pattern:"^[A-Za-z0-9_-]{1,128}$" doc:"The event: the caller's own id, or a generated one." example:"evt_01kqxg5wdgf0m8c4yb2h3t9v6z"`
	Type        string              `json:"type" pattern:"^[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*$" doc:"The event's." example:"post.created"`
	AcceptedAt  time.Time           `json:"accepted_at" doc:"When it was accepted."`
	WorkspaceID webhook.WorkspaceID `json:"workspace_id" doc:"The workspace that published it."`
	Deliveries  int                 `json:"deliveries" minimum:"0" doc:"How many endpoints matched when it was accepted."`
	PayloadKept bool                `json:"payload_kept" doc:"Without the payload filters can't be held against it any more: payload_expired."`
	Data        []explanationWire   `json:"data" doc:"The workspace's endpoints, newest first."`
	NextCursor  *string             `json:"next_cursor" doc:"For ?cursor= of the next page; null on the last."`
}

type explainInput struct {
	Type string         `json:"type" minLength:"1" maxLength:"256" pattern:"^[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*$" doc:"As of an event to be published." example:"post.created"`
	Data map[string]any `json:"data" doc:"As of an event to be published." example:"{\"id\":123,\"status\":\"draft\"}"`
}

type dryRunItemWire struct {
	EndpointID string `json:"endpoint_id" pattern:"^ep_[0-7][0-9a-hjkmnp-tv-z]{25}$" doc:"The endpoint." example:"ep_01kqxg5wdgf0m8c4yb2h3t9v6z"`
	Matched    bool   `json:"matched" doc:"Whether a delivery would be made."`
	ReasonWire
}

// dryRunWire is a page of endpoints with what would become of an event.
type dryRunWire struct {
	Type       string           `json:"type" pattern:"^[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*$" doc:"As given." example:"post.created"`
	Data       []dryRunItemWire `json:"data" doc:"The workspace's endpoints, newest first."`
	NextCursor *string          `json:"next_cursor" doc:"For ?cursor= of the next page; null on the last."`
}

func renderExplained(d *webhook.Delivery) *explainedDeliveryWire {
	return &explainedDeliveryWire{
		ID: d.ID.Format(webhook.DeliveryPrefix), Status: string(d.Status), Attempts: d.Attempts,
		StatusCode: orNull(d.StatusCode), Error: orNull(d.Error), ErrorClass: orNull(string(d.ErrorClass)),
		HeldUntil: d.HeldUntil, HeldReason: orNull(d.HeldReason), NextAttemptAt: d.NextAttemptAt, CompletedAt: d.CompletedAt,
	}
}
