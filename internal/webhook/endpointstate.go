package webhook

import "time"

// EndpointState is what decides whether an event goes to an endpoint, and what
// holds it up on its way. Of the endpoint only ID, WorkspaceID, Events, Filters,
// IsActive, DisabledAt, DisabledReason, CreatedAt and UpdatedAt are set.
type EndpointState struct {
	Endpoint
	// OpenUntil is set while the endpoint's breaker is open: until when at least, now
	// where only its probe goes.
	OpenUntil *time.Time
	// Failures are attempts that failed in a row, since FailingSince; 0 and nil for
	// an endpoint whose last attempt succeeded, or that had none.
	Failures     int
	FailingSince *time.Time
	// ParkedReason says why deliveries are parked for it, and NextCheckAt when
	// that is looked at again; zero where none are.
	ParkedReason string
	NextCheckAt  *time.Time
}
