package live

import (
	"context"
	"sync"

	"github.com/postrider/postrider/internal/webhook"
)

// sharing has one T a workspace, which runs for as long as somebody uses it.
type sharing[T any] struct {
	// begin makes one, and what is to run for it until ctx ends.
	begin func(ctx context.Context, ws webhook.WorkspaceID) (T, func())

	mu      sync.Mutex
	used    map[webhook.WorkspaceID]*shared[T]
	running sync.WaitGroup
}

type shared[T any] struct {
	it    T
	users int
	end   context.CancelFunc
}

// use is the workspace's, until leave is called.
func (s *sharing[T]) use(ws webhook.WorkspaceID) (it T, leave func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.used[ws]
	if u == nil {
		// It is nobody's request: it ends with the last user, or with stop.
		ctx, cancel := context.WithCancel(context.Background())
		u = &shared[T]{end: cancel}
		var run func()
		u.it, run = s.begin(ctx, ws)
		if s.used == nil {
			s.used = make(map[webhook.WorkspaceID]*shared[T])
		}
		s.used[ws] = u
		s.running.Go(run)
	}
	u.users++
	return u.it, func() { s.leave(ws, u) }
}

func (s *sharing[T]) leave(ws webhook.WorkspaceID, u *shared[T]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u.users--; u.users == 0 {
		u.end()
		delete(s.used, ws)
	}
}

// stop ends all of them and waits for it.
func (s *sharing[T]) stop() {
	s.mu.Lock()
	for _, u := range s.used {
		u.end()
	}
	s.mu.Unlock()
	s.running.Wait()
}
