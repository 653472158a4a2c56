package retry

import (
	"strings"
	"testing"
	"time"
)

func TestParseRetryAfter(t *testing.T) {
	t.Parallel()
	tests := []struct {
		header string
		want   time.Duration
		ok     bool
	}{
		{"0", 0, true},
		{"1", time.Second, true},
		{" 120\t", 2 * time.Minute, true},
		{"007", 7 * time.Second, true},
		{"86400", 24 * time.Hour, true},
		{"86401", 24 * time.Hour, true},
		{"99999999999999999999999999", 24 * time.Hour, true},
		{strings.Repeat("9", 100_000), 24 * time.Hour, true},
		{"Mon, 15 Jan 2024 10:30:07 GMT", 7 * time.Second, true},
		{"Monday, 15-Jan-24 10:31:00 GMT", time.Minute, true},
		{"Mon Jan 15 10:31:00 2024", time.Minute, true},
		{"Mon, 15 Jan 2024 10:29:59 GMT", 0, true},
		{"Thu, 01 Jan 1970 00:00:00 GMT", 0, true},
		{"Fri, 31 Dec 9999 23:59:59 GMT", 24 * time.Hour, true},
		{"", 0, false},
		{"   ", 0, false},
		{"-1", 0, false},
		{"+1", 0, false},
		{"1.5", 0, false},
		{"1e3", 0, false},
		{"0x10", 0, false},
		{"60, 60", 0, false},
		{"60 s", 0, false},
		{"٣", 0, false},
		{"2024-01-15T10:31:00Z", 0, false},
		{"soon", 0, false},
		{"Monday, 15-Jan-24 10:31:00 PST", 0, false},
		{"Monday, 15-Jan-24 10:31:00 GMT+3", 0, false},
	}
	for _, tt := range tests {
		if got, ok := ParseRetryAfter(tt.header, now); got != tt.want || ok != tt.ok {
			t.Errorf("ParseRetryAfter(%.40q) is %s, %t, want %s, %t", tt.header, got, ok, tt.want, tt.ok)
		}
	}
}
