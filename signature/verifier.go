package signature

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// maxReplay bounds how long a ReplayGuard has to remember a request.
const maxReplay = 24 * time.Hour

// ReplayGuard remembers what it is asked about. Every store of package
// idempotency is one.
type ReplayGuard interface {
	// Claim reports whether the key is asked about for the first time, and
	// remembers it for ttl. Of many at once one is the first.
	Claim(ctx context.Context, key string, ttl time.Duration) (first bool, err error)
}

// Config tells a Verifier what to accept.
type Config struct {
	// Secrets are the endpoint's, "whsec_" and base64; while one rotates, both.
	// One that matches is enough. Required.
	Secrets []string
	// Scheme is what has to be signed; the zero value is SchemeAuto.
	Scheme Scheme
	// Tolerance is how far the timestamp may be from now, either way: 0 means
	// DefaultTolerance, a negative one any age. X-Webhook-Timestamp, which comes
	// with X-Webhook-Signature, is held to it as well, though it is not signed.
	Tolerance time.Duration
	// Replay refuses a request that was verified before, within the tolerance.
	// It needs the signed timestamp, which tells a replay from a retry: with it
	// SchemeAuto means SchemeStandard, and SchemeBody or a Tolerance of more than
	// a day is an error. nil checks nothing; package idempotency is for events that are delivered twice.
	Replay ReplayGuard
	// MaxBodyBytes bounds what Middleware reads; 0 means DefaultMaxBodyBytes.
	MaxBodyBytes int64
	// OnError is told of each request that Middleware refuses, and why, before it
	// is answered. The body may have been read. nil means that nobody is.
	OnError func(r *http.Request, err error)
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Verifier verifies the requests of one endpoint. It is safe for many goroutines.
type Verifier struct {
	cfg     Config
	signers []*Signer
}

// NewVerifier makes a Verifier. Errors: ErrNoSecret, ErrInvalidSecret,
// ErrInvalidConfig.
func NewVerifier(cfg Config) (*Verifier, error) {
	signers, err := newSigners(cfg.Secrets)
	if err != nil {
		return nil, err
	}
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	return &Verifier{cfg: cfg, signers: signers}, nil
}

// complete fills in the defaults, and refuses what contradicts itself.
func (c *Config) complete() error {
	if c.Scheme < SchemeAuto || c.Scheme > SchemeBoth {
		return fmt.Errorf("%w: there is no %s", ErrInvalidConfig, c.Scheme)
	}
	if c.Replay != nil && (c.Scheme == SchemeBody || c.Tolerance < 0 || c.Tolerance > maxReplay) {
		return fmt.Errorf("%w: Replay needs the signed timestamp, and a Tolerance of 0 to %s", ErrInvalidConfig, maxReplay)
	}
	if c.Replay != nil && c.Scheme == SchemeAuto {
		c.Scheme = SchemeStandard
	}
	if c.MaxBodyBytes == 0 {
		c.MaxBodyBytes = DefaultMaxBodyBytes
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return nil
}

// Verify checks a request by its headers and raw body and returns the event that
// it brings. Every error means that it is not to be trusted, and is one of this
// package's. The time it takes does not depend on where a signature differs.
func (v *Verifier) Verify(ctx context.Context, header http.Header, body []byte) (Event, error) {
	s, err := v.read(header)
	if err != nil {
		return Event{}, err
	}
	return v.verify(ctx, header, s, body)
}

// verify is what is left of Verify once there is a body.
func (v *Verifier) verify(ctx context.Context, header http.Header, s *signed, body []byte) (Event, error) {
	if !v.matches(s, body) {
		return Event{}, v.explain(header, s, body)
	}
	e, err := newEvent(header, s, body)
	if err != nil {
		return Event{}, err
	}
	return e, v.unseen(ctx, s, body)
}

// matches reports whether each signature that has to be right is.
func (v *Verifier) matches(s *signed, body []byte) bool {
	return (!s.standard || matchesStandard(v.signers, s.id, s.timestamp, body, s.signatures)) &&
		(!s.body || matchesBody(v.signers, body, s.bodySignature))
}

// unseen asks the guard.
func (v *Verifier) unseen(ctx context.Context, s *signed, body []byte) error {
	if v.cfg.Replay == nil {
		return nil
	}
	tolerance := v.cfg.Tolerance
	if tolerance == 0 {
		tolerance = DefaultTolerance
	}
	// A timestamp that is ahead by the tolerance is accepted for twice as long.
	first, err := v.cfg.Replay.Claim(ctx, v.replayKey(s, body), 2*tolerance+time.Second)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrReplayUnknown, err)
	case !first:
		return ErrReplayed
	default:
		return nil
	}
}

// replayKey names a request to this endpoint: another one gets the same event,
// maybe in the same second, but signed by another secret.
func (v *Verifier) replayKey(s *signed, body []byte) string {
	key := []byte(s.id + "." + s.timestamp + ".")
	return string(v.signers[0].standard.appendStandard(key, s.id, []byte(s.timestamp), body))
}
