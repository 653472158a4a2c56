package config

import "time"

const (
	// longestDelivery is how long a delivery may take from its first attempt on: the
	// longest schedule that an endpoint may have, 14 days, with 10 % of jitter and the
	// time of its requests.
	longestDelivery = 16 * day
	// usualDelay is as far ahead as anybody may plan where half of the retention allows it.
	usualDelay = 14 * day
)

// MaxDelay is how far ahead a delivery may be planned: so far that it goes through
// any schedule before its day's end of retention, or, where retention is too short
// for the longest ones anyway, half of it.
func (r Retention) MaxDelay() time.Duration {
	kept := min(r.Deliveries, r.Payloads)
	return max(kept-longestDelivery, min(kept/2, usualDelay))
}
