package ingest

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/postrider/postrider/internal/webhook"
)

type metrics struct {
	events, deliveries, unannounced, failed prometheus.Counter
	groupEvents, commitSeconds, waitSeconds prometheus.Histogram
	invalid                                 *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) metrics {
	f := promauto.With(reg) // a nil Registerer registers nowhere
	m := metrics{
		events: f.NewCounter(prometheus.CounterOpts{
			Name: "postrider_ingest_events_total", Help: "Events accepted and committed.",
		}),
		deliveries: f.NewCounter(prometheus.CounterOpts{
			Name: "postrider_ingest_deliveries_total", Help: "Deliveries committed with their events.",
		}),
		unannounced: f.NewCounter(prometheus.CounterOpts{
			Name: "postrider_ingest_unannounced_deliveries_total",
			Help: "Committed deliveries that did not reach Redis and were left to the scheduler.",
		}),
		failed: f.NewCounter(prometheus.CounterOpts{
			Name: "postrider_ingest_failed_groups_total", Help: "Groups whose commit failed.",
		}),
		invalid: f.NewCounterVec(prometheus.CounterOpts{
			Name: "postrider_ingest_invalid_events_total",
			Help: "Events that their type's schema found fault with, by what it does then (warn: accepted, reject: refused).",
		}, []string{"validation"}),
		groupEvents: f.NewHistogram(prometheus.HistogramOpts{
			Name: "postrider_ingest_group_events", Help: "Events in one commit.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 10),
		}),
		commitSeconds: f.NewHistogram(prometheus.HistogramOpts{
			Name: "postrider_ingest_commit_duration_seconds", Help: "Time one group's commit took.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 14),
		}),
		waitSeconds: f.NewHistogram(prometheus.HistogramOpts{
			Name: "postrider_ingest_wait_seconds", Help: "Time a request's events waited for their group and its commit.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 14),
		}),
	}
	for _, validation := range []webhook.Validation{webhook.ValidationWarn, webhook.ValidationReject} {
		m.invalid.WithLabelValues(string(validation))
	}
	return m
}

// registerWaiting is for what is read when somebody looks.
func registerWaiting(reg prometheus.Registerer, i *Ingester) {
	f := promauto.With(reg) // a nil Registerer registers nowhere
	f.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "postrider_ingest_waiting_events", Help: "Events that wait for their group.",
	}, func() float64 { return float64(i.waiting.events.Load()) })
	f.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "postrider_ingest_waiting_bytes", Help: "Size of what waits for its group.",
	}, func() float64 { return float64(i.waiting.bytes.Load()) })
}

func (m metrics) observe(p *plan, took time.Duration, err error) {
	m.commitSeconds.Observe(took.Seconds())
	m.groupEvents.Observe(float64(len(p.group.Events)))
	if err != nil {
		m.failed.Inc()
		return
	}
	m.events.Add(float64(len(p.group.Events)))
	m.deliveries.Add(float64(len(p.group.Deliveries)))
}
