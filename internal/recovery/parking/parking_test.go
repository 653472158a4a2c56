package parking_test

import (
	"testing"
	"time"

	"github.com/postrider/postrider/internal/recovery/parking"
	"github.com/postrider/postrider/internal/webhook"
)

func TestDecide(t *testing.T) {
	t.Parallel()
	const (
		disabled = webhook.HeldEndpointDisabled
		breaker  = webhook.HeldBreakerOpen
		inFlight = webhook.HeldInFlight
		rate     = webhook.HeldRateLimit
	)
	tests := map[string]struct {
		state parking.State
		want  parking.Verdict
	}{
		"ADeletedEndpointsAreCanceled": {
			parking.State{Reason: breaker, Deleted: true, BreakerOpen: true},
			parking.Verdict{Action: parking.Cancel, Count: 1000, Reason: breaker, ReleaseCount: 1},
		},
		"ADisabledEndpointsWait": {
			parking.State{Reason: inFlight, ReleaseCount: 512},
			parking.Verdict{Reason: disabled, ReleaseCount: 1, CheckIn: time.Hour},
		},
		"AnEnabledEndpointsRampUp": {
			parking.State{Reason: disabled, Active: true, ReleaseCount: 1},
			parking.Verdict{Action: parking.Release, Count: 1, Reason: disabled, ReleaseCount: 2, CheckIn: time.Second},
		},
		"NothingLeavesAnOpenBreaker": {
			parking.State{Reason: inFlight, Active: true, BreakerOpen: true, OpenFor: 20 * time.Second, ReleaseCount: 64},
			parking.Verdict{Reason: breaker, ReleaseCount: 1, CheckIn: 20 * time.Second},
		},
		"ALongPauseIsLookedAtEachMinute": {
			parking.State{Reason: breaker, Active: true, BreakerOpen: true, OpenFor: 10 * time.Minute},
			parking.Verdict{Reason: breaker, ReleaseCount: 1, CheckIn: time.Minute},
		},
		"OneProbeLeavesADueBreaker": {
			parking.State{Reason: breaker, Active: true, BreakerOpen: true, OpenFor: -time.Millisecond, ReleaseCount: 64},
			parking.Verdict{Action: parking.Probe, Count: 1, Reason: breaker, ReleaseCount: 1, CheckIn: 5 * time.Second},
		},
		"NoSecondProbeLeaves": {
			parking.State{Reason: breaker, Active: true, BreakerOpen: true, OpenFor: -time.Second, Probing: true},
			parking.Verdict{Reason: breaker, ReleaseCount: 1, CheckIn: 5 * time.Second},
		},
		"TheRampDoubles": {
			parking.State{Reason: inFlight, Active: true, ReleaseCount: 64},
			parking.Verdict{Action: parking.Release, Count: 64, Reason: inFlight, ReleaseCount: 128, CheckIn: time.Second},
		},
		"TheRampEnds": {
			parking.State{Reason: inFlight, Active: true, ReleaseCount: 4096},
			parking.Verdict{Action: parking.Release, Count: 4096, Reason: inFlight, ReleaseCount: 4096, CheckIn: time.Second},
		},
		"TheRampKeepsToTheRate": {
			parking.State{Reason: inFlight, Active: true, ReleaseCount: 64, RateLimit: 10},
			parking.Verdict{Action: parking.Release, Count: 10, Reason: inFlight, ReleaseCount: 128, CheckIn: time.Second},
		},
		"ARateNeedsNoRamp": {
			parking.State{Reason: rate, Active: true, ReleaseCount: 1, RateLimit: 100},
			parking.Verdict{Action: parking.Release, Count: 100, Reason: rate, ReleaseCount: 2, CheckIn: time.Second},
		},
		"AFailureHalvesTheRamp": {
			parking.State{Reason: breaker, Active: true, ReleaseCount: 1024, Failures: 1},
			parking.Verdict{Action: parking.Release, Count: 512, Reason: breaker, ReleaseCount: 512, CheckIn: time.Second},
		},
		"AnotherOutageInMidRampGetsOneASecond": {
			parking.State{Reason: breaker, Active: true, ReleaseCount: 4096, Failures: 19},
			parking.Verdict{Action: parking.Release, Count: 1, Reason: breaker, ReleaseCount: 1, CheckIn: time.Second},
		},
		"AFailureHalvesTheRate": {
			parking.State{Reason: rate, Active: true, ReleaseCount: 1, RateLimit: 100, Failures: 2},
			parking.Verdict{Action: parking.Release, Count: 25, Reason: rate, ReleaseCount: 1, CheckIn: time.Second},
		},
		"ARateThatIsGoneRampsUp": {
			parking.State{Reason: rate, Active: true, ReleaseCount: 4},
			parking.Verdict{Action: parking.Release, Count: 4, Reason: rate, ReleaseCount: 8, CheckIn: time.Second},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := parking.Decide(tt.state); got != tt.want {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
		})
	}
}
