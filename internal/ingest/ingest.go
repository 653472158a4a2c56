// Package ingest accepts events: match, one commit for a whole group of
// callers, answer, enqueue. A 202 means that the event and its deliveries are
// committed; everything after the commit may fail without losing anything.
package ingest

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/postrider/postrider/internal/webhook"
)

// Subscriptions says which endpoints want what.
type Subscriptions interface {
	// Versions returns the versions of each workspace that exists, and the store's
	// time.
	Versions(ctx context.Context, ids []webhook.WorkspaceID) (map[webhook.WorkspaceID]webhook.Versions, time.Time, error)
	// Subscriptions returns each workspace's active endpoints; of them only ID,
	// Events and Filters are set.
	Subscriptions(ctx context.Context, ids []webhook.WorkspaceID) (map[webhook.WorkspaceID][]webhook.Endpoint, error)
}

// Store commits groups.
type Store interface {
	// Commit writes the group in one transaction. An event whose external id was
	// taken before is left out, with its deliveries, and returned by the id it
	// would have had, as the event that has it. Deliveries with an ordering key that
	// are behind others of it are marked as waiting, and their rows name no task.
	// An event whose idempotency key somebody has is left out, too, and returned as
	// the zero Event.
	// It is unavailable for a group whose ids are older than webhook.MaxAcceptTime
	// by the store's time: whoever reads in the order of ids may be past them.
	Commit(ctx context.Context, g *webhook.Group) (duplicates map[webhook.ID]webhook.Event, err error)
	// Taken returns those of the keys that somebody has.
	Taken(ctx context.Context, keys []webhook.IdempotencyKey) (map[webhook.IdempotencyKey]bool, error)
	// Find returns an accepted event by our own id.
	Find(ctx context.Context, ws webhook.WorkspaceID, id webhook.ID) (webhook.Event, error)
	// Release takes deliveries back from tasks that did not reach Redis, so that
	// the scheduler's feed has them at once.
	Release(ctx context.Context, chunks []webhook.Chunk) error
}

// Queue is where committed deliveries are announced.
type Queue interface {
	// Enqueue returns with an error those that are not known to be announced.
	Enqueue(ctx context.Context, chunks []webhook.Chunk) (left []webhook.Chunk, err error)
	// Waiting is how many tasks wait, by lane.
	Waiting(ctx context.Context) (map[webhook.Lane]int, error)
}

// Config of an Ingester; zero values are defaults.
type Config struct {
	// Logger is where problems go. Default nowhere.
	Logger     *slog.Logger
	Registerer prometheus.Registerer
	// MaxWait bounds how long an event waits for its group, and three times as long
	// while others' are being committed. Default 2s.
	MaxWait time.Duration
	// HighWater is how many tasks may wait in Redis, of the bulk lane and of the
	// others, before new deliveries stay
	// in Postgres alone. Default 2000: a hundred thousand deliveries.
	HighWater int
	// Shards is into how many queues tasks are spread. Default 1.
	Shards webhook.Shards
	// IndexBytes bounds the memory of the endpoint index, as estimated. Default 32 MiB.
	IndexBytes int
	// Types holds events against their types' schemas. Default nil: none is.
	Types *Types
	Now   func() time.Time
}

// Bounds on what waits and on what one transaction holds.
const (
	maxWaitingEvents   = 8192
	maxWaitingBytes    = 64 << 20
	maxGroupEvents     = 512
	maxGroupDeliveries = 10_000
	maxGroupBytes      = 8 << 20
	// gatherWindow is how long a group waits for each caller that is expected: a round
	// trip takes a busy machine several milliseconds, and an idle one's groups are small.
	gatherWindow    = 50 * time.Microsecond
	maxGatherWindow = 6 * time.Millisecond
)

// Ingester accepts events. Make it with New, then Start.
type Ingester struct {
	store    Store
	index    *index
	announce *announcer
	types    *validator // nil where no event is held against a schema
	shares   shares
	cfg      Config
	metrics  metrics

	clock    *clock
	ids      webhook.IDSource // the group writer's
	requests chan *request
	waiting  struct{ events, bytes atomic.Int64 }
	// lastCommit is when the writer last did, in Unix nanoseconds.
	lastCommit atomic.Int64
	// expected is how many callers the next group may have: those who were answered
	// come back, and others wait already.
	expected int
	// repeats: the last group with idempotency keys had some that were taken.
	repeats bool
	// held came when the last group had no room for it: it begins the next.
	held *request
	// wide are the slots of those that commit beside the writer, wideBytes what
	// waits for one.
	wide      chan struct{}
	wideBytes atomic.Int64
	// ordered has the events with an ordering key.
	ordered  *orderedWriter
	mu       sync.RWMutex // guards stopped against requests being closed
	stopped  bool
	done     chan struct{}
	startOne sync.Once
	workers  sync.WaitGroup
}

// New makes an Ingester.
func New(subs Subscriptions, store Store, queue Queue, cfg Config) *Ingester {
	if cfg.MaxWait <= 0 {
		cfg.MaxWait = 2 * time.Second
	}
	if cfg.HighWater <= 0 {
		cfg.HighWater = 2000
	}
	if cfg.IndexBytes <= 0 {
		cfg.IndexBytes = 32 << 20
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	m := newMetrics(cfg.Registerer)
	types := newValidator(cfg.Types, m)
	c := &clock{now: cfg.Now}
	i := &Ingester{
		store: store, cfg: cfg, metrics: m, types: types, clock: c,
		index:    newIndex(subs, types, c, cfg.IndexBytes),
		announce: newAnnouncer(store, queue, cfg.HighWater, cfg.Logger, m),
		requests: make(chan *request, maxWaitingEvents),
		wide:     make(chan struct{}, wideCommits),
		ordered:  newOrderedWriter(),
		done:     make(chan struct{}),
	}
	registerWaiting(cfg.Registerer, i)
	return i
}

// Start runs the group writer.
func (i *Ingester) Start() {
	i.startOne.Do(func() {
		i.announce.start()
		go i.write()
		go i.writeOrdered()
	})
}

// Stop refuses new events, commits what waits and announces it, or gives up on
// the announcing when ctx ends: the scheduler has what is not announced.
func (i *Ingester) Stop(ctx context.Context) {
	i.mu.Lock()
	if !i.stopped {
		i.stopped = true
		close(i.requests)
	}
	i.mu.Unlock()
	i.Start() // never started: let it run dry at once
	<-i.done
	<-i.ordered.done
	i.workers.Wait()
	i.announce.stop(ctx)
}
