package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
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
	// lanes get a quarter each, and a lane's shards equal parts of it. Default 256.
	// A task is a chunk, so the number of requests is bounded elsewhere.
	Concurrency int
	// ShutdownTimeout is how long Stop waits for running tasks. It must be above
	// the longest timeout of an endpoint. Default 75s.
	ShutdownTimeout time.Duration
	// Logger is where problems go. Default nowhere.
	Logger *slog.Logger
}

// Servers take tasks out of Redis: one asynq server a queue, because one server
// with several queues is slower and lets one lane fill another's slots. For the same
// reason no shard of a lane can take another's workers.
type Servers struct {
	redis   *Redis
	cfg     ServerConfig
	handler asynq.Handler
	client  redis.UniversalClient
	gate    *gate

	quiet, stop sync.Once
	quit        chan struct{} // closed by StopTaking
	finder      sync.WaitGroup

	// servers and what they serve grow while the finder runs, and are its own then.
	servers []*asynq.Server
	serves  map[shard]bool
}

// moreEvery is how often it is looked for queues that have become known.
const moreEvery = time.Second

// retryUnknown is how soon a task returns whose handler could not look at it,
// for instance because Postgres is away.
const retryUnknown = 5 * time.Second

// NewServers makes the servers; Start runs them.
func NewServers(r *Redis, handle Handler, cfg ServerConfig) *Servers {
	if cfg.Concurrency <= 0 {
		cfg.Concurrency = 256
	}
	if cfg.ShutdownTimeout <= 0 {
		cfg.ShutdownTimeout = 75 * time.Second
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Servers{redis: r, cfg: cfg, serves: make(map[shard]bool), quit: make(chan struct{})}
	s.handler = asynq.HandlerFunc(func(ctx context.Context, t *asynq.Task) error {
		id, _ := asynq.GetTaskID(ctx)
		chunk, err := decodeChunk(id, t.Payload())
		if err != nil {
			// A payload of another release. Its rows still name the task, which
			// is gone when this returns: audit puts them back.
			cfg.Logger.Error("task dropped: its payload can't be read", "task", id, "error", err)
			return nil
		}
		return handle(ctx, chunk)
	})
	// A pool of their own, for the gate before it, with a connection for each that waits.
	s.client = r.dial(len(r.queues.own))
	s.gate = &gate{redis: r, pause: refusedPause, bells: newBells(s.client, r.queues.own)}
	s.client.AddHook(s.gate)
	for _, q := range r.queues.own {
		s.add(q)
	}
	return s
}

// add makes the server of a queue. One that is only being emptied has no bell.
func (s *Servers) add(q shard) *asynq.Server {
	concurrency, interval := s.cfg.Concurrency, afterNothing
	if q.lane != webhook.LaneDeliver {
		concurrency /= 4
	}
	if !slices.Contains(s.redis.queues.own, q) {
		interval = bellPatience
	}
	srv := asynq.NewServerFromRedisClient(s.client, asynq.Config{
		Concurrency:              max(concurrency/int(s.redis.shards), 1),
		Queues:                   map[string]int{q.name(): 1},
		TaskCheckInterval:        interval,
		DelayedTaskCheckInterval: 500 * time.Millisecond,
		ShutdownTimeout:          s.cfg.ShutdownTimeout,
		RetryDelayFunc:           retryDelay(s.redis.clock),
		Logger:                   asynqLogger{s.cfg.Logger},
		LogLevel:                 asynq.WarnLevel,
	})
	s.servers, s.serves[q] = append(s.servers, srv), true
	return srv
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
	s.finder.Go(s.findMore)
	return nil
}

// findMore serves also what was put into other queues than this process's shards, now
// or in the past: by processes with another redis.shards.
func (s *Servers) findMore() {
	tick := time.NewTicker(moreEvery)
	defer tick.Stop()
	for {
		s.serveMore()
		select {
		case <-tick.C:
		case <-s.quit:
			return
		}
	}
}

func (s *Servers) serveMore() {
	for _, q := range s.redis.queues.all() {
		if s.serves[q] {
			continue
		}
		s.cfg.Logger.Info("there are tasks of another number of shards: they are served, too", "queue", q.name())
		if err := s.add(q).Start(s.handler); err != nil {
			s.cfg.Logger.Error("a queue is not served", "queue", q.name(), "error", err)
		}
	}
}

// StopTaking ends the taking of new tasks; running ones go on.
func (s *Servers) StopTaking() {
	s.quiet.Do(func() { close(s.quit) })
	s.finder.Wait()
	s.each((*asynq.Server).Stop)
}

// Stop waits for running tasks, at most ShutdownTimeout, and ends the servers.
func (s *Servers) Stop() {
	s.stop.Do(func() {
		s.StopTaking()
		s.each((*asynq.Server).Shutdown)
		_ = s.client.Close() // nothing is left in it
	})
}

// each does something with all servers side by side: it takes them a while.
func (s *Servers) each(do func(*asynq.Server)) {
	var wg sync.WaitGroup
	for _, srv := range s.servers {
		wg.Go(func() { do(srv) })
	}
	wg.Wait()
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
