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

// steady posts at steadyRate for that long, at fan-out 1.
func (l *lab) steady(ctx context.Context, length time.Duration) (latency, error) {
	count := int(length.Seconds() * steadyRate)
	t := l.begin(singleKind, count)
	posted, err := l.poster.postSteadily(ctx, singleKind, t.first, count, time.Second/steadyRate)
	if err == nil {
		err = t.wait(ctx)
	}
	if err == nil {
		err = l.end(ctx, t)
	}
	if err != nil {
		return latency{}, fmt.Errorf("steady rate: %w", err)
	}
	var took []time.Duration
	for n := range posted {
		if at := t.arrived[n].Load(); at != 0 {
			took = append(took, time.Duration(at-posted[n].UnixNano()))
		}
	}
	return newLatency(took), nil
}

func newLatency(took []time.Duration) latency {
	if len(took) == 0 {
		return latency{}
	}
	slices.Sort(took)
	at := func(percent int) time.Duration { return took[(len(took)-1)*percent/100] }
	return latency{p50: at(50), p99: at(99), max: took[len(took)-1]}
}
