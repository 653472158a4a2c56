package webhook

import "time"

// Quota is how an API key stands with its rate limit.
type Quota struct {
	// Allowed: there was room for one request, which is used up.
	Allowed bool
	// PerSecond is the limit; so many may also come at once after a second's rest.
	PerSecond int
	// Left is how many more there is room for now.
	Left int
	// Wait is when there will be room for one, where this one was refused.
	Wait time.Duration
}
