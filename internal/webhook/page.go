package webhook

import "time"

// Page asks for part of a list that goes by id, newest first.
type Page struct {
	// Before is the last id of the page before this one; zero starts at the newest.
	Before ID
	// Limit is how many to return at most.
	Limit int
}

// EventFilter narrows a list of events; zero fields narrow nothing. Since and
// Until are the time of acceptance, from Since up to, not with, Until.
type EventFilter struct {
	Type         string
	Since, Until time.Time
}

// DeliveryFilter narrows a list of deliveries; zero fields narrow nothing.
type DeliveryFilter struct {
	Status       Status
	Type         string
	EndpointID   ID
	EventID      ID
	Since, Until time.Time
	// StatusClass and ErrorClass are of the last attempt.
	StatusClass StatusClass
	ErrorClass  ErrorClass
}

// ByOutcome says whether the last attempt counts.
func (f *DeliveryFilter) ByOutcome() bool { return f.StatusClass != "" || f.ErrorClass != "" }

// OfFailures says whether what was delivered can't be in the list.
func (f *DeliveryFilter) OfFailures() bool {
	return f.ErrorClass != "" || f.StatusClass != "" && f.StatusClass != Answer2xx
}
