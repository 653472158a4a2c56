package webhook

import (
	"slices"
	"time"
)

// Bounds of what a publisher may ask for.
const (
	// MaxTargets is how many endpoints an event may name.
	MaxTargets = 100
	// MaxWait is how long a publisher may wait for outcomes.
	MaxWait = 10 * time.Second
	// MaxOutcomes is how many deliveries an event may have that is waited for, and
	// how many outcomes an answer has at most.
	MaxOutcomes = 1000
)

// Options are what a publisher may say of an event besides what it is. The zero
// value says nothing.
type Options struct {
	// Targets are the only endpoints that are considered, where there are any; they
	// still have to want the event.
	Targets []ID
	// DeliverAt is when the first attempts are to be made at the earliest; zero, or
	// in the past, is at once.
	DeliverAt time.Time
	// OrderingKey makes the event go to each endpoint after those of the same key that
	// were accepted before; empty is none. It goes with no DeliverAt.
	OrderingKey string
}

// Given reports whether anything is said.
func (o *Options) Given() bool {
	return len(o.Targets) > 0 || !o.DeliverAt.IsZero() || o.OrderingKey != ""
}

// Targeted reports whether the endpoint may be considered.
func (o *Options) Targeted(endpoint ID) bool {
	return len(o.Targets) == 0 || slices.Contains(o.Targets, endpoint)
}

// WaitEnd says why an answer that was to wait for outcomes was given.
type WaitEnd string

// Every end of a wait.
const (
	// WaitSettled: no delivery is on its first attempt any more.
	WaitSettled WaitEnd = "settled"
	WaitTimeout WaitEnd = "timeout"
	// WaitLimit: this process has as many callers waiting as it may, or the event has
	// more than MaxOutcomes deliveries. It was not waited for.
	WaitLimit WaitEnd = "limit"
	// WaitStopping: the process is about to stop.
	WaitStopping WaitEnd = "stopping"
	// WaitDisconnected: the caller went away. Whoever repeats its request under its key
	// sees it.
	WaitDisconnected WaitEnd = "disconnected"
	// WaitUnknown: what became of the deliveries could not be read.
	WaitUnknown WaitEnd = "unknown"
)

// WaitEnds lists every end, for documentation.
func WaitEnds() []WaitEnd {
	return []WaitEnd{WaitSettled, WaitTimeout, WaitLimit, WaitStopping, WaitDisconnected, WaitUnknown}
}

// Awaited is an event whose outcomes somebody waits for.
type Awaited struct {
	WorkspaceID WorkspaceID
	EventID     ID
}
