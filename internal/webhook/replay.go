package webhook

import "time"

// ReplayStatus is where a replay stands.
type ReplayStatus string

// A replay makes deliveries while it is running.
const (
	ReplayRunning  ReplayStatus = "running"
	ReplayDone     ReplayStatus = "done"
	ReplayCanceled ReplayStatus = "canceled"
)

// StatusMissing stands, in a replay's statuses alone, for events that an endpoint
// would match now and that made no delivery to it, as while it was disabled.
const StatusMissing Status = "missing"

// Replay makes new deliveries of stored events: the same bytes, the same
// X-Webhook-ID, a new delivery id.
type Replay struct {
	ID          ID
	WorkspaceID WorkspaceID
	// EndpointID is whose deliveries are made again; zero for the replay of one
	// event, which EventID names, and of deliveries that were chosen.
	EndpointID ID
	EventID    ID
	// DeliveryIDs are those that were chosen, in their order; nil for any other.
	DeliveryIDs []ID
	// Since and Until bound the time at which the events were accepted; Until is
	// excluded.
	Since, Until time.Time
	// Statuses of the deliveries to make again; StatusMissing stands alone.
	Statuses []Status
	// Types are exact event types; none means all.
	Types  []string
	Status ReplayStatus
	// Total was counted at the start, Done is how many deliveries were made.
	Total, Done int64
	FinishedAt  *time.Time
}

// Missing says whether the replay is of events that made no delivery.
func (r *Replay) Missing() bool { return len(r.Statuses) == 1 && r.Statuses[0] == StatusMissing }

// Chosen is a delivery that somebody wants to be made again.
type Chosen struct {
	ID, EventID, EndpointID ID
	EventType               string
	// Again says that it can be: it is over, its endpoint exists and its event's
	// payload is still kept.
	Again bool
}

// CreatedAt is when it was asked for.
func (r *Replay) CreatedAt() time.Time { return r.ID.Time() }

// Wants says whether an endpoint matches an event of a type with a payload.
type Wants func(eventType string, data []byte) bool
