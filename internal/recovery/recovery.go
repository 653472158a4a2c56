// Package recovery is the scheduler: it puts into Redis what Postgres alone
// knows to be due, takes back what got stuck there, notices when Redis lost its
// memory, lets parked deliveries go, and makes and ends the days' partitions.
// Nothing it does is needed for a promise twice: every state change is fenced in
// Postgres, so two schedulers at once are slower, never wrong.
package recovery

import (
	"context"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/postrider/postrider/internal/webhook"
)

// Config of a Scheduler; zero values are defaults.
type Config struct {
	Logger     *slog.Logger
	Registerer prometheus.Registerer
	// Holder names this process in the lease. Default: the host's name and a
	// random id. It must be nobody else's.
	Holder string
	// HighWater is how many tasks may wait in Redis before feed pauses. Default
	// 2000: with full chunks a hundred thousand deliveries, some 10 s of work for
	// a worker, in 10 MB of feed's chunks or at most 128 MB of the API's.
	HighWater int
	// DisableAfter is how long an endpoint fails before it is disabled, if it failed
	// 20 times in a row at least. Default 5 days.
	DisableAfter time.Duration
	// KeepDeliveries is how long whole days are kept. Default 30 days.
	KeepDeliveries time.Duration
	// KeepPayloads is how long the events' bodies are. Default and maximum:
	// KeepDeliveries.
	KeepPayloads time.Duration
	// DaysAhead is how many days have their partitions made beforehand. Default 14.
	DaysAhead int
	// Services run beside the scheduler's own while it leads. Default none.
	Services []Service
	Now      func() time.Time
}

func (cfg *Config) setDefaults() {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Holder == "" {
		host, _ := os.Hostname() // only to be read by people
		cfg.Holder = host + "-" + webhook.NewID(cfg.Now()).String()
	}
	if cfg.HighWater <= 0 {
		cfg.HighWater = 2000
	}
	if cfg.DisableAfter <= 0 {
		cfg.DisableAfter = 5 * 24 * time.Hour
	}
	if cfg.KeepDeliveries <= 0 {
		cfg.KeepDeliveries = 30 * 24 * time.Hour
	}
	if cfg.KeepPayloads <= 0 || cfg.KeepPayloads > cfg.KeepDeliveries {
		cfg.KeepPayloads = cfg.KeepDeliveries
	}
	if cfg.DaysAhead <= 0 {
		cfg.DaysAhead = 14
	}
}

// Scheduler runs the services while it leads. Make it with New, then Start.
type Scheduler struct {
	postgres Postgres
	redis    Redis
	cfg      Config
	metrics  metrics

	mu     sync.Mutex
	cancel context.CancelFunc // nil before Start and after Stop
	done   chan struct{}
}

// New makes a Scheduler.
func New(postgres Postgres, redis Redis, cfg Config) *Scheduler {
	cfg.setDefaults()
	s := &Scheduler{postgres: postgres, redis: redis, cfg: cfg, metrics: newMetrics(cfg.Registerer)}
	s.services(0) // only for their counters, which are there from the start then
	return s
}

// Start begins to seek leadership. Neither Postgres nor Redis has to be there.
func (s *Scheduler) Start() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cancel != nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	s.cancel, s.done = cancel, done
	go func() {
		defer close(done)
		s.seek(ctx)
	}()
}

// Stop ends the services and lets another scheduler lead at once. It returns
// when everything has ended.
func (s *Scheduler) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cancel == nil {
		return
	}
	s.cancel()
	<-s.done
	s.cancel = nil
}

// Run is Start, and Stop when ctx ends.
func (s *Scheduler) Run(ctx context.Context) {
	s.Start()
	<-ctx.Done()
	s.Stop()
}
