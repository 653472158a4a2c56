package recovery

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	fed, audited, rescued, released, canceled, expired, disabled, fullAudits, replayed, passed prometheus.Counter
	failures                                                                                   *prometheus.CounterVec
	leader, daysAhead, replays                                                                 prometheus.Gauge
	oldestDue                                                                                  *prometheus.GaugeVec
}

func newMetrics(reg prometheus.Registerer) metrics {
	f := promauto.With(reg) // a nil Registerer registers nowhere
	counter := func(name, help string) prometheus.Counter {
		return f.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	m := metrics{
		fed:        counter("postrider_recovery_fed_deliveries_total", "Due deliveries that got a task from the scheduler."),
		audited:    counter("postrider_recovery_audited_deliveries_total", "Deliveries taken back from tasks that would never have run."),
		rescued:    counter("postrider_recovery_rescued_deliveries_total", "Deliveries taken back from workers that died."),
		released:   counter("postrider_recovery_released_deliveries_total", "Parked deliveries let go."),
		canceled:   counter("postrider_recovery_canceled_deliveries_total", "Parked deliveries canceled because their endpoint was deleted."),
		expired:    counter("postrider_recovery_expired_deliveries_total", "Deliveries failed because they were pending when their day's retention ended."),
		disabled:   counter("postrider_recovery_disabled_endpoints_total", "Endpoints disabled because they failed for too long."),
		replayed:   counter("postrider_recovery_replayed_deliveries_total", "Deliveries made by replays of endpoints."),
		passed:     counter("postrider_recovery_passed_turns_total", "Turns in the lines of ordering keys that nobody had: those of processes that are gone, or of a release that knows no keys."),
		fullAudits: counter("postrider_recovery_full_audits_total", "Audits of all that tasks hold: at each change of leader and when Redis lost its memory."),
		failures: f.NewCounterVec(prometheus.CounterOpts{
			Name: "postrider_recovery_failed_rounds_total", Help: "Rounds of a scheduler's service that failed.",
		}, []string{"service"}),
		leader: f.NewGauge(prometheus.GaugeOpts{
			Name: "postrider_recovery_leader", Help: "1 while this scheduler leads.",
		}),
		daysAhead: f.NewGauge(prometheus.GaugeOpts{
			Name: "postrider_recovery_partitions_ahead", Help: "Days after today whose partitions exist, as the leader sees it.",
		}),
		replays: f.NewGauge(prometheus.GaugeOpts{
			Name: "postrider_recovery_running_replays", Help: "Replays of endpoints that are not over, up to 20. Set by the leader.",
		}),
		oldestDue: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "postrider_recovery_oldest_due_seconds",
			Help: "How long the oldest due delivery has waited, by who holds it: none or a task. Set by the leader.",
		}, []string{"holder"}),
	}
	m.forget()
	return m
}

// forget sets what the leader alone measures to 0: from now on, or yet, it is
// another's to say.
func (m metrics) forget() {
	for _, g := range []prometheus.Gauge{m.leader, m.daysAhead, m.replays, m.oldestDue.WithLabelValues("none"), m.oldestDue.WithLabelValues("task")} {
		g.Set(0)
	}
}
