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

// What an endpoint's health is called.
const (
	HealthHealthy  = "healthy"
	HealthFailing  = "failing"
	HealthOpen     = "breaker_open"
	HealthDisabled = "disabled"
)

// EndpointStates are all of them.
func EndpointStates() []string {
	return []string{HealthHealthy, HealthFailing, HealthOpen, HealthDisabled}
}

// Health is one of EndpointStates.
func (e *EndpointState) Health() string {
	switch {
	case !e.IsActive:
		return HealthDisabled
	case e.OpenUntil != nil:
		return HealthOpen
	case e.Failures > 0:
		return HealthFailing
	}
	return HealthHealthy
}

// EndpointFilter narrows a list of endpoints. Its zero value narrows nothing.
type EndpointFilter struct {
	// Health is one of EndpointStates.
	Health string
	// Search is a text in the URL or the description, whatever the case of a to z.
	Search string
}
