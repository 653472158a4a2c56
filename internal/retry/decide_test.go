package retry

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var now = time.Date(2024, 1, 15, 10, 30, 0, 0, time.UTC)

// usual is the contract's schedule.
func usual() Schedule { return Schedule{time.Minute, 5 * time.Minute, 30 * time.Minute} }

func TestDecide(t *testing.T) {
	t.Parallel()
	retryIn := func(d time.Duration) Decision { return Decision{Outcome: Retry, Delay: d} }
	success, fail, gone := Decision{Outcome: Success}, Decision{Outcome: Fail}, Decision{Outcome: Fail, Disable: true}
	tests := []struct {
		name     string
		schedule Schedule
		failures int
		answer   Answer
		want     Decision
	}{
		{"200", usual(), 1, Answer{StatusCode: 200}, success},
		{"299", usual(), 4, Answer{StatusCode: 299}, success},
		{"SuccessAfterTheScheduleIsUsedUp", usual(), 9, Answer{StatusCode: 204}, success},
		{"SuccessIgnoresRetryAfter", usual(), 1, Answer{200, "60"}, success},
		{"199", usual(), 1, Answer{StatusCode: 199}, retryIn(time.Minute)},
		{"300", usual(), 1, Answer{StatusCode: 300}, retryIn(time.Minute)},
		{"NoAnswer", usual(), 1, Answer{}, retryIn(time.Minute)},
		{"404IsRetried", usual(), 2, Answer{StatusCode: 404}, retryIn(5 * time.Minute)},
		{"ThirdFailure", usual(), 3, Answer{StatusCode: 500}, retryIn(30 * time.Minute)},
		{"FourthFailure", usual(), 4, Answer{StatusCode: 500}, fail},
		{"FourthFailureWithRetryAfter", usual(), 4, Answer{503, "60"}, fail},
		{"NoSchedule", Schedule{}, 1, Answer{StatusCode: 500}, fail},
		{"NilSchedule", nil, 1, Answer{}, fail},
		{"CountBelowOneIsTheFirst", usual(), 0, Answer{}, retryIn(time.Minute)},
		{"410", usual(), 1, Answer{StatusCode: 410}, gone},
		{"410AtTheEnd", usual(), 4, Answer{410, "60"}, gone},
		{"409IsNotGone", usual(), 1, Answer{StatusCode: 409}, retryIn(time.Minute)},
		{"RetryAfterMovesLater", usual(), 1, Answer{429, "90"}, retryIn(90 * time.Second)},
		{"RetryAfterNeverMovesEarlier", usual(), 2, Answer{503, "90"}, retryIn(5 * time.Minute)},
		{"RetryAfterIsBounded", usual(), 1, Answer{503, "864000"}, retryIn(24 * time.Hour)},
		{"RetryAfterAsADate", usual(), 1, Answer{503, "Mon, 15 Jan 2024 11:00:00 GMT"}, retryIn(30 * time.Minute)},
		{"RetryAfterInThePast", usual(), 1, Answer{503, "Mon, 15 Jan 2024 10:00:00 GMT"}, retryIn(time.Minute)},
		{"RetryAfterOfAnotherStatus", usual(), 1, Answer{500, "3600"}, retryIn(time.Minute)},
		{"RetryAfterOfARedirect", usual(), 1, Answer{302, "3600"}, retryIn(time.Minute)},
		{"RetryAfterGarbage", usual(), 1, Answer{429, "soon"}, retryIn(time.Minute)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := tt.schedule.Decide(tt.failures, tt.answer, 0, now); got != tt.want {
				t.Errorf("Decide(%d, %+v) is %+v, want %+v", tt.failures, tt.answer, got, tt.want)
			}
		})
	}
}

func TestJitterIsNeverEarlyAndAtMostATenth(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		delay := time.Duration(rapid.Int64Range(0, int64(24*time.Hour)).Draw(t, "delay"))
		random := rapid.Float64Range(0, 0.999999999).Draw(t, "random")
		got := Schedule{delay}.Decide(1, Answer{}, random, now)
		if got.Outcome != Retry || got.Delay < delay || got.Delay > delay+delay/10+1 {
			t.Fatalf("%+v for a delay of %s and %f", got, delay, random)
		}
	})
}

func TestJitterSpreads(t *testing.T) {
	t.Parallel()
	if got := usual().Decide(1, Answer{}, 0.5, now).Delay; got != 63*time.Second {
		t.Errorf("half of the jitter on a minute is %s, want 1m3s", got)
	}
	for _, random := range []float64{-1, math.NaN(), math.Inf(-1)} {
		if got := usual().Decide(1, Answer{}, random, now).Delay; got != time.Minute {
			t.Errorf("random %f makes a minute %s", random, got)
		}
	}
	if got := usual().Decide(1, Answer{}, math.Inf(1), now).Delay; got != 66*time.Second {
		t.Errorf("random +Inf makes a minute %s, want 1m6s", got)
	}
	// The receiver named a time: that is exact, jitter belongs to the schedule.
	if got := usual().Decide(1, Answer{429, "90"}, 0.5, now).Delay; got != 90*time.Second {
		t.Errorf("Retry-After of 90 s became %s", got)
	}
}

func TestRetryAfterOnlyEverDelays(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		failures := rapid.IntRange(1, 3).Draw(t, "failures")
		random := rapid.Float64Range(0, 0.999).Draw(t, "random")
		header := rapid.OneOf(rapid.String(), rapid.StringMatching(`-?[0-9]{1,25}`)).Draw(t, "header")
		without := usual().Decide(failures, Answer{StatusCode: 503}, random, now)
		with := usual().Decide(failures, Answer{503, header}, random, now)
		if with.Delay < without.Delay || with.Delay-without.Delay > MaxRetryAfter {
			t.Fatalf("Retry-After %q: %s, without %s", header, with.Delay, without.Delay)
		}
	})
}
