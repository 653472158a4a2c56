package retry

import "time"

// DefaultSchedule shapes the schedule of endpoints without their own: the first
// maxRetries delays of base, whose last repeats past its end. A retryDelay
// above 0 takes the place of every delay. The result is never nil; it is empty
// when there is nothing to retry with.
func DefaultSchedule(base []time.Duration, maxRetries int, retryDelay time.Duration) []time.Duration {
	if retryDelay > 0 {
		base = []time.Duration{retryDelay}
	}
	if len(base) == 0 {
		return []time.Duration{}
	}
	schedule := make([]time.Duration, max(maxRetries, 0))
	for i := range schedule {
		schedule[i] = base[min(i, len(base)-1)]
	}
	return schedule
}
