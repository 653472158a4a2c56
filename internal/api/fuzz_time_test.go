package api

import (
	"regexp"
	"strconv"
	"testing"
	"time"
)

// FuzzTime holds parseTime against RFC 3339's grammar, read once more by a
// regular expression.
func FuzzTime(f *testing.F) {
	for _, seed := range []string{
		"2024-01-15T10:30:00Z", "2024-01-15t10:30:00.1234567891z", "2024-02-29T23:59:59+23:59", "0001-01-01T00:00:00.0000001Z",
		"9999-12-31T23:59:59.999999999-00:01", "2024-01-15 10:30:00Z", "2024-01-15T10:30:00,5Z", "2024-01-15T24:00:00Z",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parseTime(text)
		want, ok := referenceTime(text)
		if ok != (err == nil) || ok && !got.Equal(want) {
			t.Fatalf("%q is %s, %v, want %s, %t", text, got, err, want, ok)
		}
		if err != nil {
			return
		}
		if got.Truncate(timeUnit).IsZero() || got.Location() != time.UTC {
			t.Fatalf("%q is %s", text, got)
		}
		if again, err := parseTime(got.Format(time.RFC3339Nano)); err != nil || again != got {
			t.Fatalf("%q is %s, which reads as %s, %v", text, got, again, err)
		}
	})
}

var rfc3339 = regexp.MustCompile(`^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))$`)

// referenceTime cuts off what is below a nanosecond.
func referenceTime(text string) (time.Time, bool) {
	parts := rfc3339.FindStringSubmatch(text)
	if parts == nil {
		return time.Time{}, false
	}
	n := make([]int, len(parts))
	for i, part := range parts {
		if i != 7 {
			n[i], _ = strconv.Atoi(part)
		}
	}
	nanos, _ := strconv.Atoi((parts[7] + "000000000")[:9])
	at := time.Date(n[1], time.Month(n[2]), n[3], n[4], n[5], n[6], nanos, time.UTC)
	if at.Day() != n[3] || int(at.Month()) != n[2] || at.Hour() != n[4] || at.Minute() != n[5] || at.Second() != n[6] || n[9] > 23 || n[10] > 59 {
		return time.Time{}, false // something was carried over: there is no such time
	}
	offset := time.Duration(n[9])*time.Hour + time.Duration(n[10])*time.Minute
	if parts[8] == "-" {
		offset = -offset
	}
	at = at.Add(-offset)
	first := time.Date(1, 1, 1, 0, 0, 0, 1000, time.UTC) // the microsecond before is Go's zero
	return at, !at.Before(first) && at.Year() <= 9999
}
