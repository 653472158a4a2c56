package telemetry

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"
)

// CheckTimeout bounds a readiness report and every check in it.
const CheckTimeout = 2 * time.Second

// Check returns why a component is not well, or nil. It must end when its context
// does. Its error is shown on the metrics listener, with secrets hidden.
type Check func(ctx context.Context) error

// Checks knows whether a process is ready for work: not while a required check
// fails, and no more once it drains. The zero value is not usable; see NewChecks.
type Checks struct {
	mu       sync.Mutex
	entries  map[string]*entry
	running  map[*entry]*run // replaced entries included, until they end
	draining bool
	drain    chan struct{} // closed when draining
}

type entry struct {
	name     string
	check    Check
	required bool
}

// run is one execution of a check; err may be read once done is closed.
type run struct {
	done chan struct{}
	err  error
}

// NewChecks returns a set without checks, which is ready.
func NewChecks() *Checks {
	return &Checks{entries: map[string]*entry{}, running: map[*entry]*run{}, drain: make(chan struct{})}
}

// Require adds a check without which the process is not ready. A check of that
// name is replaced: the roles of one dev process share their Postgres.
func (c *Checks) Require(name string, check Check) { c.add(name, check, true) }

// Observe adds a check that is reported as degraded when it fails and keeps
// nobody from being ready.
func (c *Checks) Observe(name string, check Check) { c.add(name, check, false) }

func (c *Checks) add(name string, check Check, required bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries[name] = &entry{name: name, check: check, required: required}
}

// SetDraining makes the process not ready for good, so that load balancers turn
// away before it stops.
func (c *Checks) SetDraining() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.draining {
		c.draining = true
		close(c.drain)
	}
}

// Drain is closed once the process drains.
func (c *Checks) Drain() <-chan struct{} { return c.drain }

// Report runs every check at once and waits for them, CheckTimeout at most. A
// check that is still running from an earlier report is joined, not run twice, so
// that one that hangs does not pile up.
func (c *Checks) Report(ctx context.Context) Report {
	ctx, cancel := context.WithTimeout(ctx, CheckTimeout)
	defer cancel()

	runs := c.start(ctx)
	results := make(map[string]CheckResult, len(runs))
	ready := true
	for e, r := range runs {
		err := r.wait(ctx)
		results[e.name] = newResult(err, e.required)
		ready = ready && (err == nil || !e.required)
	}
	return newReport(results, ready, c.Draining())
}

// Wait returns when no check runs any more, or when ctx ends.
func (c *Checks) Wait(ctx context.Context) error {
	for e, r := range c.unfinished() {
		select {
		case <-r.done:
		case <-ctx.Done():
			return fmt.Errorf("wait for check %s: %w", e.name, context.Cause(ctx))
		}
	}
	return nil
}

// start returns a run of every check.
func (c *Checks) start(ctx context.Context) map[*entry]*run {
	c.mu.Lock()
	defer c.mu.Unlock()
	runs := make(map[*entry]*run, len(c.entries))
	for _, e := range c.entries {
		if c.running[e] == nil {
			c.running[e] = &run{done: make(chan struct{})}
			// Not the request's own context: others may have joined by the time it ends.
			go c.execute(context.WithoutCancel(ctx), e, c.running[e])
		}
		runs[e] = c.running[e]
	}
	return runs
}

func (c *Checks) execute(ctx context.Context, e *entry, r *run) {
	ctx, cancel := context.WithTimeoutCause(ctx, CheckTimeout, fmt.Errorf("no answer within %s", CheckTimeout))
	defer cancel()
	r.err = e.check(ctx)

	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.running, e)
	close(r.done)
}

func (c *Checks) unfinished() map[*entry]*run {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.running)
}

// Draining reports whether SetDraining was called.
func (c *Checks) Draining() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.draining
}

// wait returns the check's own error, or that it did not end in time.
func (r *run) wait(ctx context.Context) error {
	select {
	case <-r.done:
		return r.err
	case <-ctx.Done():
	}
	select { // both may be true, and the check's own word says more
	case <-r.done:
		return r.err
	default:
		return fmt.Errorf("no answer within %s", CheckTimeout)
	}
}
