package recovery

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestLoop(t *testing.T) {
	t.Parallel()
	// intervals runs a loop whose first failing rounds fail, and returns the
	// pauses between its rounds.
	intervals := func(t *testing.T, every time.Duration, failing, rounds int) (pauses []time.Duration) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			s, _ := newIdle(&fakeLease{}, "a")
			ctx, cancel := context.WithCancel(t.Context())
			var last time.Time
			n := 0
			s.loop("test", every, func(context.Context) error {
				if now := time.Now(); n > 0 {
					pauses = append(pauses, now.Sub(last))
				}
				last = time.Now()
				if n++; n == rounds {
					cancel()
				}
				if n <= failing {
					return errAway
				}
				return nil
			}).run(ctx)
		})
		return pauses
	}

	t.Run("RunsAtOnceAndThenEvery", func(t *testing.T) {
		t.Parallel()
		for _, pause := range intervals(t, time.Second, 0, 4) {
			if pause != time.Second {
				t.Errorf("a pause of %s", pause)
			}
		}
	})

	t.Run("AFastServiceIsBackWithinSeconds", func(t *testing.T) {
		t.Parallel()
		pauses := intervals(t, 500*time.Millisecond, 20, 30)
		for i, pause := range pauses {
			if pause < 500*time.Millisecond || pause > fastBackoff || i >= 20 && pause != 500*time.Millisecond {
				t.Errorf("pause %d is %s", i, pause)
			}
		}
		if pauses[18] != fastBackoff {
			t.Errorf("does not back off: %v", pauses)
		}
	})

	t.Run("ASlowServiceTriesAgainSoon", func(t *testing.T) {
		t.Parallel()
		for i, pause := range intervals(t, time.Hour, 20, 20) {
			if pause > slowBackoff {
				t.Errorf("pause %d is %s", i, pause)
			}
		}
	})
}
