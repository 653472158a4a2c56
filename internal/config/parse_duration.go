package config

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// duration parses 500ms, 10s, 1m30s, 5d or 1d12h; a bare whole number is seconds.
func duration(lowest, highest time.Duration) func(string) (time.Duration, error) {
	return func(s string) (time.Duration, error) {
		d, err := parseDuration(s)
		if err != nil || d < lowest || d > highest {
			return 0, fmt.Errorf("must be a duration from %s to %s, such as 10s, 5m or 2d",
				formatDuration(lowest), formatDuration(highest))
		}
		return d, nil
	}
}

// wholeSeconds is duration without fractions of a second.
func wholeSeconds(lowest, highest time.Duration) func(string) (time.Duration, error) {
	parse := duration(lowest, highest)
	return func(s string) (time.Duration, error) {
		d, err := parse(s)
		if err != nil || d%time.Second != 0 {
			return 0, fmt.Errorf("must be a duration from %s to %s in whole seconds, such as 10s",
				formatDuration(lowest), formatDuration(highest))
		}
		return d, nil
	}
}

var errDuration = errors.New("not a duration")

// parseDuration is time.ParseDuration with days, which must come first, and with
// bare numbers as seconds.
func parseDuration(s string) (time.Duration, error) {
	if isDigits(s) {
		s += "s"
	}
	days, rest, hasDays := strings.Cut(s, "d")
	if !hasDays {
		return time.ParseDuration(s)
	}
	n, err := strconv.ParseFloat(days, 64)
	if err != nil || !isDigits(strings.Replace(days, ".", "", 1)) || n > float64(math.MaxInt64/day-1) {
		return 0, errDuration
	}
	d := time.Duration(n * float64(day))
	if rest == "" {
		return d, nil
	}
	more, err := time.ParseDuration(rest)
	if err != nil || more < 0 || rest[0] == '+' || d > math.MaxInt64-more {
		return 0, errDuration
	}
	return d + more, nil
}

func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// formatDuration writes d as short as it can be read back: 5d, 1m, 1h30m.
func formatDuration(d time.Duration) string {
	if d > 0 && d%day == 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
