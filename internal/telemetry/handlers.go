package telemetry

import (
	"encoding/json"
	"net/http"
	"net/http/pprof"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// LiveHandler answers /healthz: 200 as long as the process can answer at all.
func LiveHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
	})
}

// ReadyHandler answers /readyz: 200 when ready, else 503, with a Report.
func ReadyHandler(checks *Checks) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		report := checks.Report(r.Context())
		status := http.StatusOK
		if !report.Ready() {
			status = http.StatusServiceUnavailable
		}
		writeJSON(w, status, report)
	})
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	// The only failure left is a client that went away.
	_ = json.NewEncoder(w).Encode(body)
}

// newMux routes the metrics listener. The pprof package also registers itself on
// http.DefaultServeMux, which nothing of ours serves.
func newMux(gatherer prometheus.Gatherer, checks *Checks) *http.ServeMux {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(gatherer, promhttp.HandlerOpts{
		// One collector that fails must not blind us to all the others.
		ErrorHandling: promhttp.ContinueOnError,
		// Exemplars are in this format only; who does not ask for it gets the other.
		EnableOpenMetrics: true,
	}))
	mux.Handle("GET /healthz", LiveHandler())
	mux.Handle("GET /readyz", ReadyHandler(checks))
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", denyCommandLine)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("POST /debug/pprof/symbol", pprof.Symbol) // as go tool pprof does
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}

// denyCommandLine stands in for pprof.Cmdline, which would print --secrets.key.
func denyCommandLine(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, "the command line may hold secrets and is not shown", http.StatusForbidden)
}
