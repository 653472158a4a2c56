package retry

import (
	"slices"
	"testing"
	"time"
)

func TestDefaultSchedule(t *testing.T) {
	t.Parallel()
	const m = time.Minute
	tests := []struct {
		name       string
		base       []time.Duration
		maxRetries int
		retryDelay time.Duration
		want       []time.Duration
	}{
		{"Default", usual(), 3, 0, []time.Duration{m, 5 * m, 30 * m}},
		{"Fewer", usual(), 1, 0, []time.Duration{m}},
		{"MoreRepeatTheLast", usual(), 5, 0, []time.Duration{m, 5 * m, 30 * m, 30 * m, 30 * m}},
		{"None", usual(), 0, 0, []time.Duration{}},
		{"NegativeIsNone", usual(), -1, 0, []time.Duration{}},
		{"FixedDelay", usual(), 3, 2 * m, []time.Duration{2 * m, 2 * m, 2 * m}},
		{"FixedDelayWithoutBase", nil, 2, m, []time.Duration{m, m}},
		{"FixedDelayOfNoRetries", usual(), 0, m, []time.Duration{}},
		{"NothingToRepeat", nil, 3, 0, []time.Duration{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := DefaultSchedule(tt.base, tt.maxRetries, tt.retryDelay)
			if got == nil || !slices.Equal(got, tt.want) {
				t.Errorf("DefaultSchedule(%v, %d, %s) is %v, want %v", tt.base, tt.maxRetries, tt.retryDelay, got, tt.want)
			}
		})
	}
}

func TestDefaultScheduleLeavesItsBaseAlone(t *testing.T) {
	t.Parallel()
	base := usual()
	DefaultSchedule(base, 3, 0)[0] = time.Hour
	if base[0] != time.Minute {
		t.Errorf("the base's first delay became %s", base[0])
	}
}
