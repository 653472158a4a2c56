package webhook

import (
	"encoding/json"
	"time"
)

// NewEvent is what a producer published, validated but not yet accepted.
type NewEvent struct {
	// ID is the producer's own, or empty for a generated one.
	ID string
	// Made says that ID was made for this request, from its idempotency token: no
	// producer has given it, and it is none of an event of ours.
	Made bool
	Type string
	// CreatedAt is the producer's word; zero means the time of acceptance.
	CreatedAt time.Time
	// Data is the producer's object, minified.
	Data json.RawMessage
	// Pointer is where the event stands in the producer's request: "" alone,
	// "/events/3" in a batch.
	Pointer string
	// Once is set for an event that is published alone, without an ID or an ordering
	// key, and whose idempotency key and answer are to be committed with it.
	Once *Once
	Options
}

// Accepted is the answer for one event. It is given after the commit only.
type Accepted struct {
	ID string
	// EventID is our own id of it.
	EventID   ID
	Type      string
	CreatedAt time.Time
	// Deliveries is how many endpoints matched.
	Deliveries int
	// Duplicate says that an event with this id was accepted before; nothing
	// was sent again, and the other fields are that event's.
	Duplicate bool
	// Warnings say what the type's schema found wrong with the data, where that
	// refuses no event. None for a duplicate.
	Warnings []FieldError
}

// Group is what one transaction commits: the events of many callers and the
// deliveries they fan out to.
type Group struct {
	Events     []Event
	Deliveries []NewDelivery
	Answers    []Answer
	// MadeAt is the time of the ids, by the store's clock; zero is not checked.
	MadeAt time.Time
}

// Answer is what is kept under the idempotency key of one of a group's events.
type Answer struct {
	Event  int // index into the group's Events
	Key    IdempotencyKey
	Digest []byte
	Body   []byte
}

// MaxAcceptTime is how old the ids of a group may be when it is committed. It is in
// the schema, too: see accept_in_time.
const MaxAcceptTime = 5 * time.Second

// NewDelivery is one event on its way to one endpoint, before it is stored.
type NewDelivery struct {
	ID         ID
	Event      int // index into the group's Events
	EndpointID ID
	// Task is the task that will carry it, or "" to leave it to the scheduler.
	Task string
	// Bulk keeps it in the bulk lane, also when the scheduler puts it back.
	Bulk bool
	// Waits is set by the store: others of its ordering key are before it, so it got
	// no task.
	Waits bool
}
