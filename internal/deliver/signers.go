package deliver

import (
	"bytes"
	"context"
	"net/http"
	"time"

	"github.com/postrider/postrider/internal/webhook"
	"github.com/postrider/postrider/signature"
)

// signers are those of one request: X-Webhook-Signature has room for one
// signature, webhook-signature for both while secrets rotate.
type signers struct {
	body     *signature.Signer
	standard []*signature.Signer // newest first
	with     string              // what the attempt's signed_with says
}

func only(s *signature.Signer) signers { return signers{body: s, standard: []*signature.Signer{s}} }

// signing is what an endpoint's requests are signed by, made once for all of them.
type signing struct {
	// first is by the secret; while secrets rotate that is the old one.
	first signers
	// renewed is by the new one before its time, and after from then, until, on;
	// none of them is set unless secrets rotate.
	renewed, after signers
	until          *time.Time
}

func newSigning(e *webhook.Endpoint) (signing, error) {
	first, err := signature.NewSigner(e.Secret)
	if err != nil || e.NextSecretAt == nil {
		return signing{first: only(first)}, err
	}
	next, err := signature.NewSigner(e.NextSecret)
	both := []*signature.Signer{next, first}
	return signing{
		first: signers{first, both, webhook.SignedOld}, renewed: signers{next, both, webhook.SignedNew},
		after: only(next), until: e.NextSecretAt,
	}, err
}

// at returns the signers of a request at that time. While secrets rotate
// X-Webhook-Signature stays with the old one, unless it is to be the new.
func (s *signing) at(t time.Time, renewed bool) signers {
	switch {
	case s.until == nil:
		return s.first
	case !t.Before(*s.until):
		return s.after
	case renewed:
		return s.renewed
	default:
		return s.first
	}
}

// exchange is a request and what came back of it.
type exchange struct {
	sent []webhook.Header
	webhook.Response
	with string
}

func (x *exchange) ok() bool { return x.Err == nil && x.StatusCode/100 == 2 }

func (x *exchange) attempt() webhook.Attempt {
	a := attemptOf(x.sent, x.Response)
	a.SignedWith = x.with
	return a
}

// exchange makes the attempt's request: with a receiver that answers 401 to the
// old secret while secrets rotate, once more with the new one, in what is left of
// the attempt's time. refused is the first of two.
func (m *member) exchange(ctx context.Context) (last exchange, refused *webhook.Attempt) {
	last = m.send(ctx, false, m.target.timeout)
	left := m.target.timeout - last.Duration
	if last.with != webhook.SignedOld || last.Err != nil || last.StatusCode != http.StatusUnauthorized || left <= 0 {
		return last, nil
	}
	first := last.attempt()
	last = m.send(ctx, true, left)
	return last, &first
}

// inOrder gives the first of two requests the smaller id, by which attempts are
// listed: within one millisecond, or over a step of the clock, ids are not.
func inOrder(first, second *webhook.Attempt) {
	if bytes.Compare(first.ID[:], second.ID[:]) > 0 {
		first.ID, second.ID = second.ID, first.ID
	}
}

// promote ends the rotation: the receiver takes the new secret and not the old
// one. Killed before, or with Postgres away, the next attempt finds out again.
func (m *member) promote(ctx context.Context) {
	r := m.run.r
	if m.target.promoted.Swap(true) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, asideTimeout)
	defer cancel()
	if err := r.Rows.Promote(ctx, m.WorkspaceID, m.EndpointID, m.target.Version); err != nil {
		m.target.promoted.Store(false)
		r.cfg.Logger.Warn("a new secret that its receiver took was not promoted", "error", err)
	}
}
