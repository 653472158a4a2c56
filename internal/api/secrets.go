package api

import (
	"context"
	"crypto/subtle"
	"net/http"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// defaultOverlap is a day: time to roll a receiver's configuration out.
const defaultOverlap = 24 * time.Hour

func (s *server) getSecret(ctx context.Context, r *request) (response, error) {
	e, err := s.endpoint(ctx, r)
	if err != nil {
		return response{}, err
	}
	if err := s.noteEndpoint(ctx, r, e.ID); err != nil {
		return response{}, err
	}
	e.Settle(s.cfg.Now())
	return response{http.StatusOK, renderSecret(&e), ""}, nil
}

func renderSecret(e *webhook.Endpoint) secretWire {
	if e.NextSecretAt == nil {
		return secretWire{Secret: e.Secret}
	}
	return secretWire{Secret: e.NextSecret, PreviousSecret: e.Secret, ExpiresAt: e.NextSecretAt}
}

// rotateSecret gives the endpoint a secret that takes over later. The old one
// goes on in X-Webhook-Signature, so that a receiver which checks that one finds
// the secret it knows, until it is told of the new one.
func (s *server) rotateSecret(ctx context.Context, r *request) (response, error) {
	id, err := r.endpointID()
	if err != nil {
		return response{}, err
	}
	in := rotateInput{}
	if invalid := decode(r.body, &in); invalid != nil {
		return response{}, invalid
	}
	secret := webhook.NewSecret()
	if in.Secret != nil {
		if secret = *in.Secret; !webhook.ValidSecret(secret) {
			return response{}, weakSecret()
		}
	}
	overlap := defaultOverlap
	if in.Overlap != nil {
		overlap = time.Duration(*in.Overlap) * time.Second
	}
	expires := s.cfg.Now().UTC().Add(overlap).Truncate(time.Microsecond) // as Postgres keeps it
	_, err = s.Endpoints.Update(ctx, r.workspace, id, func(e *webhook.Endpoint) error {
		e.Settle(s.cfg.Now())
		if subtle.ConstantTimeCompare([]byte(e.Secret), []byte(secret)) == 1 {
			return invalidField("/secret", "is the endpoint's secret already")
		}
		e.NextSecret, e.NextSecretAt = secret, &expires
		e.Settle(s.cfg.Now())
		return nil
	})
	if err != nil {
		return response{}, err
	}
	return response{http.StatusOK, rotatedWire{secret, expires}, ""}, nil
}

// promoteSecret ends the overlap: the new secret is the only one.
func (s *server) promoteSecret(ctx context.Context, r *request) (response, error) {
	id, err := r.endpointID()
	if err != nil {
		return response{}, err
	}
	if invalid := decode(r.body, &noInput{}); invalid != nil {
		return response{}, invalid
	}
	e, err := s.Endpoints.Update(ctx, r.workspace, id, func(e *webhook.Endpoint) error {
		e.Settle(s.cfg.Now())
		if e.NextSecretAt == nil {
			return &webhook.Error{Code: webhook.CodeConflict, Detail: "the endpoint's secret is not being rotated"}
		}
		e.Promote()
		return nil
	})
	if err != nil {
		return response{}, err
	}
	return response{http.StatusOK, renderSecret(&e), ""}, nil
}
