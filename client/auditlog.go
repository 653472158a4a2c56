package client

import (
	"context"
	"encoding/json"
	"iter"
	"time"
)

// AuditEntry is a change that somebody asked for, or a secret that was shown.
type AuditEntry struct {
	ID          string      `json:"id"`
	WorkspaceID WorkspaceID `json:"workspace_id"`
	// Actor is admin, or the id of the workspace's key.
	Actor string `json:"actor"`
	// Action is the operation's id in the API's description, such as updateEndpoint.
	Action     string     `json:"action"`
	TargetKind TargetKind `json:"target_kind"`
	// Target is what was changed: its id, of an event type the name.
	Target    string `json:"target"`
	RequestID string `json:"request_id"`
	// RemoteAddr is where the request came from; nil when it is not known.
	RemoteAddr *string `json:"remote_addr"`
	// Changes are empty for a deletion, and where nothing that is stored changed.
	Changes   []FieldChange `json:"changes"`
	CreatedAt time.Time     `json:"created_at"`
}

// FieldChange is one field that changed.
type FieldChange struct {
	Field string `json:"field"`
	// Before is nil for a new target, After where the value is gone or hidden.
	Before json.RawMessage `json:"before,omitempty"`
	After  json.RawMessage `json:"after,omitempty"`
	// Hidden: the values are not shown, or not whole.
	Hidden bool `json:"hidden,omitempty"`
}

// TargetKind is what was changed.
type TargetKind string

// Every kind.
const (
	TargetWorkspace  TargetKind = "workspace"
	TargetKey        TargetKind = "key"
	TargetEndpoint   TargetKind = "endpoint"
	TargetDelivery   TargetKind = "delivery"
	TargetReplay     TargetKind = "replay"
	TargetEventType  TargetKind = "event_type"
	TargetPortalLink TargetKind = "portal_link"
)

// AuditFilter narrows the audit log.
type AuditFilter struct {
	// Action is an operation's id, such as updateEndpoint.
	Action string
	// Actor is admin, or a key's id.
	Actor string
	// Target is the id of what was changed.
	Target string
	// Since and Until are times of the requests, the first included.
	Since, Until time.Time
	// Limit and Cursor are as in [ListOptions].
	Limit  int
	Cursor string
}

func (f AuditFilter) query() query {
	return query{}.text("action", f.Action).text("actor", f.Actor).text("target", f.Target).time("since", f.Since).time("until", f.Until).page(f.Limit, f.Cursor)
}

// AuditLogService is about who changed what. The admin key may name no workspace
// ([Config]) and sees all of them; a workspace's key needs every scope.
type AuditLogService struct{ service }

// List is one page of the log, newest first.
func (s *AuditLogService) List(ctx context.Context, f AuditFilter) (Page[AuditEntry], error) {
	return list[AuditEntry](ctx, s.c, "listAuditLog", "/v1/audit-log", f.query())
}

// All goes through all pages of List.
func (s *AuditLogService) All(ctx context.Context, f AuditFilter) iter.Seq2[AuditEntry, error] {
	return all(f.Cursor, func(cursor string) (Page[AuditEntry], error) {
		f.Cursor = cursor
		return s.List(ctx, f)
	})
}
