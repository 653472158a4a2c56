package ingest

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// announcer puts committed deliveries into Redis. Nothing depends on it but
// speed: what it can't announce is released to the scheduler's feed, and what
// it can't even release is found by audit.
type announcer struct {
	store     Store
	queue     Queue
	highWater int
	logger    *slog.Logger
	metrics   metrics

	// open says whether new deliveries should be given to tasks at all: Redis
	// answers. full and bulkFull are about the lanes; crowded says that workers
	// don't keep up.
	open, full, bulkFull, crowded atomic.Bool
	// since counts the deliveries that went to the deliver lane since the last look.
	since atomic.Int64

	groups chan []webhook.Chunk
	quit   chan struct{}
	cancel context.CancelFunc // ends what start began, when Stop gives up
	wg     sync.WaitGroup
	once   sync.Once
}

const (
	announcers    = 2
	waitingGroups = 64
	// enqueueTimeout is for enqueueAtOnce tasks: an event for very many endpoints has as
	// many as the high-water mark allows, which a Redis far away takes longer for.
	enqueueTimeout = 2 * time.Second
	enqueueAtOnce  = 100
	backlogEvery   = 100 * time.Millisecond
)

func newAnnouncer(store Store, queue Queue, highWater int, logger *slog.Logger, m metrics) *announcer {
	a := &announcer{
		store: store, queue: queue, highWater: highWater, logger: logger, metrics: m,
		groups: make(chan []webhook.Chunk, waitingGroups), quit: make(chan struct{}),
	}
	a.open.Store(true)
	return a
}

func (a *announcer) start() {
	var ctx context.Context
	ctx, a.cancel = context.WithCancel(context.Background())
	for range announcers {
		a.wg.Go(func() {
			for chunks := range a.groups {
				a.enqueue(ctx, chunks)
			}
		})
	}
	a.wg.Go(func() { a.watch(ctx) })
}

// announce hands a committed group over. It never waits: with all announcers
// stuck on a Redis that hangs, the group is released instead.
func (a *announcer) announce(chunks []webhook.Chunk) {
	if len(chunks) == 0 {
		return
	}
	select {
	case a.groups <- chunks:
	default:
		a.open.Store(false)
		a.wg.Go(func() { a.release(chunks) })
	}
}

// enqueue takes back what is not in Redis, and only that: what is may be with a worker,
// who would make its requests, and so would whoever is given them next.
func (a *announcer) enqueue(ctx context.Context, chunks []webhook.Chunk) {
	for len(chunks) > 0 && a.open.Load() {
		n := min(len(chunks), enqueueAtOnce)
		limited, cancel := context.WithTimeout(ctx, enqueueTimeout)
		left, err := a.queue.Enqueue(limited, chunks[:n])
		cancel()
		chunks = chunks[n:]
		if err != nil {
			// The next groups are committed without tasks until watch sees Redis again.
			if a.open.Swap(false) {
				a.logger.Warn("redis takes no tasks: deliveries wait in Postgres", "error", err)
			}
			chunks = slices.Concat(left, chunks)
		}
	}
	if len(chunks) > 0 {
		a.release(a.others(chunks))
	}
}

// others adds waiting groups to one that is to be released. Redis is away then,
// and a release for each would take a stopping process minutes where Postgres
// hangs as well.
func (a *announcer) others(chunks []webhook.Chunk) []webhook.Chunk {
	for members(chunks) < maxGroupDeliveries {
		select {
		case more, ok := <-a.groups:
			if !ok {
				return chunks
			}
			chunks = append(chunks, more...)
		default:
			return chunks
		}
	}
	return chunks
}

func (a *announcer) release(chunks []webhook.Chunk) {
	a.metrics.unannounced.Add(float64(members(chunks)))
	ctx, cancel := context.WithTimeout(context.Background(), enqueueTimeout)
	defer cancel()
	if err := a.store.Release(ctx, chunks); err != nil {
		a.logger.Warn("deliveries not released: audit will find them", "deliveries", members(chunks), "error", err)
	}
}

// watch opens and closes the way to Redis.
func (a *announcer) watch(ctx context.Context) {
	tick := time.NewTicker(backlogEvery)
	defer tick.Stop()
	for {
		select {
		case <-a.quit:
			return
		case <-tick.C:
		}
		limited, cancel := context.WithTimeout(ctx, enqueueTimeout)
		waiting, err := a.queue.Waiting(limited)
		cancel()
		open := err == nil
		if open {
			a.look(waiting)
		}
		if was := a.open.Swap(open); was != open {
			a.logger.Info("way to redis", "open", open, "error", err)
		}
	}
}

const (
	// crowd is how many tasks wait for a worker that does not keep up: about half
	// a second's work of one.
	crowd = 40
	// rush is as many deliveries, in one request or between two looks: the next
	// look would come too late.
	rush = crowd * webhook.MaxChunkMembers
)

func (a *announcer) look(waiting map[webhook.Lane]int) {
	bulk := waiting[webhook.LaneBulk]
	others := waiting[webhook.LaneDeliver] + waiting[webhook.LaneRetry]
	a.bulkFull.Store(bulk >= a.highWater)
	if full := others >= a.highWater; a.full.Swap(full) != full {
		a.logger.Info("redis holds enough", "full", full, "tasks", others)
	}
	// With bulk empty again there is nothing to keep apart any more.
	a.crowded.Store(waiting[webhook.LaneDeliver] > crowd || bulk > 0)
	a.since.Store(0)
}

// pressed reports whether so many more deliveries would make others wait.
func (a *announcer) pressed(deliveries int) bool {
	return a.crowded.Load() || a.since.Load()+int64(deliveries) > rush
}

// takes reports whether new deliveries of a lane are given to tasks.
func (a *announcer) takes(bulk bool) bool {
	if bulk {
		return a.open.Load() && !a.bulkFull.Load()
	}
	return a.open.Load() && !a.full.Load()
}

// stop announces what waits, until ctx ends; the rest is released.
func (a *announcer) stop(ctx context.Context) {
	a.once.Do(func() {
		close(a.quit)
		close(a.groups)
		defer context.AfterFunc(ctx, a.cancel)()
		a.wg.Wait()
		a.cancel()
	})
}

func members(chunks []webhook.Chunk) int {
	n := 0
	for i := range chunks {
		n += len(chunks[i].Members)
	}
	return n
}
