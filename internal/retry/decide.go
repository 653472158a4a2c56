package retry

import (
	"net/http"
	"time"
)

// Outcome is what becomes of a delivery after an attempt.
type Outcome string

// The three outcomes.
const (
	Success Outcome = "success"
	Retry   Outcome = "retry"
	Fail    Outcome = "fail"
)

// Decision is what to do after an attempt.
type Decision struct {
	Outcome Outcome
	// Delay is from now to the next attempt, never less than the schedule says.
	// Set when Outcome is Retry. It is exact: round it up, never down.
	Delay time.Duration
	// Disable says that the receiver wants nothing more, ever: it answered 410.
	Disable bool
}

// Answer is what a receiver answered, as far as it matters here.
type Answer struct {
	// StatusCode is 0 when no answer came.
	StatusCode int
	// RetryAfter is the Retry-After header's value, "" for none.
	RetryAfter string
}

// Succeeded reports whether the attempt did what it was for: 2xx and nothing else.
func (a Answer) Succeeded() bool { return a.StatusCode >= 200 && a.StatusCode <= 299 }

// Schedule is the delay before each retry; an empty one retries never.
type Schedule []time.Duration

// maxJitter is the largest share of a delay that is added to it, so that
// deliveries which failed together do not come back together.
const maxJitter = 0.1

// Decide judges an answer. failures counts the failed attempts of the current
// schedule, this one included: 1 after the first. random is in [0,1).
func (s Schedule) Decide(failures int, a Answer, random float64, now time.Time) Decision {
	switch {
	case a.Succeeded():
		return Decision{Outcome: Success}
	case a.StatusCode == http.StatusGone:
		return Decision{Outcome: Fail, Disable: true}
	case failures > len(s):
		return Decision{Outcome: Fail}
	}
	delay := jittered(s[max(failures, 1)-1], random)
	return Decision{Outcome: Retry, Delay: max(delay, a.wait(now))}
}

// wait is how long the receiver asked to be left alone; only these two statuses
// say when they end.
func (a Answer) wait(now time.Time) time.Duration {
	if a.StatusCode != http.StatusTooManyRequests && a.StatusCode != http.StatusServiceUnavailable {
		return 0
	}
	wait, _ := ParseRetryAfter(a.RetryAfter, now)
	return wait
}

// jittered is never early, whatever the source of randomness came up with.
func jittered(delay time.Duration, random float64) time.Duration {
	if !(random > 0) { // NaN too
		return delay
	}
	return delay + time.Duration(float64(delay)*maxJitter*min(random, 1))
}
