package retry

import (
	"math/big"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// FuzzRetryAfter holds ParseRetryAfter against the header's grammar, read with
// big numbers and a regular expression; and that whatever a receiver asks for,
// the next attempt is never early and at most a day late.
func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{
		"", "0", "120", "-5", "9223372036854775807", "99999999999999999999", "1.5",
		now.Format(http.TimeFormat), "Fri, 31 Dec 9999 23:59:59 GMT", "Monday, 15-Jan-24 10:31:00 GMT", "Mon Jan 15 10:31:00 2024",
	} {
		f.Add(seed, int64(1705314600), 503, 1)
	}
	f.Fuzz(func(t *testing.T, header string, unix int64, status, failures int) {
		at := time.Unix(unix%(1<<40), 0)
		wait, ok := ParseRetryAfter(header, at)
		if want, valid := referenceRetryAfter(header, at); ok != valid || wait != want {
			t.Fatalf("ParseRetryAfter(%q) at %s is %s, %t, want %s, %t", header, at, wait, ok, want, valid)
		}
		s := Schedule{time.Minute, 48 * time.Hour}
		d := s.Decide(failures, Answer{StatusCode: status, RetryAfter: header}, 0, at)
		checkDecision(t, s, d, failures, status, wait)
	})
}

func checkDecision(t *testing.T, s Schedule, d Decision, failures, status int, wait time.Duration) {
	want := Decision{Outcome: Fail, Disable: status == 410}
	switch {
	case status >= 200 && status < 300:
		want = Decision{Outcome: Success}
	case status != 410 && failures <= len(s):
		want = Decision{Outcome: Retry, Delay: s[max(failures, 1)-1]}
		if slices.Contains([]int{429, 503}, status) && wait > want.Delay {
			want.Delay = wait
		}
	}
	if d != want {
		t.Fatalf("after failure %d with status %d and a wait of %s: %+v, want %+v", failures, status, wait, d, want)
	}
}

// httpDate is the three formats of RFC 9110, in their order. Like all who read
// with package time we let a first zero be missing, and more spaces and a fraction
// of the second be there.
var httpDate = regexp.MustCompile(`(?i)^(?:` +
	`(?P<name>[a-z]{3}), (?P<day>\d\d) (?P<month>[a-z]{3}) (?P<year>\d{4}) (?P<clock>\S+) (?-i:GMT)|` +
	`(?P<name>[a-z]+), (?P<day>\d\d)-(?P<month>[a-z]{3})-(?P<year>\d\d) (?P<clock>\S+) (?-i:GMT)|` +
	`(?P<name>[a-z]{3}) (?P<month>[a-z]{3}) (?P<day>\d?\d) (?P<clock>\S+) (?P<year>\d{4}))$`)

var clock = regexp.MustCompile(`^(\d?\d):(\d\d):(\d\d)(?:[.,](\d+))?$`)

const days, months = "sunday monday tuesday wednesday thursday friday saturday", "jan feb mar apr may jun jul aug sep oct nov dec"

func referenceRetryAfter(header string, now time.Time) (wait time.Duration, ok bool) {
	header = strings.Trim(header, " \t")
	if seconds, ok := new(big.Int).SetString(header, 10); ok && strings.Trim(header, "0123456789") == "" {
		if seconds.Cmp(big.NewInt(86400)) > 0 {
			return 24 * time.Hour, true
		}
		return time.Duration(seconds.Int64()) * time.Second, true
	}
	date, ok := referenceDate(header)
	if !ok {
		return 0, false
	}
	// Durations saturate at 292 years.
	return min(max(date.Sub(now), 0), 24*time.Hour), true
}

func referenceDate(header string) (date time.Time, ok bool) {
	for strings.Contains(header, "  ") {
		header = strings.ReplaceAll(header, "  ", " ")
	}
	parts := httpDate.FindStringSubmatch(header)
	if parts == nil {
		return date, false
	}
	field := map[string]string{}
	for i, name := range httpDate.SubexpNames() {
		if name != "" && parts[i] != "" {
			field[name] = strings.ToLower(parts[i])
		}
	}
	isDay := func(day string) bool {
		// The second format has the whole name.
		return day == field["name"] || len(field["year"]) == 4 && day[:3] == field["name"]
	}
	at := clock.FindStringSubmatch(field["clock"])
	if at == nil || !slices.ContainsFunc(strings.Fields(days), isDay) {
		return date, false
	}
	number := func(text string) int {
		n, _ := strconv.Atoi(strings.TrimSpace(text))
		return n
	}
	month, year := slices.Index(strings.Fields(months), field["month"])+1, number(field["year"])
	if len(field["year"]) == 2 {
		if year += 1900; year < 1969 {
			year += 100
		}
	}
	day, hour, minute, second := number(field["day"]), number(at[1]), number(at[2]), number(at[3])
	nanos := number((at[4] + "000000000")[:9])
	date = time.Date(year, time.Month(month), day, hour, minute, second, nanos, time.UTC)
	// What time.Date had to carry over was no date.
	ok = date.Day() == day && date.Month() == time.Month(month) && date.Year() == year &&
		date.Hour() == hour && date.Minute() == minute && date.Second() == second
	return date, ok
}
