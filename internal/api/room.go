package api

import (
	"context"
	"net/http"
	"sync"
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
	// maxBodyMemory is for the larger ones and what is made of them; a key has half
	// of it at most, so that whoever sends slowly leaves the others some.
	maxBodyMemory = 192 << 20
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
	bodyGrace     = 5 * time.Second
	bodyPerSecond = 1 << 20
)

// room is what there is of it; a request that finds none is answered with 503.
type room struct {
	work   chan struct{}
	long   chan struct{}
	memory *semaphore.Weighted
	total  int64 // of memory
	wait   time.Duration

	mu   sync.Mutex
	keys map[webhook.ID]*keyRoom
}

// keyRoom is what one key may take of the memory; users have or want some of it.
type keyRoom struct {
	*semaphore.Weighted
	users int
}

func newRoom() *room {
	return &room{
		work: make(chan struct{}, maxAtWork), long: make(chan struct{}, maxLong),
		memory: semaphore.NewWeighted(maxBodyMemory), total: maxBodyMemory, wait: roomWait,
		keys: make(map[webhook.ID]*keyRoom),
	}
}

// ofKey is the key's part, until leaveKey.
func (m *room) ofKey(key webhook.ID) *keyRoom {
	m.mu.Lock()
	defer m.mu.Unlock()
	k := m.keys[key]
	if k == nil {
		k = &keyRoom{Weighted: semaphore.NewWeighted(m.total / 2)}
		m.keys[key] = k
	}
	k.users++
	return k
}

func (m *room) leaveKey(key webhook.ID, k *keyRoom) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if k.users--; k.users == 0 {
		delete(m.keys, key)
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
	owner webhook.ID
	key   *keyRoom
	bytes int64
}

func (m *room) share(spec *bodySpec, owner webhook.ID) *share {
	return &share{room: m, spec: spec, owner: owner}
}

// grow makes room for a body that turned out to be large: for all that was
// announced, or may come.
func (s *share) grow(w http.ResponseWriter, r *http.Request) error {
	size := r.ContentLength
	if size < 0 {
		size = s.spec.limit
	}
	ctx, cancel := context.WithTimeout(r.Context(), s.room.wait)
	defer cancel()
	if !s.acquire(ctx, min(size*s.spec.weight(), s.room.total/2)) {
		return noRoom()
	}
	// It fails where the connection is not net/http's, which has no slow senders.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyGrace + time.Duration(size)*time.Second/bodyPerSecond))
	return nil
}

// acquire takes of the key's part first: who waits there is in nobody's way.
func (s *share) acquire(ctx context.Context, bytes int64) bool {
	s.key = s.room.ofKey(s.owner)
	if s.key.Acquire(ctx, bytes) != nil {
		return false
	}
	if s.room.memory.Acquire(ctx, bytes) != nil {
		s.key.Release(bytes)
		return false
	}
	s.bytes = bytes
	return true
}

func (s *share) release() {
	if s.key == nil {
		return
	}
	if s.bytes > 0 {
		s.room.memory.Release(s.bytes)
		s.key.Release(s.bytes)
	}
	s.room.leaveKey(s.owner, s.key)
	s.key, s.bytes = nil, 0
}

// weight is how much memory a byte of such a body takes.
func (b *bodySpec) weight() int64 {
	if b.copied {
		return copiedBody
	}
	return decodedBody
}
