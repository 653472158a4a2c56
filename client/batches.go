package client

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"
)

// run sends batch after batch until the batcher is closed and empty.
func (b *Batcher) run(ctx context.Context) {
	for {
		batch, wait, end := b.take()
		switch {
		case end:
			return
		case batch != nil:
			b.deliver(ctx, batch)
			b.release(batch)
		default:
			b.sleep(wait)
		}
	}
}

// sleep waits until there is something to do; for how long is 0 when that is not
// known.
func (b *Batcher) sleep(wait time.Duration) {
	var due <-chan time.Time
	if wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-b.wake:
	case <-due:
	}
}

// take is the next batch when it is full or its time has come, else how long that
// is away.
func (b *Batcher) take() (batch []*Pending, wait time.Duration, end bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.queue) == 0 {
		return nil, 0, b.closed
	}
	n, full := b.fit()
	first := b.queue[0]
	if wait = b.cfg.MaxDelay - time.Since(first.since); !full && first.number > b.flush && wait > 0 {
		return nil, wait, false
	}
	batch = slices.Clone(b.queue[:n])
	clear(b.queue[:n]) // the array lives on and must not keep what was sent
	b.queue = b.queue[n:]
	return batch, 0, false
}

// fit is how many of the queue go into a request, and whether no more would.
func (b *Batcher) fit() (n int, full bool) {
	size := 0
	for n, p := range b.queue {
		if size += len(p.raw) + len(","); n == b.cfg.MaxEvents || n > 0 && size > b.cfg.MaxBytes {
			return n, true
		}
	}
	return len(b.queue), len(b.queue) == b.cfg.MaxEvents || size >= b.cfg.MaxBytes
}

// release makes room for others.
func (b *Batcher) release(batch []*Pending) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range batch {
		b.pending, b.bytes = b.pending-1, b.bytes-len(p.raw)
	}
	b.settled = batch[len(batch)-1].number
	b.broadcast()
}

// deliver sends a batch until each of its events is settled: one that is refused is
// taken out, and the others go again.
func (b *Batcher) deliver(ctx context.Context, batch []*Pending) {
	for len(batch) > 0 {
		accepted, err := b.send(ctx, batch)
		if err == nil {
			for i, p := range batch {
				b.settle(p, accepted[i], nil)
			}
			return
		}
		refused := Refusals(err, len(batch))
		switch {
		case len(refused) > 0:
			batch = b.takeOut(batch, refused)
		case len(batch) > 1 && mayBeOneOf(err):
			// It does not say which: halves tell.
			half := len(batch) / 2
			b.deliver(ctx, batch[:half])
			batch = batch[half:]
		default:
			for _, p := range batch {
				b.settle(p, Accepted{}, err)
			}
			return
		}
	}
}

func (b *Batcher) settle(p *Pending, accepted Accepted, err error) {
	p.accepted, p.err = accepted, err
	close(p.settled)
	if err == nil {
		return
	}
	b.mu.Lock()
	if b.failed == nil {
		b.failed = err
	}
	b.mu.Unlock()
	b.cfg.OnError(p.event, err)
}

// takeOut settles those that were refused and returns the others.
func (b *Batcher) takeOut(batch []*Pending, refused map[int]*Error) []*Pending {
	var rest []*Pending
	for i, p := range batch {
		if err := refused[i]; err != nil {
			b.settle(p, Accepted{}, err)
		} else {
			rest = append(rest, p)
		}
	}
	return rest
}

// send makes the request, again and again while the API is away, always under the
// same key.
func (b *Batcher) send(ctx context.Context, batch []*Pending) ([]Accepted, error) {
	body := newBatch{make([]json.RawMessage, len(batch))}
	for i, p := range batch {
		body.Events[i] = p.raw
	}
	ctx = WithIdempotencyKey(ctx, rand.Text())
	began := time.Now()
	for try := 0; ; try++ {
		accepted, err := b.c.Events.publishEncoded(ctx, body)
		if err == nil || ctx.Err() != nil || !isAway(err) || time.Since(began) >= b.cfg.RetryFor {
			return accepted, err
		}
		if sleep(ctx, b.c.backoff(try)+min(retryAfterOf(err), b.c.cfg.MaxRetryAfter)) != nil {
			return nil, err
		}
	}
}

// isAway is what has nothing to do with the events.
func isAway(err error) bool {
	var e *Error
	if errors.As(err, &e) {
		return temporary(err) || e.Status >= http.StatusInternalServerError
	}
	return temporary(err)
}

// mayBeOneOf: one of the events may be to blame, or that they are so many.
func mayBeOneOf(err error) bool {
	var e *Error
	return errors.As(err, &e) && (e.Status == http.StatusUnprocessableEntity || e.Status == http.StatusRequestEntityTooLarge ||
		e.Status == http.StatusBadRequest)
}
