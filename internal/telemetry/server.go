package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Server serves /metrics, /healthz, /readyz and /debug/pprof/ on a listener of
// their own, away from customers.
type Server struct {
	listen string
	checks *Checks
	logger *slog.Logger
	http   *http.Server

	mu       sync.Mutex
	listener net.Listener  // nil before Start
	served   chan struct{} // closed when the serving goroutine has ended
	stopped  bool
}

// ServerConfig holds what a Server can do without.
type ServerConfig struct {
	// Logger hears when serving fails. The zero value discards.
	Logger *slog.Logger
}

// NewServer makes a server for the address listen (host:port, port 0 picks one).
func NewServer(listen string, gatherer prometheus.Gatherer, checks *Checks, cfg ServerConfig) *Server {
	logger := cfg.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	return &Server{
		listen: listen,
		checks: checks,
		logger: logger,
		// No WriteTimeout: a CPU profile takes as long as its reader asks for.
		http: &http.Server{
			Handler:           newMux(gatherer, checks),
			ReadHeaderTimeout: 5 * time.Second,
			ReadTimeout:       10 * time.Second,
			IdleTimeout:       2 * time.Minute,
			ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
		},
	}
}

// Start listens and serves in the background. When it returns nil the address is
// taken and Addr knows it. A second Start does nothing; one after Shutdown fails.
func (s *Server) Start(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.stopped:
		return fmt.Errorf("start metrics listener %s: %w", s.listen, http.ErrServerClosed)
	case s.listener != nil:
		return nil
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", s.listen)
	if err != nil {
		return fmt.Errorf("start metrics listener %s: %w", s.listen, err)
	}
	s.listener, s.served = listener, make(chan struct{})
	go s.serve(listener, s.served)
	return nil
}

func (s *Server) serve(listener net.Listener, served chan<- struct{}) {
	defer close(served)
	if err := s.http.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		s.logger.Error("metrics listener failed", KeyError, err)
	}
}

// Addr is the address really listened on, or "" before Start.
func (s *Server) Addr() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener == nil {
		return ""
	}
	return s.listener.Addr().String()
}

// Shutdown stops listening and waits for requests and checks under way; when ctx
// ends first, it cuts them off and says so. A second Shutdown does nothing.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	served := s.served
	s.stopped = true
	s.mu.Unlock()

	err := s.http.Shutdown(ctx)
	if err != nil {
		err = errors.Join(fmt.Errorf("shut down metrics listener %s: %w", s.listen, err), s.http.Close())
	}
	if served != nil {
		<-served
	}
	return errors.Join(err, s.checks.Wait(ctx))
}
