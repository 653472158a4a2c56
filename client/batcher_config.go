package client

import (
	"time"
)

// BatcherConfig is what a batcher may be told. Its zero value is good for most.
type BatcherConfig struct {
	// MaxEvents is how many go in one request. Default 100, at most 1000.
	MaxEvents int
	// MaxBytes is how large a request's events are together. Default 1 MiB, at most
	// 9 MiB. An event that is larger goes alone.
	MaxBytes int
	// MaxDelay is how long an event waits for others. Default 100ms.
	MaxDelay time.Duration
	// MaxPending and MaxPendingBytes are how many events wait or are under way, and
	// how large they are together. Default 10,000 and 64 MiB, at least 1 MiB.
	MaxPending      int
	MaxPendingBytes int
	// Refuse answers ErrFull where there is no more room; otherwise Dispatch waits
	// for some.
	Refuse bool
	// RetryFor is for how long a batch is tried, beyond the client's own tries, while
	// the API is away or can't take it. Default 1 minute, negative for not at all.
	RetryFor time.Duration
	// OnError is told of each event that was not accepted, and why; the event has its
	// ID, under which it can be published again. It is called by one goroutine, which
	// sends nothing meanwhile: it must not wait for the batcher.
	OnError func(NewEvent, error)
}

const (
	maxEventBytes = 1 << 20 // what the API takes
	maxBatch      = 1000
	maxBatchBytes = 9 << 20 // the API takes 10 MiB, with what is around the events
)

func (c BatcherConfig) withDefaults() BatcherConfig {
	c.MaxEvents = min(orDefault(c.MaxEvents, 100), maxBatch)
	c.MaxBytes = min(orDefault(c.MaxBytes, 1<<20), maxBatchBytes)
	c.MaxDelay = orDefault(c.MaxDelay, 100*time.Millisecond)
	c.MaxPending = orDefault(c.MaxPending, 10_000)
	c.MaxPendingBytes = max(orDefault(c.MaxPendingBytes, 64<<20), maxEventBytes)
	if c.RetryFor == 0 {
		c.RetryFor = time.Minute
	}
	if c.OnError == nil {
		c.OnError = func(NewEvent, error) {}
	}
	return c
}

func orDefault[T int | time.Duration](v, otherwise T) T {
	if v > 0 {
		return v
	}
	return otherwise
}
