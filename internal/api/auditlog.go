package api

import (
	"context"
	"net/http"
	"net/netip"
	"slices"

	"github.com/postrider/postrider/internal/webhook"
)

// auditedActions are the operations that write an entry.
var auditedActions = []string{
	"createWorkspace", "updateWorkspace", "deleteWorkspace", "createKey", "revokeKey",
	"createEndpoint", "updateEndpoint", "deleteEndpoint", "getEndpointSecret", "rotateEndpointSecret", "promoteEndpointSecret",
	"testEndpoint", "diagnoseEndpoint", "replayEndpoint", "replayEvent", "replayDeliveries", "cancelReplay", "retryDelivery", "cancelDelivery",
	"putEventType", "deleteEventType", "createPortalLink", "verifyDelivery",
}

// listAuditLog lists a workspace's changes, or everybody's. A deleted workspace's
// can still be read, one that never was is not found.
func (s *server) listAuditLog(ctx context.Context, r *request) (response, error) {
	p, err := r.page()
	if err != nil {
		return response{}, err
	}
	f, err := r.auditFilter()
	if err != nil {
		return response{}, err
	}
	rows, more, err := s.AuditLog.List(ctx, r.workspace, f, p)
	if err == nil && len(rows) == 0 && r.workspace != "" {
		err = s.everWas(ctx, r.workspace)
	}
	if err != nil {
		return response{}, err
	}
	return pageOf(rows, more, func(e *webhook.AuditEntry) webhook.ID { return e.ID }, renderAuditEntry), nil
}

// everWas is not_found for a workspace that neither exists nor has left entries.
func (s *server) everWas(ctx context.Context, ws webhook.WorkspaceID) error {
	_, err := s.Workspaces.Get(ctx, ws)
	if webhook.CodeOf(err) != webhook.CodeNotFound {
		return err
	}
	rows, _, listErr := s.AuditLog.List(ctx, ws, webhook.AuditFilter{}, webhook.Page{Limit: 1})
	if listErr != nil || len(rows) > 0 {
		return listErr
	}
	return err
}

// auditFilter reads what the list is narrowed by.
func (r *request) auditFilter() (f webhook.AuditFilter, err error) {
	if f.Since, f.Until, err = r.span(); err != nil {
		return f, err
	}
	f.Action, f.Target = r.query.Get("action"), r.query.Get("target")
	if f.Action != "" && !slices.Contains(auditedActions, f.Action) {
		return f, invalidField("action", "is no operation that the audit log is about")
	}
	if f.Target != "" && !webhook.ValidEventID(f.Target) && !webhook.ValidEventType(f.Target) {
		return f, invalidField("target", "must be an id or the name of an event type")
	}
	switch actor := r.query.Get("actor"); actor {
	case "":
	case adminActor:
		f.ByAdmin = true
	default:
		var ok bool
		if f.ByKey, ok = webhook.ParseID(webhook.KeyPrefix, actor); !ok {
			f.ByKey, ok = webhook.ParseID(webhook.PortalLinkPrefix, actor)
		}
		if !ok {
			return f, invalidField("actor", "must be admin or the id of a key or portal link")
		}
	}
	if r.workspace == "" && (r.query.Has("actor") || f.Action != "") {
		return f, invalidField(workspaceHeader, "is needed with actor and action: name the workspace")
	}
	return f, nil
}

func (s *server) auditRoutes() []route {
	since := param{name: "since", doc: "Only what was changed at this time or later.", format: "date-time"}
	until := param{name: "until", doc: "Only what was changed before this time.", format: "date-time"}
	action := param{name: "action", doc: "Only this operation. The admin names the workspace with it."}
	for _, id := range auditedActions {
		action.enum = append(action.enum, id)
	}
	return []route{{
		method: http.MethodGet, path: "/v1/audit-log", id: "listAuditLog", tag: tagAuditLog, access: wholeWorkspace, lazyWorkspace: true,
		summary: "List who changed what",
		doc: "Every change of a workspace, key, endpoint, event type, delivery or replay that somebody asked for, and who was shown a secret or made an endpoint's test. " +
			"Events are not in it: they are their own log. Kept for as long as deliveries. The admin key sees every workspace's, or that of the one it names.",
		query: append(pageParams(), since, until, action,
			param{name: "actor", doc: "Only what this key or who came by this portal link, by its id, or admin did. The admin names the workspace with it."},
			param{name: "target", doc: "Only what was done to this one: its id, or an event type's name."}),
		status: http.StatusOK, answer: list[auditEntryWire]{}, handle: s.listAuditLog,
	}}
}

// asActor makes what a request changes its caller's.
func (s *server) asActor(ctx context.Context, rt *route, r *request, requestID string) context.Context {
	return webhook.WithActor(ctx, webhook.Actor{
		KeyID: r.caller, Portal: r.portal, RequestID: requestID, Action: rt.id, RemoteAddr: remoteAddr(r.http), At: s.cfg.Now(),
	})
}

// remoteAddr is the connection's. What headers say of others on the way anybody
// may write.
func remoteAddr(r *http.Request) string {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	return at.Addr().Unmap().WithZone("").String()
}

// noteEndpoint writes into the audit log what changes nothing that is stored, before
// it is done.
func (s *server) noteEndpoint(ctx context.Context, r *request, id webhook.ID) error {
	return s.AuditLog.Record(ctx, r.workspace, id.AsTarget(webhook.KindEndpoint))
}
