package deliver

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/postrider/postrider/internal/webhook"
)

type metrics struct {
	attempts                                     *prometheus.CounterVec
	attemptSeconds, firstSeconds, successSeconds prometheus.Histogram
	groupOutcomes, recordSeconds                 prometheus.Histogram
	inFlight, sealed                             prometheus.Gauge
	dropped, parked, unrecorded                  prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) metrics {
	f := promauto.With(reg) // a nil Registerer registers nowhere
	seconds := prometheus.ExponentialBuckets(0.001, 2, 17)
	m := metrics{
		attempts: f.NewCounterVec(prometheus.CounterOpts{
			Name: "postrider_deliver_attempts_total", Help: "Attempts by outcome (success, retry, failed) and error class.",
		}, []string{"outcome", "error_class"}),
		attemptSeconds: f.NewHistogram(prometheus.HistogramOpts{
			Name: "postrider_deliver_attempt_duration_seconds", Help: "Time one request took.", Buckets: seconds,
		}),
		firstSeconds: f.NewHistogram(prometheus.HistogramOpts{
			Name: "postrider_deliver_first_attempt_delay_seconds",
			Help: "Time from the event's acceptance, or its deliver_at, to the start of the first attempt.", Buckets: seconds,
		}),
		successSeconds: f.NewHistogram(prometheus.HistogramOpts{
			Name: "postrider_deliver_success_delay_seconds",
			Help: "Time from the event's acceptance, or its deliver_at, to its successful delivery.", Buckets: prometheus.ExponentialBuckets(0.001, 4, 13),
		}),
		groupOutcomes: f.NewHistogram(prometheus.HistogramOpts{
			Name: "postrider_deliver_record_group_outcomes", Help: "Outcomes recorded in one commit.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 10),
		}),
		recordSeconds: f.NewHistogram(prometheus.HistogramOpts{
			Name: "postrider_deliver_record_duration_seconds", Help: "Time one group of outcomes took to commit.", Buckets: seconds,
		}),
		inFlight: f.NewGauge(prometheus.GaugeOpts{
			Name: "postrider_deliver_in_flight", Help: "Requests in flight.",
		}),
		sealed: f.NewGauge(prometheus.GaugeOpts{
			Name: "postrider_deliver_sealed_members", Help: "Deliveries of the last chunk whose secret this process could not decrypt.",
		}),
		dropped: f.NewCounter(prometheus.CounterOpts{
			Name: "postrider_deliver_dropped_members_total",
			Help: "Members of a task that were somebody else's, or done, when it ran.",
		}),
		unrecorded: f.NewCounter(prometheus.CounterOpts{
			Name: "postrider_deliver_record_failures_total",
			Help: "Tries to record a group of attempts that Postgres did not take. They are made again until one succeeds.",
		}),
		parked: f.NewCounter(prometheus.CounterOpts{
			Name: "postrider_deliver_parked_total", Help: "Deliveries parked over their endpoint's window.",
		}),
	}
	m.attempts.WithLabelValues("success", "")
	for _, class := range webhook.ErrorClasses() {
		m.attempts.WithLabelValues("retry", string(class))
		m.attempts.WithLabelValues("failed", string(class))
	}
	return m
}

func (m metrics) recorded(n int, took time.Duration) {
	m.groupOutcomes.Observe(float64(n))
	m.recordSeconds.Observe(took.Seconds())
}

func (m metrics) attempted(d *member, o *webhook.Outcome, now time.Time) {
	m.attempts.WithLabelValues(outcomeWord(o), string(o.Attempt.ErrorClass)).Inc()
	m.attemptSeconds.Observe(o.Attempt.Duration.Seconds())
	if d.standing.Attempts == 0 {
		m.firstSeconds.Observe(max(o.Attempt.StartedAt.Sub(d.wanted()).Seconds(), 0))
	}
	if o.Status == webhook.StatusSuccess {
		m.successSeconds.Observe(max(now.Sub(d.wanted()).Seconds(), 0))
	}
}

// wanted is when the delivery was wanted: at its event's acceptance, or when its
// publisher said.
func (m *member) wanted() time.Time {
	if accepted := m.DeliveryID.Time(); m.standing.DeliverAt.Before(accepted) {
		return accepted
	}
	return m.standing.DeliverAt
}

func outcomeWord(o *webhook.Outcome) string {
	if o.Status == webhook.StatusPending {
		return "retry"
	}
	return string(o.Status)
}

// log writes one line an attempt. Successes are thousands a second, and on
// record; they are written at debug level.
func (m *member) log(o *webhook.Outcome, decided bool) {
	level := slog.LevelInfo
	if o.Status == webhook.StatusSuccess {
		level = slog.LevelDebug
	}
	ctx := context.Background()
	if !m.run.r.cfg.Logger.Enabled(ctx, level) {
		return
	}
	if t := m.event.Trace; !t.IsZero() {
		// The handler of a logger with tracing adds the trace's id.
		ctx = webhook.WithTrace(ctx, t)
	}
	m.run.r.cfg.Logger.LogAttrs(ctx, level, "attempt",
		slog.String("delivery_id", m.DeliveryID.Format(webhook.DeliveryPrefix)),
		slog.String("endpoint_id", m.EndpointID.Format(webhook.EndpointPrefix)),
		slog.Int("attempt", m.standing.Attempts+1),
		slog.Int("status", o.Attempt.StatusCode),
		slog.Int64("duration_ms", o.Attempt.Duration.Milliseconds()),
		slog.String("outcome", outcomeWord(o)),
		slog.String("error_class", string(o.Attempt.ErrorClass)),
		slog.Bool("decided", decided),
	)
}
