package postgres

import (
	"context"
	"errors"
	"sync"
	"time"
)

// combiner makes one call for all who ask at the same time: who comes while one
// is under way waits, and the next is for everybody who does. A lone caller never
// waits.
type combiner[T any] struct {
	// run is for many at once; it outlives the caller that happens to lead.
	run  func(ctx context.Context, all []T) error
	turn chan struct{}

	mu   sync.Mutex
	next *combined[T] // takes callers, until its turn has come
}

type combined[T any] struct {
	all  []T
	done chan struct{}
	err  error
}

const (
	// maxCombined bounds a call, combineTimeout how long it may take.
	maxCombined    = 256
	combineTimeout = 5 * time.Second
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
		c.next = &combined[T]{done: make(chan struct{})}
	}
	c.next.all = append(c.next.all, item)
	return c.next, leads
}

// lead makes the call, also when the leader's own caller is gone: the others wait
// for it.
func (c *combiner[T]) lead(ctx context.Context, mine *combined[T]) {
	c.turn <- struct{}{}
	defer func() { <-c.turn }()
	c.mu.Lock()
	if c.next == mine {
		c.next = nil
	}
	c.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), combineTimeout)
	defer cancel()
	defer close(mine.done)
	mine.err = errNotRun // also if it panics
	mine.err = c.run(ctx, mine.all)
}
