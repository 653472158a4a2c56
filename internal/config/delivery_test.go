package config

import (
	"slices"
	"testing"
	"time"
)

func TestDelivery_DefaultSchedule(t *testing.T) {
	t.Parallel()
	const s, m = time.Second, time.Minute
	const (
		schedule = "POSTRIDER_DELIVERY_RETRY_SCHEDULE="
		retries  = "POSTRIDER_DELIVERY_MAX_RETRIES="
		delay    = "POSTRIDER_DELIVERY_RETRY_DELAY="
	)
	tests := map[string]struct {
		env  []string
		want []time.Duration
	}{
		"IsTheContracts":                     {nil, []time.Duration{m, 5 * m, 30 * m}},
		"IsALongerOneWholeUnlessCut":         {[]string{schedule + "1s,2s,3s,4s,5s"}, []time.Duration{s, 2 * s, 3 * s, 4 * s, 5 * s}},
		"IsAShorterOneWithoutRepeating":      {[]string{schedule + "1s"}, []time.Duration{s}},
		"IsCutByRetriesThatAreSet":           {[]string{schedule + "1s,2s,3s,4s,5s", retries + "3"}, []time.Duration{s, 2 * s, 3 * s}},
		"RepeatsTheLastPastItsEnd":           {[]string{retries + "5"}, []time.Duration{m, 5 * m, 30 * m, 30 * m, 30 * m}},
		"IsEmptyForNoRetries":                {[]string{retries + "0"}, nil},
		"HasOneFixedDelay":                   {[]string{delay + "60"}, []time.Duration{m, m, m}},
		"HasOneFixedDelayAsOftenAsSet":       {[]string{delay + "1m", retries + "2"}, []time.Duration{m, m}},
		"HasOneFixedDelayForALongerSchedule": {[]string{delay + "1s", schedule + "1m,1m,1m,1m"}, []time.Duration{s, s, s, s}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := (input{env: tt.env}).mustLoad(t).Delivery.DefaultSchedule(); !slices.Equal(got, tt.want) {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestDelivery_ScheduleInEffectIsBounded(t *testing.T) {
	t.Parallel()
	_, _, err := input{env: []string{"POSTRIDER_DELIVERY_RETRY_DELAY=24h", "POSTRIDER_DELIVERY_MAX_RETRIES=15"}}.load(t)
	wantError(t, err, "delivery.retry_schedule: must be 14d in all at most, got 15d")
	input{env: []string{"POSTRIDER_DELIVERY_RETRY_DELAY=24h", "POSTRIDER_DELIVERY_MAX_RETRIES=14"}}.mustLoad(t)
}
