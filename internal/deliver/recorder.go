package deliver

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// recorder writes outcomes in groups: one goroutine, so that while one group
// commits the next one gathers. An outcome that can't be written waits, for as
// long as it takes: it is the only proof that a request was made.
type recorder struct {
	outcomes Outcomes
	logger   *slog.Logger
	metrics  metrics
	// recorded is called with the outcomes of a group once they are committed.
	recorded func([]webhook.Outcome)

	in     chan *result
	done   chan struct{}
	closed sync.Once
	// away is set while groups can't be committed; no new request starts then.
	away atomic.Bool
	back chan struct{} // closed when away ends; guarded by mu
	why  error         // groups can't be committed; guarded by mu
	mu   sync.Mutex
	// quit ends the trying: the process must go, and Postgres is away still.
	quit chan struct{}
	// underway are requests whose outcomes may come soon.
	underway atomic.Int64
	// space is where run puts a group's outcomes together; nobody keeps them.
	space []webhook.Outcome
}

// result is an outcome and who waits for its answer.
type result struct {
	webhook.Outcome
	verdict
	since  time.Time
	waiter waiter
}

// waiter is a member. It waits for its answer without a goroutine: hundreds are in
// a group at full load, and as many stacks would be most of a worker's memory.
type waiter interface {
	// recorded is called once, soon, and by one goroutine for a whole group.
	recorded(o *webhook.Outcome, v verdict)
}

// verdict is what recording said of an outcome.
type verdict struct {
	decided bool // it decided the delivery's state
	lost    bool // it is not decided, and perhaps not even stored
}

const (
	maxGroup      = 512
	recordTimeout = 10 * time.Second
	maxRecordWait = 2 * time.Second // between tries while Postgres is away
)

func newRecorder(outcomes Outcomes, capacity int, logger *slog.Logger, m metrics) *recorder {
	return &recorder{
		outcomes: outcomes, logger: logger, metrics: m,
		in: make(chan *result, capacity), done: make(chan struct{}), back: make(chan struct{}), quit: make(chan struct{}),
	}
}

// expect counts requests that are under way, and with less than 0 those that have
// ended or that nothing should wait for. One has ended before its outcome comes, which
// would wait for itself.
func (r *recorder) expect(requests int64) { r.underway.Add(requests) }

// record has the outcome committed, and then tells w. Its memory is bounded by the
// rooms, which whoever waits for an answer is still in, and by what was detached before
// it showed that Postgres is away.
func (r *recorder) record(o webhook.Outcome, w waiter) {
	r.in <- &result{Outcome: o, since: time.Now(), waiter: w}
}

// available waits while outcomes can't be committed.
func (r *recorder) available(ctx context.Context) error {
	for r.away.Load() {
		r.mu.Lock()
		back := r.back
		r.mu.Unlock()
		if !r.away.Load() {
			return nil
		}
		select {
		case <-back:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// check is why nothing can be recorded at present, and so nothing is begun.
func (r *recorder) check() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.why != nil {
		return fmt.Errorf("attempts wait to be recorded, and no new ones begin: %w", r.why)
	}
	return nil
}

// setAway takes why a group can't be committed, or nil once one could.
func (r *recorder) setAway(why error) {
	away := why != nil
	if !away && !r.away.Load() {
		return // as a rule, and nobody else writes it
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.why = why
	if r.away.Swap(away) == away {
		return
	}
	if away {
		r.back = make(chan struct{})
	} else {
		close(r.back)
	}
}

func (r *recorder) run() {
	defer close(r.done)
	g := gathered{seen: make(map[webhook.ID]bool, maxGroup)}
	for open := true; open || len(g.later) > 0; {
		open = r.gather(&g)
		if len(g.group) > 0 {
			r.write(g.group)
		}
	}
}

// write commits the group, trying until it can.
func (r *recorder) write(group []*result) {
	outcomes := r.space[:0]
	for _, res := range group {
		outcomes = append(outcomes, res.Outcome)
	}
	r.space = outcomes
	defer clear(outcomes) // they hold answers' bodies
	decided, whole := r.commit(outcomes)
	if r.recorded != nil {
		r.recorded(outcomes)
	}
	for i, res := range group {
		res.verdict = verdict{decided: decided[i], lost: !whole && !decided[i]}
	}
	go r.answer(group) // while the next group is committed
}

func (r *recorder) answer(group []*result) {
	for _, res := range group {
		r.metrics.recordWait.Observe(time.Since(res.since).Seconds())
		res.waiter.recorded(&res.Outcome, res.verdict)
	}
}

// commit returns which outcomes decided their delivery's state, and whether all
// are stored.
func (r *recorder) commit(outcomes []webhook.Outcome) (decided []bool, whole bool) {
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, maxRecordWait) {
		ctx, cancel := context.WithTimeout(context.Background(), recordTimeout)
		start := time.Now()
		decided, err := r.outcomes.Record(ctx, outcomes)
		cancel()
		if err == nil {
			r.setAway(nil)
			r.metrics.recorded(len(outcomes), time.Since(start))
			return decided, true
		}
		if webhook.CodeOf(err) == webhook.CodeInvalid {
			// The group's other outcomes are stored, so Postgres is there.
			r.setAway(nil)
			r.logger.Error("an attempt can't be recorded", "outcomes", len(outcomes), "error", err)
			return decided, false
		}
		r.setAway(err)
		r.metrics.unrecorded.Inc()
		r.logger.Warn("attempts wait to be recorded", "outcomes", len(outcomes), "error", err)
		select {
		case <-time.After(wait):
		case <-r.quit:
			return make([]bool, len(outcomes)), false
		}
	}
}

// stop writes what waits and ends, at the latest when ctx does: what was not
// written then is tried again by another worker. No record may come after it.
func (r *recorder) stop(ctx context.Context) {
	r.closed.Do(func() {
		close(r.in)
		defer context.AfterFunc(ctx, func() { close(r.quit) })()
		<-r.done
	})
	<-r.done
}
