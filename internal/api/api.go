package api

import (
	"crypto/sha256"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Deps is what the API stands on; every field is required.
type Deps struct {
	Workspaces  Workspaces
	Keys        Keys
	PortalLinks PortalLinks
	Endpoints   Endpoints
	Events      Events
	Deliveries  Deliveries
	Replays     Replays
	Stats       Stats
	CatchUp     CatchUp
	Streams     Streams
	Explainer   Explainer
	EventTypes  EventTypes
	Schemas     Schemas
	Idempotency Idempotency
	AuditLog    AuditLog
	Accepter    Accepter
	Waits       Waits
	Tester      Tester
	URLs        URLPolicy
	Queues      Queues
}

// Config of the API. AdminKey is required; the zero value of every other field
// is a default.
type Config struct {
	// AdminKey is the bearer key that may do everything.
	AdminKey string
	// RateLimits bound each key's requests. Default none.
	RateLimits RateLimits
	// Defaults are shown for endpoints that have no policy of their own.
	Defaults Defaults
	// Timeout bounds one request, the test of an endpoint apart. Default 10s.
	Timeout time.Duration
	// BaseURL is where people reach the console by which a request came. Default: the
	// request's own host, by http or https as it came.
	BaseURL func(*http.Request) string
	// MaxDelay is how far ahead a deliver_at may be. Default 14 days.
	MaxDelay time.Duration
	// ListsLag: lists may come from a replica. They show each caller its own changes
	// nevertheless, as far as they were made through this process.
	ListsLag bool
	// Version is shown in the description. Default "dev".
	Version    string
	Logger     *slog.Logger          // default: discards
	Registerer prometheus.Registerer // default: a registry of its own
	Now        func() time.Time
}

// Defaults are the deployment's delivery policy.
type Defaults struct {
	Timeout       time.Duration   // default 10s
	RetrySchedule []time.Duration // default 1m, 5m, 30m; empty but not nil: no retry
	MaxInFlight   int             // default 64
}

func (c Config) withDefaults() Config {
	if c.Defaults.Timeout <= 0 {
		c.Defaults.Timeout = 10 * time.Second
	}
	if c.Defaults.RetrySchedule == nil {
		c.Defaults.RetrySchedule = []time.Duration{time.Minute, 5 * time.Minute, 30 * time.Minute}
	}
	if c.Defaults.MaxInFlight <= 0 {
		c.Defaults.MaxInFlight = 64
	}
	if c.Timeout <= 0 {
		c.Timeout = 10 * time.Second
	}
	if c.MaxDelay <= 0 {
		c.MaxDelay = 14 * 24 * time.Hour
	}
	if c.BaseURL == nil {
		c.BaseURL = ownURL
	}
	if c.Version == "" {
		c.Version = "dev"
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Registerer == nil {
		c.Registerer = prometheus.NewRegistry()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// server holds what handlers share.
type server struct {
	Deps
	cfg     Config
	auth    *authenticator
	room    *room
	metrics metrics
	writers *writers // nil where lists do not lag
	mux     *http.ServeMux
}

// API is the handler, and what the console asks beside it.
type API struct {
	http.Handler
	// CheckKey finds out whose key it is, as for a request.
	CheckKey CheckKey
}

// New makes the API's handler. The http.Server it runs in should bound the time
// for reading a request: nothing here does.
func New(deps Deps, cfg Config) (*API, error) {
	if cfg.AdminKey == "" {
		return nil, errors.New("api.admin_key is not set")
	}
	s := newServer(deps, cfg.withDefaults())
	if err := s.mountAll(); err != nil {
		return nil, err
	}
	return &API{Handler: s.outermost(), CheckKey: s.checkKey}, nil
}

func newServer(deps Deps, cfg Config) *server {
	var ws *writers
	if cfg.ListsLag {
		ws = &writers{}
	}
	return &server{
		writers: ws, Deps: deps, cfg: cfg, metrics: newMetrics(cfg.Registerer), mux: http.NewServeMux(), room: newRoom(),
		auth: newAuthenticator(sha256.Sum256([]byte(cfg.AdminKey)), deps.Keys, cfg.Now),
	}
}

func (s *server) mountAll() error {
	if err := s.mountDescription(s.mount()); err != nil {
		return err
	}
	for _, rt := range s.routes() {
		s.metrics.expectRoute(&rt)
	}
	s.mux.HandleFunc("GET /healthz", healthy)
	s.mux.HandleFunc("/", s.noRoute)
	return nil
}

// healthy answers as long as the process can answer at all.
func healthy(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}
