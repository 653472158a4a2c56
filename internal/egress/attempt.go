package egress

import (
	"context"
	"net/http/httptrace"
	"sync/atomic"
	"time"
)

// phase is how far an attempt has come; it only grows.
type phase int32

const (
	phaseStart phase = iota
	phaseDNS
	phaseConnect
	phaseTLS
	phaseWaiting // on a connection, until the answer's headers are there
	phaseBody
)

// attempt is the state of one Do, shared with the dial that net/http may run
// for it in another goroutine, and that may outlive it.
type attempt struct {
	deadline time.Time
	timeout  time.Duration
	host     string
	phase    atomic.Int32
	// reused and answered tell a stale connection from a receiver that hangs up:
	// was the last connection an idle one, and has it carried a byte of an answer?
	reused   atomic.Bool
	answered atomic.Bool
	conn     atomic.Pointer[witness] // the last connection
}

// enter moves on to p. A dial that a connection from the pool overtook can't
// move the attempt back.
func (a *attempt) enter(p phase) {
	if a == nil {
		return
	}
	for {
		old := a.phase.Load()
		if old >= int32(p) || a.phase.CompareAndSwap(old, int32(p)) {
			return
		}
	}
}

func (a *attempt) now() phase { return phase(a.phase.Load()) }

type attemptKey struct{}

// bind puts the attempt into ctx, where the dialer finds it, and follows the
// request's way.
func (a *attempt) bind(ctx context.Context) context.Context {
	ctx = context.WithValue(ctx, attemptKey{}, a)
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) {
			a.reused.Store(info.Reused)
			a.answered.Store(false)
			conn, _ := info.Conn.(*witness)
			a.conn.Store(conn)
			a.enter(phaseWaiting)
		},
		GotFirstResponseByte: func() { a.answered.Store(true) },
	})
}

// attemptOf returns the attempt that ctx belongs to; nil is usable.
func attemptOf(ctx context.Context) *attempt {
	a, _ := ctx.Value(attemptKey{}).(*attempt)
	return a
}

// bounded gives a dial the attempt's deadline: net/http detaches dials from the
// request's own context.
func (a *attempt) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if a == nil {
		return ctx, func() {}
	}
	return context.WithDeadline(ctx, a.deadline)
}
