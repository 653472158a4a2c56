package client

import (
	"context"
	"iter"
	"net/url"
	"time"
)

// WorkspaceInput is a new workspace. Name is required.
type WorkspaceInput struct {
	// ID is 1 to 64 of A-Za-z0-9_-. Generated when empty.
	ID   WorkspaceID `json:"id,omitempty"`
	Name string      `json:"name"`
}

// WorkspacePatch changes a workspace.
type WorkspacePatch struct {
	Name string `json:"name,omitempty"`
}

// Workspace is a tenant: it owns endpoints, events and keys.
type Workspace struct {
	ID        WorkspaceID `json:"id"`
	Name      string      `json:"name"`
	CreatedAt time.Time   `json:"created_at"`
	UpdatedAt time.Time   `json:"updated_at"`
}

// WorkspacesService is about workspaces. It needs the admin key.
type WorkspacesService struct{ service }

// Create creates a workspace. Its id lasts: it can't be changed or used again.
func (s *WorkspacesService) Create(ctx context.Context, in WorkspaceInput) (Workspace, error) {
	return do[Workspace](ctx, s.c, &call{op: "createWorkspace", method: "POST", path: "/v1/workspaces", body: in, plain: true})
}

// List is one page of workspaces, newest first.
func (s *WorkspacesService) List(ctx context.Context, o ListOptions) (Page[Workspace], error) {
	return do[Page[Workspace]](ctx, s.c, &call{op: "listWorkspaces", method: "GET", path: "/v1/workspaces", query: url.Values(o.query()), plain: true})
}

// All goes through all pages of List.
func (s *WorkspacesService) All(ctx context.Context, o ListOptions) iter.Seq2[Workspace, error] {
	return all(o.Cursor, func(cursor string) (Page[Workspace], error) {
		o.Cursor = cursor
		return s.List(ctx, o)
	})
}

// Get is a workspace.
func (s *WorkspacesService) Get(ctx context.Context, id string) (Workspace, error) {
	return do[Workspace](ctx, s.c, &call{op: "getWorkspace", method: "GET", path: "/v1/workspaces/{}", ids: []string{id}, plain: true})
}

// Update renames a workspace.
func (s *WorkspacesService) Update(ctx context.Context, id string, p WorkspacePatch) (Workspace, error) {
	return do[Workspace](ctx, s.c, &call{op: "updateWorkspace", method: "PATCH", path: "/v1/workspaces/{}", ids: []string{id}, body: p, patch: true, plain: true})
}

// Delete deletes a workspace: its keys stop working and its endpoints go with it.
func (s *WorkspacesService) Delete(ctx context.Context, id string) error {
	return remove(ctx, s.c, &call{op: "deleteWorkspace", method: "DELETE", path: "/v1/workspaces/{}", ids: []string{id}, plain: true})
}
