package webhook

import "time"

// Types of operational events: what operators are told of endpoints and
// deliveries.
const (
	EndpointFailing   = "endpoint.failing"
	EndpointRecovered = "endpoint.recovered"
	EndpointDisabled  = "endpoint.disabled"
	DeliveryExhausted = "delivery.exhausted"
	DeliveryExpired   = "delivery.expired"
)

// Operation is something that operators are told of, before it is an event.
type Operation struct {
	ID   ID
	Type string
	// WorkspaceID and EndpointID are whom it is about.
	WorkspaceID WorkspaceID
	EndpointID  ID
	// URL is the endpoint's as it is now; empty when there is none any more.
	URL string
	// DeliveryID is zero where it is about no delivery alone. The delivered
	// event's public id and type come with it, as far as that event is kept.
	DeliveryID ID
	EventID    string
	EventType  string
	// Deliveries and Day are DeliveryExpired's: how many, accepted on which day.
	Deliveries int
	Day        time.Time
	Detail     OperationDetail
	OccurredAt time.Time
}

// OperationDetail is what else is known; zero values are not. The names are
// those of the outbox's rows and of the payload.
type OperationDetail struct {
	Reason string `json:"reason,omitempty"`
	// Failures in a row, and since when.
	Failures     int        `json:"failures,omitempty"`
	FailingSince *time.Time `json:"failing_since,omitempty"`
	// StatusCode and ErrorClass are the last failed attempt's.
	StatusCode int        `json:"status_code,omitempty"`
	ErrorClass ErrorClass `json:"error_class,omitempty"`
	// Attempts is how many the delivery had.
	Attempts int `json:"attempts,omitempty"`
}
