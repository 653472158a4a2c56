package retry

import (
	"net/http"
	"strings"
	"time"
)

// MaxRetryAfter bounds what a Retry-After header can ask for.
const MaxRetryAfter = 24 * time.Hour

// ParseRetryAfter reads a Retry-After header: seconds, or a date in one of
// HTTP's three formats. The wait is 0 for a date that has passed and at most
// MaxRetryAfter; ok is false for anything else, such as a negative number.
func ParseRetryAfter(header string, now time.Time) (wait time.Duration, ok bool) {
	header = strings.Trim(header, " \t")
	if seconds, ok := parseSeconds(header); ok {
		return seconds, true
	}
	date, err := http.ParseTime(header)
	// In the second format package time takes any zone, which it then reads as this
	// machine's or, mostly, as UTC. HTTP has GMT only.
	if err != nil || strings.Contains(header, ",") && !strings.HasSuffix(header, " GMT") {
		return 0, false
	}
	return min(max(date.Sub(now), 0), MaxRetryAfter), true
}

// parseSeconds takes digits only, however many: what would overflow is more
// than the bound anyway.
func parseSeconds(header string) (time.Duration, bool) {
	var wait time.Duration
	for i := range len(header) {
		digit := header[i] - '0'
		if digit > 9 {
			return 0, false
		}
		wait = min(wait*10+time.Duration(digit)*time.Second, MaxRetryAfter)
	}
	return wait, header != ""
}
