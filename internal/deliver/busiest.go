package deliver

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/postrider/postrider/internal/webhook"
)

// busiest gives the endpoints with the most attempts metrics of their own: so many
// and no more, for a time series for each of a hundred thousand endpoints would
// cost whoever keeps them more than the deliveries. A nil one counts nothing.
type busiest struct {
	most              int
	attempts, seconds *prometheus.CounterVec

	mu    sync.Mutex
	shown map[webhook.ID]*endpointSeries
	// rivals are those of the others that had attempts lately: some, not all.
	rivals map[webhook.ID]int
	others *endpointSeries
}

// endpointSeries are one endpoint's, or those of all others.
type endpointSeries struct {
	label    string
	recent   int // attempts since the last review
	attempts map[string]prometheus.Counter
	seconds  prometheus.Counter
}

const (
	// reviewEvery is how often who is shown is thought over.
	reviewEvery = time.Minute
	// rivalsEach is how many endpoints that are not shown are watched for each that is.
	rivalsEach = 16
	// otherEndpoints is the label of all that are not shown.
	otherEndpoints = "other"
)

func newBusiest(f promauto.Factory, most int) *busiest {
	if most <= 0 {
		return nil
	}
	b := &busiest{
		most: most, shown: make(map[webhook.ID]*endpointSeries), rivals: make(map[webhook.ID]int),
		attempts: f.NewCounterVec(prometheus.CounterOpts{
			Name: "postrider_deliver_endpoint_attempts_total",
			Help: `Attempts of the endpoints that have the most in this process, by outcome; "other" is all others. Only with metrics.endpoints.`,
		}, []string{"endpoint_id", "outcome"}),
		seconds: f.NewCounterVec(prometheus.CounterOpts{
			Name: "postrider_deliver_endpoint_attempt_seconds_total",
			Help: `Time that these attempts took in all. Only with metrics.endpoints.`,
		}, []string{"endpoint_id"}),
	}
	b.others = b.series(otherEndpoints)
	return b
}

func (b *busiest) series(label string) *endpointSeries {
	s := &endpointSeries{label: label, attempts: make(map[string]prometheus.Counter), seconds: b.seconds.WithLabelValues(label)}
	for _, outcome := range outcomes() {
		s.attempts[outcome] = b.attempts.WithLabelValues(label, outcome)
	}
	return s
}

func (b *busiest) count(id webhook.ID, outcome string, took time.Duration) {
	if b == nil {
		return
	}
	b.mu.Lock()
	s := b.of(id)
	s.recent++
	b.mu.Unlock()
	if c := s.attempts[outcome]; c != nil {
		c.Inc()
	}
	s.seconds.Add(max(took.Seconds(), 0))
}

// of is where an endpoint's attempts are counted.
func (b *busiest) of(id webhook.ID) *endpointSeries {
	if s := b.shown[id]; s != nil {
		return s
	}
	if len(b.shown) < b.most {
		b.shown[id] = b.series(id.Format(webhook.EndpointPrefix))
		return b.shown[id]
	}
	if _, known := b.rivals[id]; known || len(b.rivals) < b.most*rivalsEach {
		b.rivals[id]++
	}
	return b.others
}

// review lets rivals take the place of those that had less than half as many
// attempts since the last one: endpoints that are about equal don't take turns.
func (b *busiest) review() {
	b.mu.Lock()
	defer b.mu.Unlock()
	rivals := sortedBy(b.rivals, func(a, c webhook.ID) int { return cmp.Compare(b.rivals[c], b.rivals[a]) })
	least := sortedBy(b.shown, func(a, c webhook.ID) int { return cmp.Compare(b.shown[a].recent, b.shown[c].recent) })
	for i := 0; i < len(rivals) && i < len(least) && b.rivals[rivals[i]] > 2*b.shown[least[i]].recent; i++ {
		b.forget(least[i])
		b.shown[rivals[i]] = b.series(rivals[i].Format(webhook.EndpointPrefix))
	}
	clear(b.rivals)
	for _, s := range b.shown {
		s.recent = 0
	}
}

func (b *busiest) forget(id webhook.ID) {
	label := prometheus.Labels{"endpoint_id": b.shown[id].label}
	b.attempts.DeletePartialMatch(label)
	b.seconds.DeletePartialMatch(label)
	delete(b.shown, id)
}

func sortedBy[T any](m map[webhook.ID]T, compare func(a, b webhook.ID) int) []webhook.ID {
	ids := make([]webhook.ID, 0, len(m))
	for id := range m {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, compare)
	return ids
}
