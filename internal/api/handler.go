package api

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

const requestIDHeader = "X-Request-ID"

// answerRecorder remembers what was answered, for metrics and for panics.
type answerRecorder struct {
	http.ResponseWriter
	status int
	route  string // set by the route that ran
	// streams: the answer took as long as its reader wanted, which is no figure.
	streams bool
}

func (w *answerRecorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *answerRecorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (w *answerRecorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// outermost is around every request: its id, its figures, and a problem
// instead of a dropped connection when a handler panics.
func (s *server) outermost() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := s.cfg.Now()
		rec := &answerRecorder{ResponseWriter: w, route: routeNone}
		w.Header().Set(requestIDHeader, s.requestID(r))
		s.metrics.inFlight.Inc()
		defer s.metrics.inFlight.Dec()
		defer func() {
			if p := recover(); p != nil {
				s.panicked(rec, r, p)
			}
			drain(rec, r)
			s.metrics.count(rec.route, rec.status)
			s.logRequest(rec, r, s.cfg.Now().Sub(began))
			if !rec.streams {
				s.metrics.observe(rec.route, s.cfg.Now().Sub(began))
			}
		}()
		if !isClean(r.URL.EscapedPath()) {
			// The mux would redirect, which no client of an API expects.
			s.noRoute(rec, r)
			return
		}
		s.mux.ServeHTTP(rec, r)
	})
}

// logRequest is at level debug: thousands of them a second say little and cost much.
func (s *server) logRequest(rec *answerRecorder, r *http.Request, took time.Duration) {
	if !s.cfg.Logger.Enabled(r.Context(), slog.LevelDebug) {
		return
	}
	s.cfg.Logger.LogAttrs(r.Context(), slog.LevelDebug, "request",
		slog.String("request_id", rec.Header().Get(requestIDHeader)), slog.String("method", r.Method), slog.String("route", rec.route),
		slog.Int("status", rec.status), slog.Int64("duration_ms", took.Milliseconds()))
}

func (s *server) panicked(rec *answerRecorder, r *http.Request, p any) {
	if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(p)
	}
	err := fmt.Errorf("panic: %v\n%s", p, debug.Stack())
	if rec.status == 0 {
		s.fail(rec, r, err)
		return
	}
	s.cfg.Logger.ErrorContext(r.Context(), "request failed after its answer had begun",
		"request_id", rec.Header().Get(requestIDHeader), "error", err)
}

// requestID is the caller's, where it is fit for a log, else a new one.
func (s *server) requestID(r *http.Request) string {
	id := r.Header.Get(requestIDHeader)
	if len(id) == 0 || len(id) > 128 {
		return "req_" + webhook.NewID(s.cfg.Now()).String()
	}
	for i := range len(id) {
		if c := id[i]; c <= ' ' || c > '~' || c == '"' || c == '\\' || c == '<' {
			return "req_" + webhook.NewID(s.cfg.Now()).String()
		}
	}
	return id
}

func isClean(p string) bool {
	if p == "/" {
		return true
	}
	// TrimSuffix makes // clean, and Clean the * of GET *.
	return strings.HasPrefix(p, "/") && p != "//" && path.Clean(p) == strings.TrimSuffix(p, "/")
}

// maxDrainBytes and maxDrainTime bound what is read of a refused body. A
// connection closed on a client that is still sending is reset, and the client
// never sees why it was refused.
const (
	maxDrainBytes = 16 << 20
	maxDrainTime  = 2 * time.Second
)

func drain(rec *answerRecorder, r *http.Request) {
	if rec.status < http.StatusBadRequest || r.Body == nil || r.Body == http.NoBody || r.Header.Get("Expect") != "" {
		return
	}
	rc := http.NewResponseController(rec)
	if rc.Flush() != nil || rc.SetReadDeadline(time.Now().Add(maxDrainTime)) != nil {
		return // not a connection of net/http's: nothing to bound it with
	}
	if n, err := io.CopyN(io.Discard, r.Body, maxDrainBytes); n == maxDrainBytes || !errors.Is(err, io.EOF) {
		return // too much or too slow: the connection ends
	}
	_ = rc.SetReadDeadline(time.Time{}) // worked a moment ago
}

// noRoute answers for what no route has: 405 when other methods have one.
func (s *server) noRoute(w http.ResponseWriter, r *http.Request) {
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		probe := http.Request{Method: method, URL: r.URL, Host: r.Host}
		if _, pattern := s.mux.Handler(&probe); isClean(r.URL.EscapedPath()) && pattern != "/" && pattern != "" {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) == 0 {
		s.fail(w, r, webhook.Errorf(webhook.CodeNotFound, "there is no route %s", strconv.Quote(r.URL.Path)))
		return
	}
	list := strings.Join(allowed, ", ")
	w.Header().Set("Allow", list)
	s.fail(w, r, webhook.Errorf(webhook.CodeMethod, "this path takes %s", list))
}
