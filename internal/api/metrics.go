package api

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// routeNone is what is counted where no route matched, and for the pages beside them.
const routeNone = "none"

type metrics struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	inFlight prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer) metrics {
	m := metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "postrider_api_requests_total",
			Help: `Requests by route ("none" where no route matched, and for /docs, /openapi.json and /healthz) and HTTP status.`,
		}, []string{"route", "code"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "postrider_api_request_duration_seconds",
			Help:    "Time from the request's headers to the end of its answer, by route.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
		}, []string{"route"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "postrider_api_in_flight", Help: "Requests that are being answered, streams and those that wait included.",
		}),
	}
	reg.MustRegister(m.requests, m.duration, m.inFlight)
	m.expect(routeNone, http.StatusOK, http.StatusNotModified, http.StatusNotFound, http.StatusMethodNotAllowed)
	return m
}

// expect makes a route's series: a rate needs the zero before the first.
func (m metrics) expect(route string, statuses ...int) {
	m.duration.WithLabelValues(route)
	for _, status := range statuses {
		m.requests.WithLabelValues(route, strconv.Itoa(status))
	}
}

// expectRoute is expect with all that the route is described to answer.
func (m metrics) expectRoute(rt *route) {
	statuses := []int{rt.status}
	for status := range rt.also {
		statuses = append(statuses, status)
	}
	for status := range rt.other {
		statuses = append(statuses, status)
	}
	for _, code := range rt.allCodes() {
		statuses = append(statuses, kindOf(code).status)
	}
	m.expect(rt.method+" "+rt.path, statuses...)
}

func (m metrics) count(route string, status int) {
	m.requests.WithLabelValues(route, strconv.Itoa(status)).Inc()
}

func (m metrics) observe(route string, took time.Duration) {
	m.duration.WithLabelValues(route).Observe(took.Seconds())
}
