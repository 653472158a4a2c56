package deliver

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/postrider/postrider/internal/webhook"
)

const (
	// pacePatience is how long a chunk keeps others of its lane from beginning. Slow
	// receivers are waited for, which costs no CPU, and so must hold nobody up.
	pacePatience = 25 * time.Millisecond
	// stepMembers of a chunk that steps aside begin at a time, and the next stepPause
	// later: all 50 would keep the CPUs for the 6 ms that a live delivery takes.
	stepMembers = 10
	stepPause   = 3 * time.Millisecond
	// liveFor is how long live traffic counts as present after a chunk of it came.
	liveFor = time.Second
)

// live remembers when first attempts came.
type live struct {
	since time.Time    // what last is counted from: a clock that is set moves neither
	last  atomic.Int64 // of a time.Duration
}

func newLive(now time.Time) *live {
	l := &live{since: now}
	l.last.Store(-int64(liveFor))
	return l
}

func (l *live) came(now time.Time) { l.last.Store(int64(now.Sub(l.since))) }

func (l *live) isThere(now time.Time) bool {
	return now.Sub(l.since)-time.Duration(l.last.Load()) < liveFor
}

// pace makes a lane's backlog step aside for live traffic: a few chunks at a time,
// and after each a rest, so that the backlog has a share of the time. A chunk takes
// longer where the machine is busy, and then the rest is longer, too. Without live
// traffic nobody waits.
type pace struct {
	share float64 // of the time, below 1
	turns *semaphore.Weighted
	live  *live
	now   func() time.Time
	// stopping is the runner's: who waits then has nothing to wait for.
	stopping <-chan struct{}
}

// paceTurns is how many full chunks go at a time: what half of the CPUs do.
func paceTurns() int64 { return int64(max(1, runtime.GOMAXPROCS(0)/2)) }

// newPaces are those of lanes that may be a backlog. Bulk's is not that of retries,
// or a replay would hold up the retries of everybody.
func newPaces(r *Runner) map[webhook.Lane]*pace {
	paces := make(map[webhook.Lane]*pace)
	if r.cfg.BacklogShare >= 1 {
		return paces
	}
	for _, lane := range []webhook.Lane{webhook.LaneRetry, webhook.LaneBulk} {
		paces[lane] = &pace{
			share: r.cfg.BacklogShare, turns: semaphore.NewWeighted(paceTurns() * webhook.MaxChunkMembers),
			live: r.live, now: r.cfg.Now, stopping: r.stopping,
		}
	}
	return paces
}

// stepAside waits until a chunk of n members may begin, gently where there is live
// traffic. Whoever does calls done at its end.
func (r *Runner) stepAside(ctx context.Context, lane webhook.Lane, n int64) (gently bool, done func(), err error) {
	p := r.paces[lane]
	if p == nil {
		return false, func() {}, nil
	}
	taken, err := p.wait(ctx, n)
	if !taken {
		return false, func() {}, err
	}
	return true, p.begin(n), nil
}

// wait returns with the members' places taken, or without any where none are needed:
// there is no live traffic, or not any more, or the worker stops.
func (p *pace) wait(ctx context.Context, n int64) (taken bool, err error) {
	if !p.live.isThere(p.now()) {
		return false, nil
	}
	if p.turns.TryAcquire(n) {
		return true, nil
	}
	waiting, giveUp := context.WithCancel(ctx)
	defer giveUp()
	acquired := make(chan error, 1)
	go func() { acquired <- p.turns.Acquire(waiting, n) }()
	// The end of live traffic is nothing that happens, so it is looked for.
	tick := time.NewTicker(glance)
	defer tick.Stop()
	for p.live.isThere(p.now()) && !isClosed(p.stopping) {
		select {
		case err := <-acquired:
			return err == nil, err
		case <-tick.C:
		case <-p.stopping:
		}
	}
	giveUp()
	if <-acquired == nil { // at the same moment
		return true, nil
	}
	return false, ctx.Err()
}

// begin starts the time that the members' places are held. At its end they rest.
func (p *pace) begin(n int64) (done func()) {
	began := p.now()
	rest := sync.OnceFunc(func() {
		// A process that was suspended meanwhile has not worked for all that time.
		held := min(p.now().Sub(began), 4*pacePatience)
		time.AfterFunc(p.restAfter(held), func() { p.turns.Release(n) })
	})
	patience := time.AfterFunc(pacePatience, rest)
	return func() {
		patience.Stop()
		rest()
	}
}

func (p *pace) restAfter(held time.Duration) time.Duration {
	return time.Duration(float64(held) * (1/p.share - 1))
}
