package postgres

import (
	"context"
	"errors"
	"sync"
	"time"
)

// combiner makes one call for all who ask at the same time: who comes while one
// is under way waits, and the next is for everybody who does. Where the last call
// was for several, the next gives as many a moment to come. A lone caller never
// waits.
type combiner[T any] struct {
	// run is for many at once; it outlives the caller that happens to lead.
	run  func(ctx context.Context, all []T) error
	turn chan struct{}

	mu   sync.Mutex
	next *combined[T] // takes callers, until its turn has come
	last int          // how many the last call was for
}

type combined[T any] struct {
	all []T
	// full is closed when there are as many as are waited for; wanted is 0 before
	// anybody waits.
	full   chan struct{}
	wanted int
	done   chan struct{}
	err    error
}

const (
	// maxCombined bounds a call, combineTimeout how long it may take, and
	// gatherCallers how long it waits for others.
	maxCombined    = 256
	combineTimeout = 5 * time.Second
	gatherCallers  = time.Millisecond
)

// errNotRun is what others are told of a call that panicked.
var errNotRun = errors.New("the call for many at once panicked")

func newCombiner[T any](run func(context.Context, []T) error) *combiner[T] {
	return &combiner[T]{run: run, turn: make(chan struct{}, 1)}
}

// do returns when a call that the item was in has ended, with its error.
func (c *combiner[T]) do(ctx context.Context, item T) error {
	mine, leads := c.join(item)
	if leads {
		c.lead(ctx, mine)
	}
	select {
	case <-mine.done:
		return mine.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// join adds the item to the next call; the first one there leads it.
func (c *combiner[T]) join(item T) (mine *combined[T], leads bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if leads = c.next == nil || len(c.next.all) >= maxCombined; leads {
		c.next = &combined[T]{done: make(chan struct{}), full: make(chan struct{})}
	}
	c.next.all = append(c.next.all, item)
	if len(c.next.all) == c.next.wanted {
		close(c.next.full)
	}
	return c.next, leads
}

// gather waits for as many callers as came the last time, less a few, so that a
// falling rate shortens the wait.
func (c *combiner[T]) gather(mine *combined[T]) {
	c.mu.Lock()
	wanted := c.last - c.last/8
	if wanted <= len(mine.all) {
		c.mu.Unlock()
		return
	}
	mine.wanted = wanted
	c.mu.Unlock()
	timer := time.NewTimer(gatherCallers)
	defer timer.Stop()
	select {
	case <-mine.full:
	case <-timer.C:
	}
}

// lead makes the call, also when the leader's own caller is gone: the others wait
// for it.
func (c *combiner[T]) lead(ctx context.Context, mine *combined[T]) {
	c.turn <- struct{}{}
	defer func() { <-c.turn }()
	c.gather(mine)
	c.mu.Lock()
	if c.next == mine {
		c.next = nil
	}
	c.last = len(mine.all)
	c.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), combineTimeout)
	defer cancel()
	defer close(mine.done)
	mine.err = errNotRun // also if it panics
	mine.err = c.run(ctx, mine.all)
}
