package webhook

import "time"

// EventHead is an event without its payload.
type EventHead struct {
	ID   ID
	Type string
	// Size of the body in bytes; 0 once it is no longer kept.
	Size int64
}

// LiveAttempt is an attempt as those are told of it who watch, once it is recorded.
type LiveAttempt struct {
	ID         ID
	DeliveryID ID
	EndpointID ID
	EventID    string // as clients know it
	EventType  string
	Number     int
	StartedAt  time.Time
	Duration   time.Duration
	// StatusCode is 0 when no answer came.
	StatusCode int
	Error      string
	ErrorClass ErrorClass
	// Status is the delivery's from then on; "" where this attempt did not decide it.
	Status Status
	// NextAttemptAt is for a pending one, by the worker's clock.
	NextAttemptAt time.Time
}

// LiveAttempts are some of a workspace's, and how many there were besides.
type LiveAttempts struct {
	Attempts []LiveAttempt
	// LeftOut is how many could not be told before these.
	LeftOut int
	// Broken says that nobody knows how many those were.
	Broken bool
}
