package postgres

import (
	"testing"
	"time"
)

// However slow or quick Postgres is, a slice comes to a length that it counts in time.
func TestSlicesFindTheirLength(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		perSecond time.Duration // how long it takes to count a second of acceptance
		from, to  time.Duration
	}{
		"nothing to count": {0, mostSlice, mostSlice},
		"a busy system":    {20 * time.Millisecond, 2 * time.Second, 2 * time.Second},
		"a very busy one":  {200 * time.Millisecond, 200 * time.Millisecond, 200 * time.Millisecond},
		"beyond measure":   {20 * time.Second, leastSlice, leastSlice},
	} {
		width := firstSlice
		for range 10 {
			width = nextSlice(width, time.Duration(float64(c.perSecond)*width.Seconds()))
		}
		if width < c.from || width > c.to {
			t.Errorf("%s: %s, want %s to %s", name, width, c.from, c.to)
		}
	}
}
