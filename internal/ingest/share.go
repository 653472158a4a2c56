package ingest

import (
	"sync"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// route is how a workspace's new deliveries leave Postgres.
type route struct {
	// bulk: by the bulk lane, where they wait behind their like.
	bulk bool
	// announced: with a task; else feed gives them one when there is room.
	announced bool
}

// plan adds a request to a group, by the way that its workspace has now.
func (i *Ingester) plan(p *plan, r *request, x *indexed) {
	var way route
	way.bulk = i.announce.pressed(r.most) && i.shares.exceeds(r.workspace, r.most, p.here)
	way.announced = i.announce.takes(way.bulk)
	n := p.add(r, x, way)
	i.shares.count(r.workspace, n, p.here)
	if way.announced && !way.bulk {
		i.announce.since.Add(int64(n))
	}
}

// shares knows how many deliveries each workspace has brought of late, in this
// process. While workers keep up it does not matter; when tasks pile up, one
// workspace's burst must not make all others wait behind it. The zero value is
// ready to use.
type shares struct {
	mu            sync.Mutex
	start         time.Time // of current
	current, last map[webhook.WorkspaceID]int
	// all counts the deliveries and active the workspaces in both.
	all, active int
}

// shareSpan is how long a count is current; it is remembered for as long again.
const shareSpan = 5 * time.Second

// exceeds reports whether the workspace, with so many more, brought more than
// 1.25 times its equal share. A workspace alone never does.
func (s *shares) exceeds(ws webhook.WorkspaceID, more int, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turn(now)
	own, active := s.current[ws]+s.last[ws], s.active
	if own == 0 {
		active++
	}
	return 4*(own+more)*active > 5*(s.all+more)
}

func (s *shares) count(ws webhook.WorkspaceID, deliveries int, now time.Time) {
	if deliveries == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turn(now)
	if s.current[ws]+s.last[ws] == 0 {
		s.active++
	}
	s.current[ws] += deliveries
	s.all += deliveries
}

// turn forgets what is older than two spans.
func (s *shares) turn(now time.Time) {
	age := now.Sub(s.start)
	if s.current != nil && age < shareSpan {
		return
	}
	s.last = s.current
	if age >= 2*shareSpan {
		s.last = nil
	}
	s.start, s.current = now, make(map[webhook.WorkspaceID]int)
	s.all, s.active = 0, len(s.last)
	for _, n := range s.last {
		s.all += n
	}
}
