package client

import (
	"context"
	"iter"
	"net/url"
	"time"
)

// KeyInput is a new key. Name is required.
type KeyInput struct {
	Name string `json:"name"`
	// Scopes are what it may do. Default all.
	Scopes []Scope `json:"scopes,omitempty"`
}

// Scope is something that a key may do.
type Scope string

// Every scope.
const (
	ScopeEventsWrite     Scope = "events:write"
	ScopeEventsRead      Scope = "events:read"
	ScopeEndpointsWrite  Scope = "endpoints:write"
	ScopeEndpointsRead   Scope = "endpoints:read"
	ScopeDeliveriesWrite Scope = "deliveries:write"
	ScopeDeliveriesRead  Scope = "deliveries:read"
)

// Key opens a workspace.
type Key struct {
	// ID names the key; it opens nothing.
	ID          string      `json:"id"`
	WorkspaceID WorkspaceID `json:"workspace_id"`
	Name        string      `json:"name"`
	// Hint is the key's first characters.
	Hint      string    `json:"hint"`
	Scopes    []Scope   `json:"scopes"`
	CreatedAt time.Time `json:"created_at"`
	// Key is in the answer to a creation only, and never shown again.
	Key string `json:"key,omitempty"`
}

// KeysService is about workspaces' keys. It needs the admin key.
type KeysService struct{ service }

// Create creates a key of a workspace.
func (s *KeysService) Create(ctx context.Context, workspace string, in KeyInput) (Key, error) {
	return do[Key](ctx, s.c, &call{op: "createKey", method: "POST", path: "/v1/workspaces/{}/keys", ids: []string{workspace}, body: in, plain: true})
}

// List is one page of a workspace's keys, without those that were revoked.
func (s *KeysService) List(ctx context.Context, workspace string, o ListOptions) (Page[Key], error) {
	return do[Page[Key]](ctx, s.c, &call{op: "listKeys", method: "GET", path: "/v1/workspaces/{}/keys", ids: []string{workspace}, query: url.Values(o.query()), plain: true})
}

// All goes through all pages of List.
func (s *KeysService) All(ctx context.Context, workspace string, o ListOptions) iter.Seq2[Key, error] {
	return all(o.Cursor, func(cursor string) (Page[Key], error) {
		o.Cursor = cursor
		return s.List(ctx, workspace, o)
	})
}

// Revoke revokes a key. It fails within 2 seconds on every process.
func (s *KeysService) Revoke(ctx context.Context, workspace, keyID string) error {
	return remove(ctx, s.c, &call{op: "revokeKey", method: "DELETE", path: "/v1/workspaces/{}/keys/{}", ids: []string{workspace, keyID}, plain: true})
}
