package fleet

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/postrider/postrider/internal/webhook"
)

// States of endpoints and of their breakers.
const (
	endpointActive   = "active"
	endpointDisabled = "disabled"
	breakerOpen      = "open"
	breakerFailing   = "failing" // it fails, and its breaker is closed yet
)

type metrics struct {
	workers                                   prometheus.Gauge
	held, breakers, endpoints, tasks, latency *prometheus.GaugeVec
}

func newMetrics(reg prometheus.Registerer) metrics {
	f := promauto.With(reg) // a nil Registerer registers nowhere
	vec := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return f.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help + " Set by the leader."}, labels)
	}
	return metrics{
		workers:   f.NewGauge(prometheus.GaugeOpts{Name: "postrider_fleet_workers", Help: "Workers that live. Set by the leader."}),
		held:      vec("postrider_fleet_held_deliveries", "Deliveries that are held, by reason; 10,000 are looked at.", "reason"),
		breakers:  vec("postrider_fleet_breakers", "Endpoints whose breaker is open, and others that fail.", "state"),
		endpoints: vec("postrider_fleet_endpoints", "Endpoints that are active, and disabled.", "state"),
		tasks:     vec("postrider_fleet_queue_tasks", "Tasks in Redis, by queue and state. One carries up to 50 deliveries.", "queue", "state"),
		latency:   vec("postrider_fleet_queue_latency_seconds", "How long the oldest pending task of a queue waits.", "queue"),
	}
}

// zero sets every series that there will be to 0.
func (m metrics) zero(queues, states []string) {
	for _, reason := range webhook.HeldReasons() {
		m.held.WithLabelValues(reason).Set(0)
	}
	for _, state := range []string{breakerOpen, breakerFailing} {
		m.breakers.WithLabelValues(state).Set(0)
	}
	for _, state := range []string{endpointActive, endpointDisabled} {
		m.endpoints.WithLabelValues(state).Set(0)
	}
	for _, queue := range queues {
		m.latency.WithLabelValues(queue).Set(0)
		for _, state := range states {
			m.tasks.WithLabelValues(queue, state).Set(0)
		}
	}
}
