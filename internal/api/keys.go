package api

import (
	"context"
	"net/http"
	"slices"

	"github.com/postrider/postrider/internal/webhook"
)

type keyInput struct {
	Name   string   `json:"name" minLength:"1" maxLength:"200" doc:"What people call it." example:"backend"`
	Scopes []string `json:"scopes,omitempty" minItems:"1" maxItems:"20" enum:"events:write,events:read,endpoints:write,endpoints:read,deliveries:write,deliveries:read" doc:"What the key may do; all of it when left out."`
}

func (s *server) createKey(ctx context.Context, r *request) (response, error) {
	ws, err := s.existingWorkspace(ctx, r)
	if err != nil {
		return response{}, err
	}
	var in keyInput
	if err := decode(r.body, &in); err != nil {
		return response{}, err
	}
	secret := webhook.NewAPIKey()
	now := s.cfg.Now()
	k := webhook.Key{
		ID: webhook.NewID(now), WorkspaceID: ws, Name: in.Name, Scopes: scopesOf(in.Scopes), Hint: secret[:8],
	}
	k.CreatedAt = k.ID.Time()
	if err := s.Keys.Create(ctx, k, webhook.HashAPIKey(secret)); err != nil {
		return response{}, err
	}
	out := renderKey(&k)
	out.Key = secret
	return response{http.StatusCreated, out, "/v1/workspaces/" + string(ws) + "/keys/" + out.ID}, nil
}

// scopesOf keeps the documentation's order and drops what is named twice.
func scopesOf(names []string) []webhook.Scope {
	all := webhook.Scopes()
	if names == nil {
		return all
	}
	return slices.DeleteFunc(all, func(s webhook.Scope) bool { return !slices.Contains(names, string(s)) })
}

func (s *server) listKeys(ctx context.Context, r *request) (response, error) {
	ws, err := s.existingWorkspace(ctx, r)
	if err != nil {
		return response{}, err
	}
	p, err := r.page()
	if err != nil {
		return response{}, err
	}
	rows, more, err := s.Keys.List(ctx, ws, p)
	if err != nil {
		return response{}, err
	}
	return pageOf(rows, more, func(k *webhook.Key) webhook.ID { return k.ID }, renderKey), nil
}

func (s *server) revokeKey(ctx context.Context, r *request) (response, error) {
	ws, err := s.existingWorkspace(ctx, r)
	if err != nil {
		return response{}, err
	}
	id, err := r.id("key_id", webhook.KeyPrefix, "key")
	if err != nil {
		return response{}, err
	}
	return response{status: http.StatusNoContent}, s.Keys.Revoke(ctx, ws, id)
}

// existingWorkspace is the {id} of a path below a workspace.
func (s *server) existingWorkspace(ctx context.Context, r *request) (webhook.WorkspaceID, error) {
	id, err := r.workspaceID()
	if err != nil {
		return id, err
	}
	_, err = s.Workspaces.Get(ctx, id)
	return id, err
}
