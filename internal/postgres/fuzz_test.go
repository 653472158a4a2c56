package postgres

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// FuzzIDRange holds that a page is what its cursor and its span of time say, row
// by row, whatever times and ids a stranger comes up with.
func FuzzIDRange(f *testing.F) {
	zero, last := make([]byte, 16), bytes.Repeat([]byte{0xff}, 16)
	f.Add(zero, zero, int64(0), int64(0))
	f.Add(last, last, int64(1), int64(1)<<62)
	f.Add(last, zero, int64(-1)<<62, int64(-1))
	f.Fuzz(func(t *testing.T, cursor, row []byte, since, until int64) {
		var p webhook.Page
		var id webhook.ID
		copy(p.Before[:], cursor)
		copy(id[:], row)
		if id == lastID {
			return // an id that is never made
		}
		from, to := anyTime(since), anyTime(until)
		lo, hi := idRange(p, from, to)
		got := compareIDs(lo.Bytes, id) <= 0 && compareIDs(id, hi.Bytes) < 0
		want := (p.Before.IsZero() || compareIDs(id, p.Before) < 0) &&
			(from.IsZero() || !id.Time().Before(from)) && (to.IsZero() || id.Time().Before(to))
		if got != want {
			t.Fatalf("row %s before %s from %s to %s: %t, want %t", id, p.Before, from, to, got, want)
		}
		if !lo.Valid || !hi.Valid {
			t.Fatalf("from %s to %s: NULL, which compares with nothing", from, to)
		}
	})
}

// anyTime is in the years 1 to 9999, as the API's are; 0 is none.
func anyTime(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	first, last := time.Date(1, 1, 1, 0, 0, 0, 1000, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC)
	at := time.UnixMicro(micros).UTC()
	switch {
	case at.Before(first):
		return first
	case at.After(last):
		return last
	}
	return at
}

// FuzzHeaderLines holds that headers are read as they were stored, and that no
// value forges a header.
func FuzzHeaderLines(f *testing.F) {
	f.Add("X-A", "b", "X-B", "c")
	f.Add("X-A", "b\r\nX-C: d", "X-B", "")
	f.Add("X-A", "a: b", "", "\xff\x00")
	f.Add("X A", "\n", "X-B", "\r")
	f.Fuzz(func(t *testing.T, name, value, other, otherValue string) {
		if strings.Contains(name+other, ":") {
			return // no parser of HTTP lets a colon into a name
		}
		given := []webhook.Header{{Name: name, Value: value}, {Name: other, Value: otherValue}}
		got := decodeHeaders(encodeHeaders(given))
		spaced := strings.NewReplacer("\r", " ", "\n", " ")
		if len(got) != len(given) {
			t.Fatalf("%q became %q", given, got)
		}
		for i := range given {
			if got[i].Name != spaced.Replace(given[i].Name) || got[i].Value != spaced.Replace(given[i].Value) {
				t.Fatalf("%q became %q", given, got)
			}
		}
	})
}
