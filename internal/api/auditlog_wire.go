package api

import (
	"encoding/json"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

const auditPrefix = "aud_"

// adminActor is what the admin is called in the audit log.
const adminActor = "admin"

type auditEntryWire struct {
	ID          string              `json:"id" doc:"The entry's own." example:"aud_01kqxg5wdgf0m8c4yb2h3t9v6z"`
	WorkspaceID webhook.WorkspaceID `json:"workspace_id" doc:"The workspace that was changed, or changed in."`
	Actor       string              `json:"actor" doc:"admin, or the id of the workspace's key, or of the portal link (ptl_…) that the caller came by." example:"key_01kqxg5wdgf0m8c4yb2h3t9v6z"`
	Action      string              `json:"action" doc:"The operation's id in this description." example:"updateEndpoint"`
	TargetKind  string              `json:"target_kind" enum:"workspace,key,endpoint,delivery,replay,event_type,portal_link" doc:"What was changed."`
	Target      string              `json:"target" doc:"Its id; of an event type the name." example:"ep_01kqxg5wdgf0m8c4yb2h3t9v6z"`
	RequestID   string              `json:"request_id" doc:"The request's X-Request-ID."`
	RemoteAddr  *string             `json:"remote_addr" doc:"Where the request's connection came from: a proxy's address where there is one in front. null when it is not known." example:"203.0.113.7"`
	Changes     []fieldChangeWire   `json:"changes" doc:"The fields that changed; empty for a deletion, and where nothing that is stored did, such as when a secret was shown."`
	CreatedAt   time.Time           `json:"created_at" doc:"When the request was taken up; what the list goes by."`
}

type fieldChangeWire struct {
	Field  string `json:"field" doc:"As in the target, and next_secret for the one that rotates in."`
	Before any    `json:"before,omitempty" doc:"Not there for a new target."`
	After  any    `json:"after,omitempty" doc:"Not there where the value is gone or hidden."`
	Hidden bool   `json:"hidden,omitempty" doc:"The values are not shown, or not whole: they are secret (of headers the names are shown, of a URL no query), or larger than 1 KiB."`
}

func renderAuditEntry(e *webhook.AuditEntry) auditEntryWire {
	out := auditEntryWire{
		ID: e.ID.Format(auditPrefix), WorkspaceID: e.WorkspaceID, Actor: adminActor, Action: e.Actor.Action,
		TargetKind: e.Target.Kind, Target: e.Target.ID, RequestID: e.Actor.RequestID,
		Changes: make([]fieldChangeWire, len(e.Changes)), CreatedAt: e.ID.Time(),
	}
	if !e.Actor.KeyID.IsZero() {
		out.Actor = e.Actor.KeyID.Format(webhook.KeyPrefix)
	}
	if e.Actor.Portal {
		out.Actor = e.Actor.KeyID.Format(webhook.PortalLinkPrefix)
	}
	if e.Actor.RemoteAddr != "" {
		out.RemoteAddr = &e.Actor.RemoteAddr
	}
	for i, c := range e.Changes {
		out.Changes[i] = fieldChangeWire{c.Field, jsonOrNone(c.Before), jsonOrNone(c.After), c.Hidden}
	}
	return out
}

// jsonOrNone keeps null, which is a value, apart from none.
func jsonOrNone(raw json.RawMessage) any {
	if raw == nil {
		return nil
	}
	return raw
}
