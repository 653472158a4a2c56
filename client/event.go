package client

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// NewEvent is an event to be published. Type and Data are required.
type NewEvent struct {
	// Type is dot-separated words of A-Za-z0-9_-, at most 256 characters.
	Type string `json:"type"`
	// Data is the payload: anything that marshals to a JSON object. Receivers get
	// its bytes as they are.
	Data any `json:"data"`
	// ID is the event's own: 1 to 128 of A-Za-z0-9_-. Given again, it is the same
	// event, and nothing is sent again. Generated when empty.
	ID string `json:"id,omitempty"`
	// CreatedAt is what receivers are told. Default the time of acceptance.
	CreatedAt time.Time `json:"created_at,omitzero"`
	// EndpointIDs are the only ones that are considered. Default all.
	EndpointIDs []string `json:"endpoint_ids,omitempty"`
	// DeliverAt is when the first attempt is made at the earliest.
	DeliverAt time.Time `json:"deliver_at,omitzero"`
	// OrderingKey: each endpoint gets the events of one key one after the other. Not
	// together with DeliverAt.
	OrderingKey string `json:"ordering_key,omitempty"`
	// Wait is how many seconds to wait for outcomes, 0 to 10. Not together with
	// DeliverAt, and not in a batch.
	Wait float64 `json:"wait,omitempty"`
}

// Payload is Data as the API gets it: minified JSON without escaped HTML. It fails
// for what is no JSON object.
func (e *NewEvent) Payload() (json.RawMessage, error) {
	raw, err := encode(e.Data)
	if err == nil && !bytes.HasPrefix(raw, []byte("{")) {
		err = fmt.Errorf("%T marshals to no JSON object", e.Data)
	}
	if err != nil {
		return nil, fmt.Errorf("client: the payload of a %s: %w", e.Type, err)
	}
	return raw, nil
}

// DispatchOption says more about an event than what it is.
type DispatchOption func(*NewEvent)

// WithID gives the event an id of your own, so that it is accepted once however
// often it is published.
func WithID(id string) DispatchOption { return func(e *NewEvent) { e.ID = id } }

// WithCreatedAt is when it happened, for receivers to read.
func WithCreatedAt(t time.Time) DispatchOption { return func(e *NewEvent) { e.CreatedAt = t } }

// WithEndpoints considers these endpoints only.
func WithEndpoints(ids ...string) DispatchOption { return func(e *NewEvent) { e.EndpointIDs = ids } }

// WithDeliverAt makes no attempt before.
func WithDeliverAt(t time.Time) DispatchOption { return func(e *NewEvent) { e.DeliverAt = t } }

// WithOrderingKey delivers it after the events before it with the same key.
func WithOrderingKey(key string) DispatchOption { return func(e *NewEvent) { e.OrderingKey = key } }

// WithWait waits for the outcomes of the first attempts, at most 10s.
func WithWait(d time.Duration) DispatchOption { return func(e *NewEvent) { e.Wait = d.Seconds() } }

func newEvent(eventType string, payload any, options []DispatchOption) NewEvent {
	e := NewEvent{Type: eventType, Data: payload}
	for _, option := range options {
		option(&e)
	}
	return e
}

// Accepted says that an event and its deliveries are committed.
type Accepted struct {
	ID          string      `json:"id"`
	Type        string      `json:"type"`
	CreatedAt   time.Time   `json:"created_at"`
	WorkspaceID WorkspaceID `json:"workspace_id"`
	// Deliveries is how many endpoints matched.
	Deliveries int `json:"deliveries"`
	// Warnings are what the schema of the event's type found wrong, where that
	// refuses no event.
	Warnings []FieldError `json:"warnings,omitempty"`
	// Outcomes are what is known of each delivery, where the publisher waited; at
	// most 1000.
	Outcomes []Outcome `json:"outcomes,omitzero"`
	// Waited says why the answer came, where the publisher waited.
	Waited Waited `json:"waited,omitempty"`
	// Known says that there was an event with the caller's own id already: nothing was
	// sent again. It is the answer's status, 200 and not 202. In a batch it is not told.
	Known bool `json:"-"`
}

// Waited is why the answer to a publisher that waited came.
type Waited string

// Every reason; docs/publishing.md says more.
const (
	WaitedSettled      Waited = "settled"
	WaitedTimeout      Waited = "timeout"
	WaitedLimit        Waited = "limit"
	WaitedStopping     Waited = "stopping"
	WaitedDisconnected Waited = "disconnected"
	WaitedUnknown      Waited = "unknown"
)

// Outcome is what is known of one delivery when its publisher has waited.
type Outcome struct {
	EndpointID string         `json:"endpoint_id"`
	DeliveryID string         `json:"delivery_id"`
	Status     DeliveryStatus `json:"status"`
	Attempts   int            `json:"attempts"`
	// StatusCode is of the last attempt, like the error.
	StatusCode    *int        `json:"status_code"`
	Error         *string     `json:"error"`
	ErrorClass    *ErrorClass `json:"error_class"`
	NextAttemptAt *time.Time  `json:"next_attempt_at"`
	HeldReason    *HeldReason `json:"held_reason"`
}

// Event is one that was accepted.
type Event struct {
	ID        string    `json:"id"`
	Type      string    `json:"type"`
	CreatedAt time.Time `json:"created_at"`
	// AcceptedAt is what lists go by.
	AcceptedAt  time.Time   `json:"accepted_at"`
	WorkspaceID WorkspaceID `json:"workspace_id"`
	// Deliveries is how many endpoints matched when it was accepted.
	Deliveries int `json:"deliveries"`
	// EndpointIDs are nil where none were named.
	EndpointIDs []string   `json:"endpoint_ids"`
	DeliverAt   *time.Time `json:"deliver_at"`
	OrderingKey *string    `json:"ordering_key"`
	// Data is the payload, nil (or null) once it is no longer kept.
	Data json.RawMessage `json:"data"`
}
