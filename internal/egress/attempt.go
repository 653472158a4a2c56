package egress

import (
	"context"
	"net/url"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// phase is how far an attempt has come.
type phase int

const (
	phaseStart phase = iota
	phaseDNS
	phaseConnect
	phaseTLS
	phaseWaiting // on a connection, until the answer's headers are there
	phaseBody
)

// attempt is the state of one Do. It belongs to the goroutine that called Do.
type attempt struct {
	deadline time.Time // the attempt's own or the caller's, whichever comes first
	timeout  time.Duration
	host     host
	phase    phase
	// reused and answered tell a stale connection from a receiver that hangs up:
	// was the connection an idle one, and has it carried a byte of an answer?
	reused   bool
	answered bool
	// wantsCertificate: the receiver has asked for a client's.
	wantsCertificate bool
	// What no sentence may repeat, though a receiver does.
	url    *url.URL
	hidden *webhook.Hidden
}

func newAttempt(ctx context.Context, to host, timeout time.Duration) *attempt {
	a := &attempt{host: to, timeout: timeout, deadline: time.Now().Add(timeout)}
	if callers, ok := ctx.Deadline(); ok && callers.Before(a.deadline) {
		a.deadline = callers
	}
	return a
}

func (a *attempt) enter(p phase) { a.phase = p }

func (a *attempt) expired() bool { return !time.Now().Before(a.deadline) }

// stale reports whether the connection came from the pool and broke before a
// byte of an answer: the receiver closed it for being idle, which says nothing
// about this request.
func (a *attempt) stale(ctx context.Context) bool {
	return a.reused && !a.answered && ctx.Err() == nil && !a.expired()
}
