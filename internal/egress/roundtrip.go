package egress

import (
	"context"
	"fmt"

	"github.com/postrider/postrider/internal/webhook"
)

// roundTrip sends the request again, once and over a new connection, when the
// one it went to turns out to be stale. Had the receiver read it all the same,
// it knows the second one by its id.
func (s *Sender) roundTrip(ctx context.Context, a *attempt, req *Request, t *target, res *webhook.Response) error {
	x := s.exchanges.Get().(*exchange)
	err := x.compose(req, t)
	if err == nil {
		err = s.try(ctx, a, x, s.pooled(t.route), t.route, res)
		if err != nil && a.stale(ctx) {
			err = s.try(ctx, a, x, nil, t.route, res)
		}
	}
	x.release(s.exchanges)
	return err
}

// try makes the request over l, or over a new connection when l is nil.
func (s *Sender) try(ctx context.Context, a *attempt, x *exchange, l *link, to route, res *webhook.Response) error {
	a.reused = l != nil
	if err := ctx.Err(); err != nil {
		if l != nil {
			s.pool.put(l) // untouched
		}
		return err
	}
	if l == nil {
		conn, err := s.dialer.open(ctx, a, to)
		if err != nil {
			return err
		}
		l = newLink(conn, to)
	}
	a.enter(phaseWaiting)
	keep := false
	err := l.SetDeadline(a.deadline)
	stop := context.AfterFunc(ctx, l.interrupt)
	defer func() {
		// An interrupt that could not be stopped would meet the next request.
		if stop() && keep {
			s.pool.put(l)
		} else {
			l.close()
		}
	}()
	if err == nil {
		keep, err = x.run(a, l, s.bodies, res)
	}
	if stopped := ctx.Err(); err != nil && stopped != nil {
		err = fmt.Errorf("%w (%w)", stopped, err)
	}
	return err
}

// pooled returns an idle connection that looks usable, or nil.
func (s *Sender) pooled(to route) *link {
	for {
		l := s.pool.take(to)
		if l == nil || l.quiet() {
			return l
		}
		l.close()
	}
}
