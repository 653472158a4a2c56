package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// steadyRate is events a second of the run that measures latency.
const steadyRate = 50

// latency is how long deliveries took from before their event was posted until
// the receiver's handler started.
type latency struct{ p50, p99, max time.Duration }

// lag is how long one delivery took, and since when.
type lag struct {
	posted time.Time
	took   time.Duration
}

// steady posts so many a second for that long, at fan-out 1.
func (l *lab) steady(ctx context.Context, rate float64, length time.Duration) (latency, error) {
	t, lags, err := l.paced(ctx, rate, length)
	if err == nil {
		err = l.end(ctx, t)
	}
	if err != nil {
		return latency{}, fmt.Errorf("steady rate: %w", err)
	}
	return latencyOf(lags), nil
}

// paced is steady for as long as something else is under way: it waits for its own
// deliveries alone, and leaves their faults to the caller.
func (l *lab) paced(ctx context.Context, rate float64, length time.Duration) (*tally, []lag, error) {
	count := int(length.Seconds() * rate)
	t := l.begin(singleKind, count)
	posted, err := l.poster.postSteadily(ctx, singleKind, t.first, count, time.Duration(float64(time.Second)/rate))
	if err == nil {
		err = t.wait(ctx)
	}
	var lags []lag
	for n := range posted {
		if at := t.arrived[n].Load(); at != 0 {
			lags = append(lags, lag{posted[n], time.Duration(at - posted[n].UnixNano())})
		}
	}
	return t, lags, err
}

func latencyOf(lags []lag) latency {
	took := make([]time.Duration, len(lags))
	for i := range lags {
		took[i] = lags[i].took
	}
	return newLatency(took)
}

func newLatency(took []time.Duration) latency {
	if len(took) == 0 {
		return latency{}
	}
	slices.Sort(took)
	at := func(percent int) time.Duration { return took[(len(took)-1)*percent/100] }
	return latency{p50: at(50), p99: at(99), max: took[len(took)-1]}
}

// timings are the latencies of several runs.
type timings struct{ p50, p99, max []float64 } // milliseconds

func (t *timings) add(l latency) {
	t.p50, t.p99, t.max = append(t.p50, milliseconds(l.p50)), append(t.p99, milliseconds(l.p99)), append(t.max, milliseconds(l.max))
}

// cells are the medians for a table, of p99 with the least and the greatest.
func (t *timings) cells() string {
	return fmt.Sprintf("%.1f | %s | %.1f", newSpread(t.p50).median, newSpread(t.p99).format(1), newSpread(t.max).median)
}

// slower is the median of how many times as long the p99 of a round was as the
// other's in the same round.
func (t *timings) slower(other *timings) float64 {
	ratios := make([]float64, len(t.p99))
	for i := range ratios {
		ratios[i] = t.p99[i] / other.p99[i]
	}
	return newSpread(ratios).median
}

func milliseconds(d time.Duration) float64 { return d.Seconds() * 1000 }
