package telemetry

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

func startServer(t *testing.T, checks *Checks) *Server {
	t.Helper()
	s := NewServer("127.0.0.1:0", NewRegistry("worker", "1.2.3"), checks, ServerConfig{})
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s
}

// get uses a client without keep-alive, so that no connection outlives the test.
func get(t *testing.T, method, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func TestServer(t *testing.T) {
	t.Parallel()
	checks := NewChecks()
	checks.Require("postgres", failing("refused"))
	base := "http://" + startServer(t, checks).Addr()

	tests := map[string]struct {
		method, path string
		code         int
		body         string
	}{
		"MetricsHoldTheBuild":             {"GET", "/metrics", 200, `postrider_build_info{goversion="go`},
		"MetricsNameRoleAndVersion":       {"GET", "/metrics", 200, `role="worker",version="1.2.3"} 1`},
		"MetricsHoldTheRuntime":           {"GET", "/metrics", 200, "go_goroutines "},
		"HealthIsOKThoughNotReady":        {"GET", "/healthz", 200, `{"status":"ok"}`},
		"HealthAnswersHEAD":               {"HEAD", "/healthz", 200, ""},
		"ReadyTellsTheFailedCheck":        {"GET", "/readyz", 503, `"postgres":{"status":"failed","error":"refused"}`},
		"ReadyRefusesPOST":                {"POST", "/readyz", 405, ""},
		"ProfilesAreListed":               {"GET", "/debug/pprof/", 200, "goroutine"},
		"GoroutineProfileIsServed":        {"GET", "/debug/pprof/goroutine?debug=1", 200, "goroutine profile:"},
		"CommandLineIsRefusedForItsFlags": {"GET", "/debug/pprof/cmdline", 403, "secrets"},
		"NothingElseIsServed":             {"GET", "/", 404, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, body := get(t, tt.method, base+tt.path)
			if code != tt.code || !strings.Contains(body, tt.body) {
				t.Errorf("%s %s: %d, body without %q:\n%.500s", tt.method, tt.path, code, tt.body, body)
			}
		})
	}
}

func TestServer_StartAndShutdownAreIdempotent(t *testing.T) {
	t.Parallel()
	s := startServer(t, NewChecks())
	addr := s.Addr()
	if err := s.Start(t.Context()); err != nil || s.Addr() != addr {
		t.Errorf("second Start: %v, address %s, want %s", err, s.Addr(), addr)
	}
	for range 2 {
		if err := s.Shutdown(t.Context()); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
	}
	if err := s.Start(t.Context()); err == nil {
		t.Error("Start after Shutdown succeeded")
	}
}

func TestServer_ShutdownBeforeStartDoesNothing(t *testing.T) {
	t.Parallel()
	s := NewServer("127.0.0.1:0", prometheus.NewRegistry(), NewChecks(), ServerConfig{})
	if s.Addr() != "" {
		t.Errorf("address %q before Start", s.Addr())
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestServer_StartNamesTheAddressThatIsTaken(t *testing.T) {
	t.Parallel()
	addr := startServer(t, NewChecks()).Addr()
	second := NewServer(addr, prometheus.NewRegistry(), NewChecks(), ServerConfig{})
	if err := second.Start(t.Context()); err == nil || !strings.Contains(err.Error(), addr) {
		t.Errorf("error %v does not name %s", err, addr)
	}
}

func TestServer_ShutdownCutsOffWhatOutlivesItsContext(t *testing.T) {
	t.Parallel()
	entered, release := make(chan struct{}), make(chan struct{})
	checks := NewChecks()
	checks.Require("stuck", func(context.Context) error { close(entered); <-release; return nil })
	s := NewServer("127.0.0.1:0", prometheus.NewRegistry(), checks, ServerConfig{})
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		if resp, err := client.Get("http://" + s.Addr() + "/readyz"); err == nil {
			resp.Body.Close()
		}
	}()
	<-entered

	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Shutdown(over); err == nil || !strings.Contains(err.Error(), "stuck") {
		t.Errorf("Shutdown returned %v, want an error that names the check", err)
	}
	close(release)
	<-answered
}
