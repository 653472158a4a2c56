package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// Bounds on what one client can hold, and for how long: a client that dawdles has
// a connection, not more, and not for ever.
const (
	headerTimeout = 10 * time.Second
	readTimeout   = time.Minute // a large body has less: see internal/api
	idleTimeout   = 2 * time.Minute
	// writeTimeout is for the whole exchange: above the longest handler (150 s, of
	// two requests that take an endpoint's whole timeout), and above readTimeout and
	// any other handler with what a slow reader needs for the largest answer.
	writeTimeout   = 3 * time.Minute
	maxHeaderBytes = 32 << 10
	// maxAPIConns is how many connections there may be; an idle one takes 20 KiB.
	maxAPIConns = 4096
)

// httpServer is the API's listener.
type httpServer struct {
	listen string
	srv    *http.Server
	lis    net.Listener
	// listening is read by health checks while start runs.
	listening atomic.Bool
	logger    *slog.Logger
	done      chan struct{}
}

// newHTTPServer makes one; draining says that the process is about to stop.
func newHTTPServer(listen string, handler http.Handler, draining func() bool, logger *slog.Logger) *httpServer {
	return &httpServer{listen: listen, logger: logger, done: make(chan struct{}), srv: &http.Server{
		Handler:           sendAway(handler, draining),
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}}
}

// sendAway ends a connection with its answer once the process drains. One that is
// closed while it is idle may have a request on its way, which fails then.
func sendAway(next http.Handler, draining func() bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if draining() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

func (s *httpServer) start(ctx context.Context) error {
	var lc net.ListenConfig
	lis, err := lc.Listen(ctx, "tcp", s.listen)
	if err != nil {
		return fmt.Errorf("api.listen: %w", err)
	}
	s.lis = lis
	s.listening.Store(true)
	go func() {
		defer close(s.done)
		if err := s.srv.Serve(newBoundedListener(lis, maxAPIConns)); !errors.Is(err, http.ErrServerClosed) {
			s.logger.Error("the api stopped serving", "error", err)
		}
	}()
	return nil
}

// ready keeps the process from being ready before it takes requests: its metrics
// listener, where that is asked, comes first.
func (s *httpServer) ready(context.Context) error {
	if !s.listening.Load() {
		return errors.New("the API does not listen yet")
	}
	return nil
}

func (s *httpServer) stop(ctx context.Context) {
	if s.lis == nil {
		return
	}
	if err := s.srv.Shutdown(ctx); err != nil {
		s.srv.Close()
	}
	<-s.done
}

func (s *httpServer) addr() string { return s.lis.Addr().String() }
