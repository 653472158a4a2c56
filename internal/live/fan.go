package live

import (
	"sync"

	"github.com/postrider/postrider/internal/webhook"
)

// fan hands a workspace's attempts to the streams that show them. It waits for none.
type fan struct {
	mu  sync.Mutex
	all map[*buffer]struct{}
}

func newFan() *fan { return &fan{all: make(map[*buffer]struct{})} }

func (f *fan) join() *buffer {
	b := &buffer{filled: make(chan struct{}, 1)}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all[b] = struct{}{}
	return b
}

func (f *fan) leave(b *buffer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.all, b)
}

func (f *fan) tell(batch webhook.LiveAttempts) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for b := range f.all {
		b.put(&batch)
	}
}

// maxBuffered is how many attempts a stream may be behind.
const maxBuffered = 256

// buffer is what a stream has not shown yet.
type buffer struct {
	filled chan struct{} // has room for one

	mu      sync.Mutex
	waiting []webhook.LiveAttempt
	gap     *Gap // behind those that wait; nothing is added until it was taken
}

func (b *buffer) put(batch *webhook.LiveAttempts) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if batch.LeftOut > 0 || batch.Broken {
		b.leaveOut(batch.LeftOut, batch.Broken)
	}
	room := maxBuffered - len(b.waiting)
	if b.gap != nil {
		room = 0
	}
	n := min(room, len(batch.Attempts))
	b.waiting = append(b.waiting, batch.Attempts[:n]...)
	if left := len(batch.Attempts) - n; left > 0 {
		b.leaveOut(left, false)
	}
	select {
	case b.filled <- struct{}{}:
	default:
	}
}

func (b *buffer) leaveOut(n int, unknown bool) {
	if b.gap == nil {
		b.gap = &Gap{}
	}
	b.gap.LeftOut += n
	b.gap.Unknown = b.gap.Unknown || unknown
}

// take is the next one, or the gap that comes next.
func (b *buffer) take() (a *webhook.LiveAttempt, gap *Gap) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting) > 0 {
		a = &b.waiting[0]
		b.waiting = b.waiting[1:]
		return a, nil
	}
	b.waiting = nil
	gap, b.gap = b.gap, nil
	return nil, gap
}
