package console

import "sync"

// places are those of live updates. The zero value has none taken.
type places struct {
	mu  sync.Mutex
	all int
	of  map[string]int // by session
}

// take takes one for a session, or says that there is none.
func (p *places) take(session string) (leave func(), ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.all >= maxStreams || p.of[session] >= maxStreamsOfOne {
		return nil, false
	}
	if p.of == nil {
		p.of = map[string]int{}
	}
	p.all++
	p.of[session]++
	return func() { p.leave(session) }, true
}

func (p *places) leave(session string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all--
	if p.of[session]--; p.of[session] == 0 {
		delete(p.of, session)
	}
}
