package egress

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/postrider/postrider/internal/webhook"
)

// outcomeAnswered labels a request that got an answer, whatever its status.
const outcomeAnswered = "answered"

// metrics count requests and the connections opened for them; how far the two
// are apart is how well keep-alive works.
type metrics struct {
	outcomes    map[string]prometheus.Counter
	connections prometheus.Counter
}

// newMetrics registers with reg, or with nobody when reg is nil.
func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "postrider_egress_requests_total",
		Help: "Requests made to receivers, by what came of them: answered, or the class of the error.",
	}, []string{"outcome"})
	m := &metrics{outcomes: map[string]prometheus.Counter{}}
	m.connections = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "postrider_egress_connections_total",
		Help: "TCP connections opened to receivers. Requests beyond this number reused one.",
	})
	for _, outcome := range []string{
		outcomeAnswered, string(webhook.ClassTimeout), string(webhook.ClassRefused), string(webhook.ClassReset),
		string(webhook.ClassDNS), string(webhook.ClassTLS), string(webhook.ClassBlocked),
		string(webhook.ClassInvalidHTTP), string(webhook.ClassInternal),
	} {
		m.outcomes[outcome] = requests.WithLabelValues(outcome)
	}
	if reg == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{requests, m.connections} {
		if err := reg.Register(c); err != nil {
			return nil, fmt.Errorf("register egress metrics: %w", err)
		}
	}
	return m, nil
}

func (m *metrics) observe(res webhook.Response) {
	outcome := outcomeAnswered
	if res.Err != nil {
		outcome = string(res.Err.Class)
	}
	m.outcomes[outcome].Inc()
}
