package api

import (
	"context"
	"net/http"

	"github.com/postrider/postrider/internal/webhook"
)

type principalKey struct{}

// As is a context whose requests to the API's handler are made by who is signed in
// with this session, in place of a key. Only this process can make one: nothing that
// comes over a connection gets into a request's context.
func As(ctx context.Context, s *webhook.Session) context.Context {
	who := caller{within: true, admin: s.Kind == webhook.SessionAdmin, portal: s.Kind == webhook.SessionPortal}
	if !who.admin {
		who.key = s.Key
		who.key.WorkspaceID = s.Workspace.ID
	}
	return context.WithValue(ctx, principalKey{}, who)
}

func principalOf(ctx context.Context) (caller, bool) {
	who, ok := ctx.Value(principalKey{}).(caller)
	return who, ok
}

// CheckKey finds out whose key it is, as for a request: the session has Kind, Key and
// Workspace's ID. A wrong key is unauthorized.
type CheckKey func(ctx context.Context, key string) (webhook.Session, error)

// checkKey is the API's.
func (s *server) checkKey(ctx context.Context, key string) (webhook.Session, error) {
	who, err := s.auth.caller(ctx, key)
	if err != nil {
		return webhook.Session{}, err
	}
	if who.admin {
		return webhook.Session{Kind: webhook.SessionAdmin}, nil
	}
	return webhook.Session{Kind: webhook.SessionKey, Key: who.key, Workspace: webhook.Workspace{ID: who.key.WorkspaceID}}, nil
}

// ownURL is where the request itself came.
func ownURL(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}
