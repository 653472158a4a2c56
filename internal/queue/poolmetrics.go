package queue

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
)

// Pools of connections, as metrics call them.
const (
	poolShared  = "shared"  // commands, enqueueing, scripts
	poolServers = "servers" // asynq's servers
)

// poolMetrics reads a pool's figures, which it keeps in memory, when somebody looks.
type poolMetrics struct {
	client redis.UniversalClient

	connections                          *prometheus.Desc
	hits, misses, timeouts, waits, stale *prometheus.Desc
	waited                               *prometheus.Desc
}

func newPoolMetrics(pool string, client redis.UniversalClient) *poolMetrics {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("postrider_queue_redis_pool_"+name, help, labels, prometheus.Labels{"pool": pool})
	}
	return &poolMetrics{
		client:      client,
		connections: desc("connections", "Connections to Redis, by pool and state (idle, in_use).", "state"),
		hits:        desc("hits_total", "Times a connection was free in the pool."),
		misses:      desc("misses_total", "Times none was free."),
		timeouts:    desc("timeouts_total", "Times none became free in time."),
		waits:       desc("waits_total", "Times a connection was waited for."),
		waited:      desc("wait_seconds_total", "Time that connections were waited for."),
		stale:       desc("stale_connections_total", "Connections removed from the pool because they were dead or too old."),
	}
}

// Describe implements prometheus.Collector.
func (m *poolMetrics) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(m, ch) }

// Collect implements prometheus.Collector.
func (m *poolMetrics) Collect(ch chan<- prometheus.Metric) {
	s := m.client.PoolStats()
	gauge := func(state string, n uint32) {
		ch <- prometheus.MustNewConstMetric(m.connections, prometheus.GaugeValue, float64(n), state)
	}
	gauge("idle", s.IdleConns)
	gauge("in_use", s.TotalConns-min(s.IdleConns, s.TotalConns))
	counter := func(d *prometheus.Desc, v float64) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v)
	}
	counter(m.hits, float64(s.Hits))
	counter(m.misses, float64(s.Misses))
	counter(m.timeouts, float64(s.Timeouts))
	counter(m.waits, float64(s.WaitCount))
	counter(m.waited, float64(s.WaitDurationNs)/1e9)
	counter(m.stale, float64(s.StaleConns))
}

// Collector has the figures of the pool that everybody but the servers shares.
func (r *Redis) Collector() prometheus.Collector { return newPoolMetrics(poolShared, r.client) }

// Collector has the figures of the servers' own pool.
func (s *Servers) Collector() prometheus.Collector { return newPoolMetrics(poolServers, s.client) }
