package api

import (
	"context"
	"crypto/subtle"
	"net/http"
	"strings"

	"github.com/postrider/postrider/internal/webhook"
)

// who finds out whose key the request carries. A route that an endpoint's secrets
// open, too, takes one of those in its place.
func (s *server) who(ctx context.Context, rt *route, r *http.Request) (caller, error) {
	if p, ok := principalOf(ctx); ok {
		return p, nil
	}
	key, err := bearerKey(r)
	if err != nil {
		return caller{}, err
	}
	if rt.bySecret && strings.HasPrefix(key, webhook.SecretPrefix) {
		return s.receiver(ctx, r.PathValue("id"), key)
	}
	return s.auth.caller(ctx, key)
}

// receiver is who has a secret of the endpoint: its present one, or while those
// rotate either. Whether there is such an endpoint a wrong one does not tell.
func (s *server) receiver(ctx context.Context, endpoint, secret string) (caller, error) {
	id, ok := webhook.ParseID(webhook.EndpointPrefix, endpoint)
	if !ok || !webhook.ValidSecret(secret) {
		return caller{}, wrongSecret()
	}
	e, err := s.Endpoints.Anywhere(ctx, id)
	if webhook.CodeOf(err) == webhook.CodeNotFound {
		return caller{}, wrongSecret()
	}
	if err != nil {
		return caller{}, err
	}
	e.Settle(s.cfg.Now())
	given := []byte(secret)
	if subtle.ConstantTimeCompare(given, []byte(e.Secret))|subtle.ConstantTimeCompare(given, []byte(e.NextSecret)) == 0 {
		return caller{}, wrongSecret()
	}
	return caller{endpoint: e.ID, key: webhook.Key{WorkspaceID: e.WorkspaceID}}, nil
}

func wrongSecret() error {
	return webhook.Errorf(webhook.CodeUnauthorized, "the secret is none of this endpoint's")
}
