package deliver

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/postrider/postrider/internal/webhook"
)

// Runner runs chunks. Make it with New, then Start.
type Runner struct {
	Deps
	cfg      Config
	targets  *targets
	limiter  *limiter
	recorder *recorder
	failing  failing
	sealed   sealed
	parker   *parker
	crew     *crew
	metrics  metrics
	// rooms bound the members in memory: those in flight and a few behind each.
	// More wait in Redis, where they cost less. Each lane has a room of its own,
	// that neither retries nor a backlog fill that of first attempts, or are kept
	// out by them. For the slots, behind it, endpoints take turns, whichever lane
	// their deliveries came by.
	rooms map[webhook.Lane]*semaphore.Weighted
	// paces are of the lanes that step aside for live traffic.
	paces map[webhook.Lane]*pace
	live  *live
	// workers is how many processes share an endpoint's max_in_flight.
	workers func() int

	stopping  chan struct{} // closed: what has not started is handed back
	stopOnce  sync.Once
	startOnce sync.Once
	attempts  sync.WaitGroup
	loops     sync.WaitGroup
}

// admitted is how many first attempts are taken for each request slot. Of retries
// and of bulk it is one.
const admitted = 4

// newRoom has room for a chunk at least.
func newRoom(members int) *semaphore.Weighted {
	return semaphore.NewWeighted(max(int64(members), webhook.MaxChunkMembers))
}

// New makes a Runner. workers says how many worker processes are alive.
func New(deps Deps, workers func() int, cfg Config) *Runner {
	if cfg.Concurrency <= 0 {
		cfg.Concurrency = 512
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = 10 * time.Second
	}
	if cfg.MaxInFlight <= 0 {
		cfg.MaxInFlight = 64
	}
	if cfg.EndpointBytes <= 0 {
		cfg.EndpointBytes = 16 << 20
	}
	if cfg.BacklogShare <= 0 {
		cfg.BacklogShare = 0.5
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.ClockOff == nil {
		cfg.ClockOff = func() error { return nil }
	}
	if cfg.Watchers == nil {
		cfg.Watchers = nobody{}
	}
	if cfg.Random == nil {
		cfg.Random = rand.Float64
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	m := newMetrics(cfg.Registerer, cfg.MetricEndpoints)
	deps.Rows = countedRows{deps.Rows, m.held}
	r := &Runner{
		Deps: deps, cfg: cfg, metrics: m, workers: workers,
		// As many as all rooms admit: nobody waits to hand an outcome in.
		recorder: newRecorder(deps.Outcomes, cfg.Concurrency*(admitted+2), cfg.Logger, m),
		parker:   newParker(deps.Rows),
		crew:     newCrew(),
		rooms: map[webhook.Lane]*semaphore.Weighted{
			webhook.LaneDeliver: newRoom(cfg.Concurrency * admitted),
			webhook.LaneRetry:   newRoom(cfg.Concurrency),
			webhook.LaneBulk:    newRoom(cfg.Concurrency),
		},
		live:     newLive(cfg.Now()),
		stopping: make(chan struct{}),
	}
	r.limiter = newLimiter(cfg.Concurrency, r.crew.attempt)
	r.paces = newPaces(r)
	r.recorder.recorded = r.passTurns
	r.targets = newTargets(deps.Sources, &r.cfg)
	registerRunner(cfg.Registerer, r)
	return r
}

// Start runs the recorder and what watches over the endpoints.
func (r *Runner) Start() {
	r.startOnce.Do(func() {
		go r.recorder.run()
		go r.parker.run()
		r.loops.Go(func() { r.every(250*time.Millisecond, func() { r.limiter.sweep(r.cfg.Now()) }) })
		r.loops.Go(func() { r.every(time.Second, r.refreshFailing) })
		if b := r.metrics.busiest; b != nil {
			r.loops.Go(func() { r.every(reviewEvery, b.review) })
		}
	})
}

// CheckRecorder is a readiness check: while outcomes can't be recorded this worker
// begins nothing.
func (r *Runner) CheckRecorder(context.Context) error { return r.recorder.check() }

// HandBack gives what has not started back to the scheduler, from now on.
func (r *Runner) HandBack() { r.stopOnce.Do(func() { close(r.stopping) }) }

// holder is this process's name on rows.
func (r *Runner) holder() string { return webhook.WorkerTaskPrefix + r.cfg.WorkerID }

// Stop hands back, waits for running requests and their records, and ends, at
// the latest when ctx does. No Process may begin after it.
func (r *Runner) Stop(ctx context.Context) {
	r.HandBack()
	r.Start()
	r.loops.Wait()
	idle := make(chan struct{})
	go func() {
		r.attempts.Wait()
		close(idle)
	}()
	select {
	case <-idle:
		r.crew.end()
		r.recorder.stop(ctx)
		r.parker.end()
	case <-ctx.Done():
		r.crew.dismiss()
		// A request that outlives its timeout, or that ended while Postgres was away,
		// still owes its record; the process ends without it, and audit finds the delivery.
		why := "they are still running"
		if err := r.recorder.check(); err != nil {
			why = err.Error()
		}
		r.cfg.Logger.Warn("requests were not finished and recorded at the end of the shutdown: they are made again", "why", why)
	}
}

// every calls f until the runner stops.
func (r *Runner) every(d time.Duration, f func()) {
	tick := time.NewTicker(d)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			f()
		case <-r.stopping:
			return
		}
	}
}

// laneFor is the task's; of one without a lane, that of first attempts.
func laneFor(task string) webhook.Lane {
	if lane, ok := webhook.LaneOf(task); ok {
		return lane
	}
	return webhook.LaneDeliver
}

// Process runs a chunk. nil means that every member's outcome is in Postgres,
// or that the member is somebody else's by now. A *RetryLater asks for the task
// again; any other error says that Postgres could not be asked.
func (r *Runner) Process(ctx context.Context, chunk webhook.Chunk) error {
	n := int64(len(chunk.Members))
	lane := laneFor(chunk.Task)
	if lane == webhook.LaneDeliver {
		r.live.came(r.cfg.Now())
	}
	room := r.rooms[lane]
	if err := room.Acquire(ctx, n); err != nil {
		return err
	}
	defer room.Release(n)
	if lane == webhook.LaneDeliver {
		r.live.came(r.cfg.Now()) // it may have waited for long
	}
	// In the room, which so bounds those that wait here, too.
	gently, done, err := r.stepAside(ctx, lane, n)
	if err != nil {
		return err
	}
	defer done()
	if r.isStopping() || r.cfg.ClockOff() != nil {
		return r.giveBack(ctx, chunk.Members, chunk.Task)
	}
	if err := r.recorder.available(ctx); err != nil {
		return err
	}
	run, err := r.prepare(ctx, chunk, gently)
	if err != nil {
		return err
	}
	return run.wait(ctx)
}

// passes waits for d; false when the worker stops before.
func (r *Runner) passes(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.stopping:
		return false
	}
}

func (r *Runner) isStopping() bool { return isClosed(r.stopping) }

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// giveBack leaves deliveries to the scheduler's feed.
func (r *Runner) giveBack(ctx context.Context, members []webhook.Member, task string) error {
	_, err := r.Rows.HandOver(ctx, members, task, "")
	return err
}

// RetryLater is what Process returns for a task that shall run again: its only
// member failed and has a retry left, or is not due yet.
type RetryLater struct{ Delay time.Duration }

func (e *RetryLater) Error() string { return "again in " + e.Delay.Round(time.Millisecond).String() }

// RetryIn is how long the task waits.
func (e *RetryLater) RetryIn() time.Duration { return e.Delay }
