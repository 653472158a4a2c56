package api

import (
	"context"
	"net/http"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/postrider/postrider/internal/webhook"
)

// Bounds on what requests hold in memory, whoever sends them and however slowly.
const (
	// maxAtWork is how many requests are worked on, once their bodies have come;
	// maxLong is for those that may take as long as a receiver.
	maxAtWork = 1024
	maxLong   = 128
	// smallBody needs no room: the few large bodies that fit at once keep no small
	// ones out, however slowly they come.
	smallBody = 32 << 10
	// maxBodyMemory is for the larger ones and what is made of them.
	maxBodyMemory = 128 << 20
	// roomWait is how long a large body waits for room, in its sender's memory.
	roomWait = 2 * time.Second
)

// A byte of a body takes so many in memory until it is answered: an event is
// copied once or twice, other JSON becomes Go values.
const (
	copiedBody  = 3
	decodedBody = 16
)

// A large body must come at this rate, or its sender has the room for nothing.
const (
	bodyGrace     = 10 * time.Second
	bodyPerSecond = 512 << 10
)

// room is what there is of it; a request that finds none is answered with 503.
type room struct {
	work   chan struct{}
	long   chan struct{}
	memory *semaphore.Weighted
	total  int64 // of memory
	wait   time.Duration
}

func newRoom() *room {
	return &room{
		work: make(chan struct{}, maxAtWork), long: make(chan struct{}, maxLong),
		memory: semaphore.NewWeighted(maxBodyMemory), total: maxBodyMemory, wait: roomWait,
	}
}

func noRoom() error {
	return &webhook.Error{
		Code: webhook.CodeUnavailable, RetryAfter: time.Second, Detail: "this process has as many requests as it can hold",
	}
}

// begin takes a place at work; end gives it back.
func (m *room) begin(rt *route) (end func(), err error) {
	places := m.work
	if rt.timeout > 0 {
		places = m.long
	}
	select {
	case places <- struct{}{}:
		return func() { <-places }, nil
	default:
		return nil, noRoom()
	}
}

// share is a request's part of the memory for bodies.
type share struct {
	room  *room
	spec  *bodySpec
	bytes int64
}

func (m *room) share(spec *bodySpec) *share { return &share{room: m, spec: spec} }

// grow makes room for a body that turned out to be large: for all that was
// announced, or may come.
func (s *share) grow(w http.ResponseWriter, r *http.Request) error {
	size := r.ContentLength
	if size < 0 {
		size = s.spec.limit
	}
	bytes := min(size*s.spec.weight(), s.room.total)
	ctx, cancel := context.WithTimeout(r.Context(), s.room.wait)
	defer cancel()
	if s.room.memory.Acquire(ctx, bytes) != nil {
		return noRoom()
	}
	s.bytes = bytes
	// It fails where the connection is not net/http's, which has no slow senders.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyGrace + time.Duration(size)*time.Second/bodyPerSecond))
	return nil
}

func (s *share) release() {
	if s.bytes > 0 {
		s.room.memory.Release(s.bytes)
	}
	s.bytes = 0
}

// weight is how much memory a byte of such a body takes.
func (b *bodySpec) weight() int64 {
	if b.copied {
		return copiedBody
	}
	return decodedBody
}
