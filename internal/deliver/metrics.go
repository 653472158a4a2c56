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
	attempts                                     map[came]prometheus.Counter
	attemptSeconds, firstSeconds, successSeconds *latency
	groupOutcomes, recordSeconds, recordWait     prometheus.Histogram
	inFlight, sealed                             prometheus.Gauge
	dropped, parked, unrecorded                  prometheus.Counter
	held                                         map[string]prometheus.Counter // by reason
	busiest                                      *busiest
}

// came is what came of an attempt. All there can be have their counter from the
// start: looking one up by its labels costs more, and a rate needs the zero.
type came struct {
	outcome string
	class   webhook.ErrorClass
}

func newMetrics(reg prometheus.Registerer, endpoints int) metrics {
	f := promauto.With(reg) // a nil Registerer registers nowhere
	seconds := prometheus.ExponentialBuckets(0.001, 2, 17)
	return metrics{
		attempts:       newAttempts(f),
		attemptSeconds: newLatency(f, "postrider_deliver_attempt_duration_seconds", "Time one request took.", seconds),
		firstSeconds: newLatency(f, "postrider_deliver_first_attempt_delay_seconds",
			"Time from the event's acceptance, or its deliver_at, to the start of the first attempt; replays are left out.", seconds),
		successSeconds: newLatency(f, "postrider_deliver_success_delay_seconds",
			"Time from the event's acceptance, or its deliver_at, to its successful delivery; replays are left out.", prometheus.ExponentialBuckets(0.001, 4, 13)),
		groupOutcomes: f.NewHistogram(prometheus.HistogramOpts{
			Name: "postrider_deliver_record_group_outcomes", Help: "Outcomes recorded in one commit.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 10),
		}),
		recordSeconds: f.NewHistogram(prometheus.HistogramOpts{
			Name: "postrider_deliver_record_duration_seconds", Help: "Time one group of outcomes took to commit.", Buckets: seconds,
		}),
		recordWait: f.NewHistogram(prometheus.HistogramOpts{
			Name: "postrider_deliver_record_wait_seconds",
			Help: "Time from an attempt's end until its outcome was committed.", Buckets: seconds,
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
		held:    newHeld(f),
		busiest: newBusiest(f, endpoints),
	}
}

func newAttempts(f promauto.Factory) map[came]prometheus.Counter {
	attempts := f.NewCounterVec(prometheus.CounterOpts{
		Name: "postrider_deliver_attempts_total", Help: "Attempts by outcome (success, retry, failed) and error class.",
	}, []string{"outcome", "error_class"})
	all := []came{{outcome: outcomeSuccess}}
	for _, class := range webhook.ErrorClasses() {
		all = append(all, came{outcomeRetry, class}, came{outcomeFailed, class})
	}
	counters := make(map[came]prometheus.Counter, len(all))
	for _, c := range all {
		counters[c] = attempts.WithLabelValues(c.outcome, string(c.class))
	}
	return counters
}

func newHeld(f promauto.Factory) map[string]prometheus.Counter {
	held := f.NewCounterVec(prometheus.CounterOpts{
		Name: "postrider_deliver_held_deliveries_total", Help: "Deliveries that were not tried when their turn came, by reason; again each time.",
	}, []string{"reason"})
	counters := make(map[string]prometheus.Counter)
	for _, reason := range webhook.HeldReasons() {
		counters[reason] = held.WithLabelValues(reason)
	}
	return counters
}

// registerRunner is for what is read when somebody looks.
func registerRunner(reg prometheus.Registerer, r *Runner) {
	f := promauto.With(reg) // a nil Registerer registers nowhere
	f.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "postrider_deliver_slots", Help: "Requests that may be in flight: worker.concurrency.",
	}, func() float64 { return float64(r.cfg.Concurrency) })
	f.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "postrider_deliver_waiting_deliveries", Help: "Deliveries in memory that wait for a slot or for their endpoint's window.",
	}, func() float64 { return float64(r.limiter.waiting()) })
	f.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "postrider_deliver_recorder_blocked", Help: "1 while outcomes can't be recorded, and so no request begins.",
	}, func() float64 {
		if r.recorder.away.Load() {
			return 1
		}
		return 0
	})
}

func (m metrics) recorded(n int, took time.Duration) {
	m.groupOutcomes.Observe(float64(n))
	m.recordSeconds.Observe(took.Seconds())
}

func (m metrics) attempted(d *member, o *webhook.Outcome, now time.Time) {
	outcome := outcomeWord(o)
	if c := m.attempts[came{outcome, o.Attempt.ErrorClass}]; c != nil {
		c.Inc()
	}
	m.busiest.count(d.EndpointID, outcome, o.Attempt.Duration)
	m.attemptSeconds.observe(o.Attempt.Duration, now, d.DeliveryID)
	if d.standing.Replayed { // how old its event is says nothing about how quick Postrider is
		return
	}
	if d.standing.Attempts == 0 {
		m.firstSeconds.observe(o.Attempt.StartedAt.Sub(d.wanted()), now, d.DeliveryID)
	}
	if o.Status == webhook.StatusSuccess {
		m.successSeconds.observe(now.Sub(d.wanted()), now, d.DeliveryID)
	}
}

// countedRows counts what is set aside, whoever does it.
type countedRows struct {
	Rows
	held map[string]prometheus.Counter
}

// Park implements Rows.
func (c countedRows) Park(ctx context.Context, holds []webhook.Hold) error {
	err := c.Rows.Park(ctx, holds)
	for i := range holds {
		if counter := c.held[holds[i].Reason]; err == nil && counter != nil {
			counter.Inc()
		}
	}
	return err
}

// Wait implements Rows.
func (c countedRows) Wait(ctx context.Context, members []webhook.Member, task string) error {
	err := c.Rows.Wait(ctx, members, task)
	if err == nil {
		c.held[webhook.HeldOrdering].Add(float64(len(members)))
	}
	return err
}

// wanted is when the delivery was wanted: at its event's acceptance, or when its
// publisher said.
func (m *member) wanted() time.Time {
	if accepted := m.DeliveryID.Time(); m.standing.DeliverAt.Before(accepted) {
		return accepted
	}
	return m.standing.DeliverAt
}

// Outcomes of an attempt, as metrics and logs call them.
const (
	outcomeSuccess = string(webhook.StatusSuccess)
	outcomeFailed  = string(webhook.StatusFailed)
	outcomeRetry   = "retry"
)

func outcomes() []string { return []string{outcomeSuccess, outcomeRetry, outcomeFailed} }

func outcomeWord(o *webhook.Outcome) string {
	if o.Status == webhook.StatusPending {
		return outcomeRetry
	}
	return string(o.Status)
}

// log writes one line an attempt. Successes are thousands a second, and on
// record; they are written at debug level.
// traced is a context for a logger, whose handler with tracing adds the trace's id.
func traced(ctx context.Context, e webhook.CarriedEvent) context.Context {
	if e.Trace.IsZero() {
		return ctx
	}
	return webhook.WithTrace(ctx, e.Trace)
}

func (m *member) log(o *webhook.Outcome, decided bool) {
	level := slog.LevelInfo
	if o.Status == webhook.StatusSuccess {
		level = slog.LevelDebug
	}
	ctx := context.Background()
	if !m.run.r.cfg.Logger.Enabled(ctx, level) {
		return
	}
	ctx = traced(ctx, m.event)
	m.run.r.cfg.Logger.LogAttrs(ctx, level, "attempt",
		slog.String("workspace_id", string(m.WorkspaceID)),
		slog.String("event_id", m.event.PublicID),
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
