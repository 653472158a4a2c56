package deliver

import (
	"context"
	"sync"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// run is a chunk whose members are being attempted.
type run struct {
	r      *Runner
	chunk  webhook.Chunk
	gently bool      // its members begin a few at a time
	single bool      // the task may be retried as it is
	asked  time.Time // when Postgres was about the members
	// again is how long asynq shall wait with the task; set for a single one.
	again time.Duration

	mu       sync.Mutex
	attached map[*member]bool // those that the chunk still waits for
	over     chan struct{}    // closed when attached is empty
}

func newRun(r *Runner, chunk webhook.Chunk, asked time.Time) *run {
	return &run{
		r: r, chunk: chunk, single: isSingle(chunk), asked: asked, attached: make(map[*member]bool), over: make(chan struct{}),
	}
}

// start begins every member's attempt.
func (c *run) start(members []*member) {
	for _, m := range members {
		m.run = c
		c.attached[m] = true
	}
	c.r.attempts.Add(len(members))
	for i, m := range members {
		if c.gently && i > 0 && i%stepMembers == 0 {
			c.r.passes(stepPause)
		}
		if c.gently && c.r.isStopping() { // what has not begun is handed back
			go m.leaveTo(m.giveBack)
			continue
		}
		m.begin()
	}
}

// wait returns when every member is done or detached.
func (c *run) wait(ctx context.Context) error {
	c.mu.Lock()
	none := len(c.attached) == 0
	c.mu.Unlock()
	if !none {
		c.attend(ctx)
	}
	if c.again > 0 {
		return &RetryLater{Delay: c.again}
	}
	return nil
}

func (c *run) attend(ctx context.Context) {
	tick := time.NewTicker(glance)
	defer tick.Stop()
	stopping := c.r.stopping
	for glances := time.Duration(0); ; {
		select {
		case <-c.over:
			return
		case <-stopping:
			stopping = nil // closed, and so seen at each glance
		case <-tick.C:
			glances++
			c.detachSlow(context.WithoutCancel(ctx), glances*glance >= slowAfter)
		}
		c.giveUp()
	}
}

// giveUp parks members that wait for a slot in vain, or hands them back because the
// worker stops.
func (c *run) giveUp() {
	stops, now := c.r.isStopping(), c.r.cfg.Now()
	var gone []*member
	c.mu.Lock()
	for m := range c.attached {
		if (stops || c.r.limiter.tires(&m.slot, now)) && c.r.limiter.leave(m.EndpointID, &m.slot) {
			gone = append(gone, m)
		}
	}
	c.mu.Unlock()
	for _, m := range gone {
		if stops {
			go m.leaveTo(m.giveBack)
		} else {
			go m.leaveTo(m.park)
		}
	}
}

// leave takes a member that is done, or detached, out of the chunk.
func (c *run) leave(m *member) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.attached[m] {
		return
	}
	delete(c.attached, m)
	if len(c.attached) == 0 {
		close(c.over)
	}
}

// detachSlow takes requests that still run out of the chunk, so that its task
// can end: one hanging receiver must not keep 49 others' task active. The row
// names this worker from then on. It is locked out of its members' conclusions
// meanwhile, for they put their holder's name into the record. Not all means
// only requests to endpoints that are known to be slow or failing.
func (c *run) detachSlow(ctx context.Context, all bool) {
	ctx, cancel := context.WithTimeout(ctx, slowAfter)
	defer cancel()
	var slow []*member
	c.mu.Lock()
	for m := range c.attached {
		if !m.lockIfRunning() {
			continue
		}
		if !all && !c.r.limiter.stuck(&m.slot, c.r.cfg.Now()) {
			m.mu.Unlock()
			continue
		}
		slow = append(slow, m)
	}
	c.mu.Unlock()
	if len(slow) == 0 {
		return
	}
	rows := make([]webhook.Member, len(slow))
	for i, m := range slow {
		rows[i] = m.Member
	}
	holder := c.r.holder()
	moved, err := c.r.Rows.HandOver(ctx, rows, c.chunk.Task, holder)
	named := make(map[webhook.ID]bool, len(moved))
	for _, id := range moved {
		named[id] = true
	}
	for _, m := range slow {
		if named[m.DeliveryID] {
			m.task = holder
			m.detached = true
			c.r.recorder.expect(-1)
		}
		m.doubted = m.doubted || err != nil
		m.mu.Unlock()
		// What the row does not name any more is somebody else's: nothing to wait
		// for. After an error it is unknown, and the chunk goes on waiting.
		if err == nil || named[m.DeliveryID] {
			c.leave(m)
		}
	}
	if err != nil {
		c.r.cfg.Logger.Warn("slow requests not detached from their task", "error", err)
	}
}
