package webhook

import "time"

// Interest says which events an endpoint wants.
type Interest interface {
	MatchesType(eventType string) bool
	// Match is asked with the payload, too.
	Match(eventType string, data []byte) bool
}

// CatchUp is what a receiver asks its feed for.
type CatchUp struct {
	WorkspaceID WorkspaceID
	EndpointID  ID
	Interest    Interest
	// After is the position that the page begins behind: an event's id, or the last
	// one of a time.
	After ID
	// Since leaves out what was accepted before; zero leaves out nothing.
	Since time.Time
	// Limit is how many events there are in a page at most.
	Limit int
}

// CatchUpPage is a part of a feed, oldest first.
type CatchUpPage struct {
	Events []CaughtUp
	// Position is what to go on after. It is never before what was asked for.
	Position ID
	// More says that there is more to read now. A page may be short of its limit, or
	// empty, and yet have more behind it.
	More bool
}

// CaughtUp is an event that an endpoint got, or would have got had it been active.
type CaughtUp struct {
	Event
	// DeliveryID and Status are of its last delivery to the endpoint; zero and ""
	// where there is none.
	DeliveryID ID
	Status     Status
}
