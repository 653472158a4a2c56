package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/postrider/postrider/internal/webhook"
)

// Handler runs a chunk. It returns nil once every member's outcome is in
// Postgres. An error that has RetryIn() asks for the same task again after that
// long; any other error means the chunk could not be looked at, and it comes
// back soon.
type Handler func(ctx context.Context, chunk webhook.Chunk) error

// ServerConfig of Servers; zero values are defaults.
type ServerConfig struct {
	// Concurrency is how many tasks of the deliver lane run at once; the other
	// lanes get a quarter each. Default 256. A task is a chunk, so the number of
	// requests is bounded elsewhere.
	Concurrency int
	// CheckInterval is how long the deliver lane waits when it found nothing.
	// It decides the latency of an idle system, at 7 % of a core. Default 5ms.
	CheckInterval time.Duration
	// ShutdownTimeout is how long Stop waits for running tasks. It must be above
	// the longest timeout of an endpoint. Default 75s.
	ShutdownTimeout time.Duration
	// Logger is where problems go. Default nowhere.
	Logger *slog.Logger
}

// Servers take tasks out of Redis: one asynq server a lane, because one server
// with several queues is slower and lets one lane fill another's slots.
type Servers struct {
	servers []*asynq.Server
	handler asynq.Handler
	client  redis.UniversalClient
	gate    *gate
	stop    sync.Once
}

// retryUnknown is how soon a task returns whose handler could not look at it,
// for instance because Postgres is away.
const retryUnknown = 5 * time.Second

// NewServers makes the servers; Start runs them.
func NewServers(r *Redis, handle Handler, cfg ServerConfig) *Servers {
	if cfg.Concurrency <= 0 {
		cfg.Concurrency = 256
	}
	if cfg.CheckInterval <= 0 {
		cfg.CheckInterval = 5 * time.Millisecond
	}
	if cfg.ShutdownTimeout <= 0 {
		cfg.ShutdownTimeout = 75 * time.Second
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Servers{handler: asynq.HandlerFunc(func(ctx context.Context, t *asynq.Task) error {
		id, _ := asynq.GetTaskID(ctx)
		chunk, err := decodeChunk(id, t.Payload())
		if err != nil {
			// A payload of another release. Its rows still name the task, which
			// is gone when this returns: audit puts them back.
			cfg.Logger.Error("task dropped: its payload can't be read", "task", id, "error", err)
			return nil
		}
		return handle(ctx, chunk)
	})}
	// A pool of their own, for the gate before it.
	s.client = r.dial()
	s.gate = &gate{redis: r, pause: refusedPause}
	s.client.AddHook(s.gate)
	for _, lane := range webhook.Lanes() {
		concurrency, interval := cfg.Concurrency, cfg.CheckInterval
		if lane != webhook.LaneDeliver {
			concurrency, interval = max(cfg.Concurrency/4, 1), 100*time.Millisecond
		}
		s.servers = append(s.servers, asynq.NewServerFromRedisClient(s.client, asynq.Config{
			Concurrency:              concurrency,
			Queues:                   map[string]int{queueName(lane): 1},
			TaskCheckInterval:        interval,
			DelayedTaskCheckInterval: 500 * time.Millisecond,
			ShutdownTimeout:          cfg.ShutdownTimeout,
			RetryDelayFunc:           retryDelay(r.clock),
			Logger:                   asynqLogger{cfg.Logger},
			LogLevel:                 asynq.WarnLevel,
		}))
	}
	return s
}

// retryDelay is asynq's RetryDelayFunc: the endpoint's schedule, as the handler
// worked it out. A lease that ran out means a worker died: at once.
func retryDelay(c *clock) asynq.RetryDelayFunc {
	return func(_ int, err error, _ *asynq.Task) time.Duration {
		var later interface{ RetryIn() time.Duration }
		switch {
		case errors.As(err, &later):
			return c.delay(later.RetryIn())
		case errors.Is(err, asynq.ErrLeaseExpired):
			return 0
		default:
			return c.delay(retryUnknown)
		}
	}
}

// Start begins to take tasks.
func (s *Servers) Start() error {
	s.gate.open(context.Background()) // all lanes' first errands come at once
	for _, srv := range s.servers {
		if err := srv.Start(s.handler); err != nil {
			return fmt.Errorf("start asynq server: %w", err)
		}
	}
	return nil
}

// StopTaking ends the taking of new tasks; running ones go on.
func (s *Servers) StopTaking() {
	for _, srv := range s.servers {
		srv.Stop()
	}
}

// Stop waits for running tasks, at most ShutdownTimeout, and ends the servers.
func (s *Servers) Stop() {
	s.stop.Do(func() {
		var wg sync.WaitGroup
		for _, srv := range s.servers {
			wg.Go(srv.Shutdown)
		}
		wg.Wait()
		_ = s.client.Close() // nothing is left in it
	})
}

// asynqLogger sends asynq's words to slog, a level down: what it calls an error
// is a Redis that is away, which readiness reports.
type asynqLogger struct{ l *slog.Logger }

func (a asynqLogger) log(level slog.Level, args []any) {
	a.l.Log(context.Background(), level, "asynq", "detail", fmt.Sprint(args...))
}
func (a asynqLogger) Debug(args ...any) { a.log(slog.LevelDebug, args) }
func (a asynqLogger) Info(args ...any)  { a.log(slog.LevelDebug, args) }
func (a asynqLogger) Warn(args ...any)  { a.log(slog.LevelInfo, args) }
func (a asynqLogger) Error(args ...any) { a.log(slog.LevelWarn, args) }

// Fatal is asynq's for a server that can't go on; it must not end the process
// behind our back, which owes its recorder a flush.
func (a asynqLogger) Fatal(args ...any) { a.log(slog.LevelError, args) }
