package webhook

import (
	"encoding/json"
	"time"
)

// Endpoint is a receiver's URL with its subscription, secret and delivery
// policy. A nil policy field means the deployment's default.
type Endpoint struct {
	ID          ID
	WorkspaceID WorkspaceID
	URL         string
	// Events are exact types, prefixes ("post.*") and "*"; never empty.
	Events []string
	// Filters is the object as the user gave it, or nil for none.
	Filters     json.RawMessage
	Description string
	IsActive    bool
	// DisabledAt and DisabledReason say since when and why IsActive is false.
	DisabledAt     *time.Time
	DisabledReason string
	// Secret is "whsec_…"; empty unless the caller asked for it.
	Secret string
	// NextSecret takes over from Secret at NextSecretAt, or when it is promoted;
	// empty and nil unless secrets rotate.
	NextSecret   string
	NextSecretAt *time.Time
	// Headers are added to every request; their values are secrets.
	Headers map[string]string
	// Timeout bounds one attempt. 1s to 60s, whole seconds.
	Timeout *time.Duration
	// RetrySchedule holds the delay before each retry; non-nil and empty means
	// no retry, nil the default.
	RetrySchedule []time.Duration
	// RateLimit is in requests per second over the whole fleet; nil is none.
	RateLimit *int
	// MaxInFlight is over the whole fleet, 1 to 10000.
	MaxInFlight *int
	// Format of the bodies; empty is standard.
	Format   Format
	Metadata json.RawMessage
	// Version grows with every change, so that a worker can tell a stale copy.
	Version   int64
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Reasons for which an endpoint is disabled, and for which deliveries wait.
const (
	DisabledByUser = "disabled_by_user"
	DisabledGone   = "gone" // the receiver answered 410

	HeldEndpointDisabled = "endpoint_disabled"
	HeldBreakerOpen      = "breaker_open"
	HeldInFlight         = "max_in_flight"
	HeldRateLimit        = "rate_limit"
	HeldSecretSealed     = "secret_sealed"
	HeldOrdering         = "ordering"
)

// HeldReasons are all for which deliveries wait.
func HeldReasons() []string {
	return []string{HeldEndpointDisabled, HeldBreakerOpen, HeldInFlight, HeldRateLimit, HeldSecretSealed, HeldOrdering}
}

// PassingHolds are the reasons for which whoever waits for a first attempt goes on
// waiting: others have to be sent first. The other holds last.
func PassingHolds() []string { return []string{HeldInFlight, HeldRateLimit, HeldOrdering} }

// Promote makes the next secret the only one. It does nothing unless secrets rotate.
func (e *Endpoint) Promote() {
	if e.NextSecretAt != nil {
		e.Secret, e.NextSecret, e.NextSecretAt = e.NextSecret, "", nil
	}
}

// Settle promotes the next secret when its time has come.
func (e *Endpoint) Settle(now time.Time) {
	if e.NextSecretAt != nil && !now.Before(*e.NextSecretAt) {
		e.Promote()
	}
}
