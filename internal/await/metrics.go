package await

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/postrider/postrider/internal/webhook"
)

type metrics struct {
	waiting prometheus.Gauge
	looks   prometheus.Counter
	ends    *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) metrics {
	f := promauto.With(reg) // a nil Registerer registers nowhere
	m := metrics{
		waiting: f.NewGauge(prometheus.GaugeOpts{
			Name: "postrider_await_waiting_publishers", Help: "Publishers that wait for what becomes of their events.",
		}),
		looks: f.NewCounter(prometheus.CounterOpts{
			Name: "postrider_await_looks_total", Help: "Queries that looked after events that publishers wait for.",
		}),
		ends: f.NewCounterVec(prometheus.CounterOpts{
			Name: "postrider_await_waits_total", Help: "Publishes that were to wait for outcomes, by why they were answered.",
		}, []string{"end"}),
	}
	for _, end := range webhook.WaitEnds() {
		m.ends.WithLabelValues(string(end))
	}
	return m
}
