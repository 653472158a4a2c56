package client

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"
)

// Pending is an event that was dispatched to a batcher.
type Pending struct {
	event  NewEvent
	raw    json.RawMessage
	number int64
	since  time.Time

	settled  chan struct{}
	accepted Accepted
	err      error
}

// ID is the event's.
func (p *Pending) ID() string { return p.event.ID }

// Wait waits until the event is accepted or given up, or the context ends.
func (p *Pending) Wait(ctx context.Context) (Accepted, error) {
	select {
	case <-p.settled:
		return p.accepted, p.err
	case <-ctx.Done():
		return Accepted{}, context.Cause(ctx)
	}
}

func newPending(e NewEvent) (*Pending, error) {
	if e.ID == "" {
		e.ID = rand.Text()
	}
	payload, err := e.Payload()
	if err != nil {
		return nil, err
	}
	e.Data = payload
	raw, err := encode(e)
	if err != nil {
		return nil, fmt.Errorf("client: a %s: %w", e.Type, err)
	}
	if len(raw) > maxEventBytes {
		return nil, fmt.Errorf("client: a %s of %d bytes: an event has at most %d", e.Type, len(raw), maxEventBytes)
	}
	return &Pending{event: e, raw: raw, settled: make(chan struct{})}, nil
}
