// Package parking decides what becomes of the deliveries that are parked for an
// endpoint: how many are let go, and when to look again. It is pure: no clock,
// no I/O.
package parking

import (
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// State is what is known of an endpoint with parked deliveries, at one instant
// of Postgres's clock.
type State struct {
	EndpointID webhook.ID
	// Reason is why they were parked: one of webhook.Held….
	Reason string
	// ReleaseCount is how many the ramp lets go next.
	ReleaseCount int
	Deleted      bool
	Active       bool
	// RateLimit is in requests per second; 0 is none.
	RateLimit int
	// Failures is how many attempts failed in a row; 0 when the last one succeeded.
	Failures int
	// BreakerOpen says that the breaker is not closed; OpenFor is how long
	// nothing may go out, negative once a probe is due.
	BreakerOpen bool
	OpenFor     time.Duration
	// Probing says that a probe went out less than 90 s ago and has no outcome.
	Probing bool
}

// Action is what to do with the oldest parked deliveries.
type Action int

// Every action there is.
const (
	Wait    Action = iota
	Release        // Count of them, to feed
	Probe          // one that is due, as the breaker's probe; where none is, look again when the first is
	Cancel         // Count of them: the endpoint is gone
)

// Verdict is what to do, and how the endpoint's row goes on if something stays
// parked.
type Verdict struct {
	Action       Action
	Count        int
	Reason       string
	ReleaseCount int
	// CheckIn is how soon to look again; 0 is at once.
	CheckIn time.Duration
}

// Outcome is what came of one endpoint's check.
type Outcome struct {
	// Found is false when no endpoint was due.
	Found    bool
	Released int
	Canceled int
}

const (
	// MaxRelease ends the ramp's doubling.
	MaxRelease = 4096
	// cancelPage bounds one transaction.
	cancelPage = 1000

	rampInterval  = time.Second
	probeInterval = 5 * time.Second
	// Whoever enables an endpoint, or closes its breaker, asks for a check at
	// once; these bounds are for who forgot.
	disabledInterval = time.Hour
	openInterval     = time.Minute
)

// Decide looks at one endpoint.
func Decide(s State) Verdict {
	switch {
	case s.Deleted:
		return Verdict{Action: Cancel, Count: cancelPage, Reason: s.Reason, ReleaseCount: 1}
	case !s.Active:
		return Verdict{Reason: webhook.HeldEndpointDisabled, ReleaseCount: 1, CheckIn: disabledInterval}
	case s.BreakerOpen:
		return behindBreaker(s)
	default:
		return ramp(s)
	}
}

// behindBreaker lets one delivery out once the pause is over. Its outcome, by
// the recorder, opens the breaker for longer or closes it.
func behindBreaker(s State) Verdict {
	v := Verdict{Reason: webhook.HeldBreakerOpen, ReleaseCount: 1}
	switch {
	case s.OpenFor > 0:
		v.CheckIn = min(s.OpenFor, openInterval)
	case s.Probing:
		v.CheckIn = probeInterval
	default:
		v.Action, v.Count, v.CheckIn = Probe, 1, probeInterval
	}
	return v
}

// ramp lets go twice as many each second, until the worker parks again, which
// halves it. A rate is known beforehand and needs no ramp. While attempts fail
// each failure in a row halves what goes, down to one: the breaker takes a minute
// to open, and a backlog that goes on doubling would burn its retries meanwhile.
func ramp(s State) Verdict {
	count := min(max(s.ReleaseCount, 1), MaxRelease)
	v := Verdict{Action: Release, Count: count, Reason: s.Reason, ReleaseCount: min(count*2, MaxRelease), CheckIn: rampInterval}
	if s.RateLimit > 0 {
		v.Count = min(v.Count, s.RateLimit)
		if s.Reason == webhook.HeldRateLimit {
			v.Count = min(s.RateLimit, MaxRelease)
		}
	}
	if s.Failures > 0 {
		v.Count = max(v.Count>>s.Failures, 1)
		v.ReleaseCount = max(count>>s.Failures, 1)
	}
	return v
}
