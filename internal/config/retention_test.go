package config

import (
	"testing"
	"time"
)

func TestMaxDelay_LeavesRoomForTheScheduleWithinTheRetention(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ deliveries, payloads, want time.Duration }{
		{30 * day, 30 * day, 14 * day},
		{90 * day, 90 * day, 74 * day},
		{90 * day, 30 * day, 14 * day}, // what is pending when payloads go is failed, too
		{7 * day, 7 * day, 84 * time.Hour},
		{30 * day, 2 * day, day},
	} {
		r := Retention{Deliveries: tt.deliveries, Payloads: tt.payloads}
		if got := r.MaxDelay(); got != tt.want {
			t.Errorf("%s and %s kept: %s, want %s", tt.deliveries, tt.payloads, got, tt.want)
		}
	}
	for kept := day; kept < 200*day; kept += 5 * time.Hour {
		less, more := Retention{kept, kept}.MaxDelay(), Retention{kept + time.Hour, kept + time.Hour}.MaxDelay()
		if more < less || less > kept {
			t.Errorf("of %s kept: %s, with an hour more %s", kept, less, more)
		}
	}
}
