package deliver

import (
	"context"
	"sync"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// parker parks members in groups: behind an endpoint that hangs, hundreds give
// up waiting at the same moment.
type parker struct {
	rows Rows
	in   chan parking
	quit chan struct{}
	done chan struct{}
	once sync.Once
}

type parking struct {
	hold webhook.Hold
	done chan error
}

const maxParked = 500

func newParker(rows Rows) *parker {
	return &parker{rows: rows, in: make(chan parking, maxParked), quit: make(chan struct{}), done: make(chan struct{})}
}

// park returns once the hold is in Postgres.
func (p *parker) park(ctx context.Context, hold webhook.Hold) error {
	waiting := parking{hold: hold, done: make(chan error, 1)}
	select {
	case p.in <- waiting:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-waiting.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run parks until end is called.
func (p *parker) run() {
	defer close(p.done)
	for {
		select {
		case first := <-p.in:
			p.write(first)
		case <-p.quit:
			return
		}
	}
}

// end waits for run, which must have been started. Nobody may park any more.
func (p *parker) end() {
	p.once.Do(func() { close(p.quit) })
	<-p.done
}

func (p *parker) write(first parking) {
	group := []parking{first}
	for len(group) < maxParked && len(p.in) > 0 {
		group = append(group, <-p.in)
	}
	holds := make([]webhook.Hold, len(group))
	for i, g := range group {
		holds[i] = g.hold
	}
	ctx, cancel := context.WithTimeout(context.Background(), asideTimeout)
	defer cancel()
	err := p.rows.Park(ctx, holds)
	for _, g := range group {
		g.done <- err
	}
}

// asideTimeout bounds writes about members that were not tried: when Postgres is
// away they are given up, and audit finds the row.
const asideTimeout = 5 * time.Second
