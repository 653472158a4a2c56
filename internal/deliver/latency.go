package deliver

import (
	"sort"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/postrider/postrider/internal/webhook"
)

// exemplarEvery is how old a bucket's exemplar is before another delivery's takes
// its place. One costs a dozen allocations, and of those between two scrapes only
// the last is seen.
const exemplarEvery = time.Second

// latency is a histogram whose buckets name one of the deliveries that are in them.
type latency struct {
	prometheus.Histogram
	bounds []float64
	// shown is when each bucket got its exemplar, in unix nanoseconds.
	shown []atomic.Int64
}

func newLatency(f promauto.Factory, name, help string, bounds []float64) *latency {
	return &latency{
		Histogram: f.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: bounds}),
		bounds:    bounds, shown: make([]atomic.Int64, len(bounds)+1),
	}
}

// observe counts a delivery's time. As a rule it allocates nothing.
func (l *latency) observe(took time.Duration, now time.Time, delivery webhook.ID) {
	seconds := max(took.Seconds(), 0)
	shown := &l.shown[sort.SearchFloat64s(l.bounds, seconds)]
	last, at := shown.Load(), now.UnixNano()
	if e, ok := l.Histogram.(prometheus.ExemplarObserver); ok && at-last >= int64(exemplarEvery) && shown.CompareAndSwap(last, at) {
		e.ObserveWithExemplar(seconds, prometheus.Labels{"delivery_id": delivery.Format(webhook.DeliveryPrefix)})
		return
	}
	l.Observe(seconds)
}
