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
	// PortalOrigins are sites that may show its portal in a frame, such as
	// https://app.example.com; at most 20.
	PortalOrigins []string `json:"portal_origins,omitempty"`
}

// WorkspacePatch changes a workspace. What is left out stays as it is.
type WorkspacePatch struct {
	Name string `json:"name,omitempty"`
	// PortalOrigins are replaced whole; [Null] takes them away.
	PortalOrigins Patch[[]string] `json:"portal_origins,omitzero"`
}

// Workspace is a tenant: it owns endpoints, events and keys.
type Workspace struct {
	ID   WorkspaceID `json:"id"`
	Name string      `json:"name"`
	// PortalOrigins are the sites that may show its portal in a frame.
	PortalOrigins []string  `json:"portal_origins"`
	CreatedAt     time.Time `json:"created_at"`
	UpdatedAt     time.Time `json:"updated_at"`
}

// PortalAbility is something that who comes by a portal link may do.
type PortalAbility string

// Every ability: to look at everything but secrets, and to change things as well.
const (
	PortalView   PortalAbility = "view"
	PortalManage PortalAbility = "manage"
)

// PortalLinkInput says what a link is for.
type PortalLinkInput struct {
	// Abilities of who comes by it. Default both.
	Abilities []PortalAbility `json:"abilities,omitempty"`
	// ExpiresIn is for how many seconds it can be used: 10 to 3600. Default 300.
	ExpiresIn *int `json:"expires_in,omitempty"`
}

// PortalLink lets one browser into a workspace's portal, once.
type PortalLink struct {
	// ID is what the audit log calls who comes by it.
	ID          string      `json:"id"`
	WorkspaceID WorkspaceID `json:"workspace_id"`
	// URL is the link, in the answer to its creation only.
	URL       string          `json:"url"`
	Abilities []PortalAbility `json:"abilities"`
	// ExpiresAt is until when it can be used.
	ExpiresAt time.Time `json:"expires_at"`
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

// Update changes what the patch names, and nothing else.
func (s *WorkspacesService) Update(ctx context.Context, id string, p WorkspacePatch) (Workspace, error) {
	return do[Workspace](ctx, s.c, &call{op: "updateWorkspace", method: "PATCH", path: "/v1/workspaces/{}", ids: []string{id}, body: p, patch: true, plain: true})
}

// Delete deletes a workspace: its keys stop working and its endpoints go with it.
func (s *WorkspacesService) Delete(ctx context.Context, id string) error {
	return remove(ctx, s.c, &call{op: "deleteWorkspace", method: "DELETE", path: "/v1/workspaces/{}", ids: []string{id}, plain: true})
}

// CreatePortalLink creates a link into a workspace's portal: send the browser of a
// customer, whose workspace it is, there at once.
func (s *WorkspacesService) CreatePortalLink(ctx context.Context, id string, in PortalLinkInput) (PortalLink, error) {
	return do[PortalLink](ctx, s.c, &call{op: "createPortalLink", method: "POST", path: "/v1/workspaces/{}/portal-links", ids: []string{id}, body: in, plain: true})
}
