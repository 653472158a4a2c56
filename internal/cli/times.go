package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// parseTime reads RFC 3339, a date (UTC), or a duration such as 30m, 24h or 7d: from
// now where direction is 1, ago where it is -1.
func parseTime(flag, text string, now time.Time, direction int) (time.Time, error) {
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	d, err := parseDuration(text)
	if err != nil {
		return time.Time{}, usageError(fmt.Sprintf("%s is a time (2026-01-31T10:00:00Z), a date, or a duration (30m, 24h, 7d), not %q", flag, text))
	}
	return now.Add(time.Duration(direction) * d), nil
}

// parseDuration is time's, and days.
func parseDuration(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.Atoi(days)
		if err != nil || n < 0 || n > 100*365 {
			return 0, fmt.Errorf("%q is no number of days", text)
		}
		return time.Duration(n) * 24 * time.Hour, nil
	}
	return time.ParseDuration(text)
}

// when is a time for people, in UTC as all of the API's are.
func when(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05Z") }

func whenever(t *time.Time) string {
	if t == nil {
		return ""
	}
	return when(*t)
}
