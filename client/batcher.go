package client

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// What Dispatch says where the reason is the batcher and not the event.
var (
	ErrFull   = errors.New("client: the batcher is full")
	ErrClosed = errors.New("client: the batcher is closed")
)

// Batcher publishes many events in few requests, in the order in which they were
// dispatched. What it holds is bounded, and in memory only: an event that must
// survive a crash of this process is dispatched by the client itself, or comes from
// a database. It is safe for concurrent use; close it.
//
// Each event has an id, its own or a generated one, so that however often it is
// sent it is accepted once. One that the API refuses does not stop the others of its
// batch.
type Batcher struct {
	c    *Client
	cfg  BatcherConfig
	wake chan struct{} // for the sender: look again
	done chan struct{} // the sender has ended
	stop context.CancelCauseFunc

	mu      sync.Mutex
	queue   []*Pending
	pending int   // queued or under way
	bytes   int   // theirs
	last    int64 // number of the newest event
	settled int64 // all up to this one are
	flush   int64 // all up to this one are to go at once
	failed  error // the first since the last Flush
	closed  bool
	changed chan struct{} // closed, and made anew, when something has settled
}

// NewBatcher starts a batcher.
func (c *Client) NewBatcher(cfg BatcherConfig) *Batcher {
	ctx, stop := context.WithCancelCause(context.Background())
	b := &Batcher{
		c: c, cfg: cfg.withDefaults(), wake: make(chan struct{}, 1), done: make(chan struct{}), stop: stop,
		changed: make(chan struct{}),
	}
	go func() {
		defer close(b.done)
		b.run(ctx)
	}()
	return b
}

// Queue takes events that are published later. [Batcher] is one, and so is what
// package hooktest's fake has.
type Queue interface {
	Dispatch(ctx context.Context, eventType string, payload any, options ...DispatchOption) error
}

var _ Queue = (*Batcher)(nil)

// Dispatch queues an event. It fails for what can't be sent at all, when the context
// ends before there is room, with ErrFull and with ErrClosed. What becomes of the
// event is for OnError, and Flush.
func (b *Batcher) Dispatch(ctx context.Context, eventType string, payload any, options ...DispatchOption) error {
	_, err := b.Submit(ctx, eventType, payload, options...)
	return err
}

// Submit is Dispatch for who wants to know what becomes of the event.
func (b *Batcher) Submit(ctx context.Context, eventType string, payload any, options ...DispatchOption) (*Pending, error) {
	p, err := newPending(newEvent(eventType, payload, options))
	if err != nil {
		return nil, err
	}
	for {
		room, err := b.add(p)
		switch {
		case err != nil:
			return nil, err
		case room == nil:
			return p, nil
		}
		select {
		case <-room:
		case <-ctx.Done():
			return nil, fmt.Errorf("client: no room in the batcher: %w", context.Cause(ctx))
		}
	}
}

// add queues an event, or returns what to wait for.
func (b *Batcher) add(p *Pending) (room <-chan struct{}, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closed:
		return nil, ErrClosed
	case b.pending < b.cfg.MaxPending && b.bytes+len(p.raw) <= b.cfg.MaxPendingBytes:
		b.last++
		p.number, p.since = b.last, time.Now()
		b.queue = append(b.queue, p)
		b.pending, b.bytes = b.pending+1, b.bytes+len(p.raw)
		b.poke()
		return nil, nil
	case b.cfg.Refuse:
		return nil, ErrFull
	}
	return b.changed, nil
}

// poke tells the sender to look again.
func (b *Batcher) poke() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// Flush sends what is queued at once and waits until all that was dispatched before
// is settled, or the context ends. Its error is the context's, else the first that
// OnError was told of since the Flush before.
func (b *Batcher) Flush(ctx context.Context) error {
	b.mu.Lock()
	target := b.last
	b.flush = max(b.flush, target)
	b.poke()
	b.mu.Unlock()
	for {
		b.mu.Lock()
		changed, over, failed := b.changed, b.settled >= target, b.failed
		if over {
			b.failed = nil
		}
		b.mu.Unlock()
		if over {
			return failed
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Close takes no more events and sends what is queued, as Flush does. When the
// context ends before, what was not sent is given up, and OnError is told of it. A
// second Close waits for the first.
func (b *Batcher) Close(ctx context.Context) error {
	b.mu.Lock()
	b.closed, b.flush = true, b.last
	b.broadcast()
	b.poke()
	b.mu.Unlock()
	select {
	case <-b.done:
	case <-ctx.Done():
		b.stop(fmt.Errorf("%w before the event was accepted: %w", ErrClosed, context.Cause(ctx)))
		<-b.done
	}
	b.stop(nil)
	b.mu.Lock()
	defer b.mu.Unlock()
	failed := b.failed
	b.failed = nil
	return failed
}

// broadcast wakes who waits for room or for something to settle.
func (b *Batcher) broadcast() {
	close(b.changed)
	b.changed = make(chan struct{})
}
