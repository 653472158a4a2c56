package postgres

import (
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
)

// poolMetrics reads the pool's figures, which it keeps in memory, when somebody looks.
type poolMetrics struct {
	pool *pgxpool.Pool

	connections, most, closed                 *prometheus.Desc
	acquires, waited, canceled, waits, opened *prometheus.Desc
}

// Collector has the pool's figures.
func (db *DB) Collector() prometheus.Collector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("postrider_postgres_pool_"+name, help, labels, nil)
	}
	return &poolMetrics{
		pool:        db.pool,
		connections: desc("connections", "Connections to Postgres, by state (idle, in_use, opening).", "state"),
		most:        desc("max_connections", "Connections that this process may have."),
		acquires:    desc("acquires_total", "Times a connection was taken from the pool."),
		waited:      desc("waited_acquires_total", "Times none was free, and one was waited for."),
		canceled:    desc("canceled_acquires_total", "Times that somebody gave up waiting for one."),
		waits:       desc("wait_seconds_total", "Time that connections were waited for because none was free."),
		opened:      desc("opened_connections_total", "Connections opened."),
		closed:      desc("closed_connections_total", "Connections closed for their age or for having nothing to do.", "reason"),
	}
}

// Describe implements prometheus.Collector.
func (m *poolMetrics) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(m, ch) }

// Collect implements prometheus.Collector.
func (m *poolMetrics) Collect(ch chan<- prometheus.Metric) {
	s := m.pool.Stat()
	gauge := func(d *prometheus.Desc, n int32, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(n), labels...)
	}
	gauge(m.connections, s.IdleConns(), "idle")
	gauge(m.connections, s.AcquiredConns(), "in_use")
	gauge(m.connections, s.ConstructingConns(), "opening")
	gauge(m.most, s.MaxConns())
	counter := func(d *prometheus.Desc, n int64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
	}
	counter(m.acquires, s.AcquireCount())
	counter(m.waited, s.EmptyAcquireCount())
	counter(m.canceled, s.CanceledAcquireCount())
	counter(m.opened, s.NewConnsCount())
	counter(m.closed, s.MaxLifetimeDestroyCount(), "lifetime")
	counter(m.closed, s.MaxIdleDestroyCount(), "idle")
	ch <- prometheus.MustNewConstMetric(m.waits, prometheus.CounterValue, float64(s.EmptyAcquireWaitTime())/float64(time.Second))
}
